"""Without a server: records or a file in, finished answer out, beside PyCaret's own two ways and pandas."""

import asyncio
import io
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from threading import Event
from typing import Any

from bench.page import written
from bench.rounds import Measured, add, noise, rotated
from bench.settings import Settings
from slipway import store
from slipway.inference import frames
from slipway.schema.sampling import draw_records
from slipway.service.file_answer import Wanted, answer_file
from slipway.service.model import LoadedModel

PREDICT_MODEL, PIPELINE, OURS = "PyCaret predict_model", "PyCaret Pipeline.predict", "Slipway"
PANDAS = "pandas, ONNX Runtime, no checks"


def median_ms(call: Callable[[], object], seconds: float) -> float:
    """The median call in milliseconds; at least two are made."""
    taken: list[float] = []
    deadline = time.perf_counter() + seconds
    while len(taken) < 2 or time.perf_counter() < deadline:
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return 1000 * statistics.median(taken)


def contenders(version: Any, records: list[dict[str, Any]], count: int) -> dict[str, Callable[[], object]]:
    """Each way to answer `count` of the records; PyCaret is given frames that were made beforehand."""
    from pycaret.regression import RegressionExperiment

    from slipway.inference.pipeline_engine import NativeEngine

    predictor = store.load_predictor(version)
    pipeline = NativeEngine.load(version.pipeline, predictor.schema).pipeline
    experiment = RegressionExperiment()
    parts = [records[start : start + count] for start in range(0, min(len(records), 64 * count), count)]
    schema = predictor.schema
    tables = cycle([frames.frame(schema, schema.columns(part)) for part in parts])
    turns = cycle(parts)
    return {
        OURS: lambda: predictor.answer(next(turns)),
        PIPELINE: lambda: pipeline.predict(next(tables)),
        PREDICT_MODEL: lambda: experiment.predict_model(pipeline, data=next(tables), verbose=False),
    }


def file_contenders(version: Any, content: bytes) -> dict[str, Callable[[], object]]:
    """Each way to answer a CSV: `POST /predict_csv` without HTTP, and the same graph between `read_csv` and `to_csv`.

    The second checks nothing, and adds a column where we add six.
    """
    import pandas as pd

    from slipway.inference.onnx_engine import session

    served = LoadedModel(version)
    running = session(next(version.path.glob("*.onnx")).read_bytes())
    inputs = [(one.name, name, one.type) for one, name in zip(running.get_inputs(), served.schema.names, strict=True)]

    def by_pandas() -> str:
        table = pd.read_csv(io.BytesIO(content))
        feed = {
            key: table[name].to_numpy(object if kind == "tensor(string)" else "float64") for key, name, kind in inputs
        }
        return str(table.assign(prediction=running.run(None, feed)[0]).to_csv(index=False))

    return {OURS: lambda: asyncio.run(answer_file(served, content, Wanted(), Event())), PANDAS: by_pandas}


def measure(measured: Measured, settings: Settings, version: Any, records: list[dict[str, Any]]) -> None:
    """One record, many, and a file, every way once a round."""
    for measure_name, count in (("inprocess_one_ms", 1), ("inprocess_many_ms", settings.rows)):
        _measure(measured, settings, measure_name, f"{count:,} rows", contenders(version, records, count))
    rows = draw_records(version.schema(), settings.file_rows, seed=2)
    with tempfile.TemporaryDirectory() as folder:
        content = written(Path(folder) / "rows.csv", rows, len(rows)).read_bytes()
    name = f"a file of {len(rows):,} rows"
    _measure(measured, settings, "inprocess_file_ms", name, file_contenders(version, content))


def _measure(
    measured: Measured, settings: Settings, name: str, what: str, calls: dict[str, Callable[[], object]]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call in calls.values():
            call()
        for number in range(settings.rounds):
            print(f"  {what} in process, round {number + 1} of {settings.rounds}", flush=True)
            noise(measured)
            for contender in rotated(list(calls), number):
                add(measured, name, contender, median_ms(calls[contender], settings.in_process))
