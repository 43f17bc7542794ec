"""Without a server: record in, finished answer out, beside PyCaret's own two ways."""

import statistics
import time
import warnings
from collections.abc import Callable
from itertools import cycle
from typing import Any

from bench.rounds import Measured, add, noise, rotated
from bench.settings import Settings
from slipway import store
from slipway.inference import frames

PREDICT_MODEL, PIPELINE, OURS = "PyCaret predict_model", "PyCaret Pipeline.predict", "Slipway"


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


def measure(measured: Measured, settings: Settings, version: Any, records: list[dict[str, Any]]) -> None:
    """One row and many, every way once a round."""
    for measure_name, count in (("inprocess_one_ms", 1), ("inprocess_many_ms", settings.rows)):
        calls = contenders(version, records, count)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for call in calls.values():
                call()
            for number in range(settings.rounds):
                print(f"  {count:,} rows in process, round {number + 1} of {settings.rounds}", flush=True)
                noise(measured)
                for name in rotated(list(calls), number):
                    add(measured, measure_name, name, median_ms(calls[name], settings.in_process))
