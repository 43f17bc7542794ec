"""How fast files are scored: `python -m bench.scale`, which is `make bench-scale`.

Makes a table of some million rows as Parquet and as CSV, scores both with `slipway score`, the former with each engine that
`make engines-test` has installed as well, and compares that with the graph alone on
all cores, its inputs prepared beforehand; with PyCaret's `predict_model`, and with the pipeline's own `predict` under joblib, both on
as many rows as they take in a reasonable time. All in one run, so that a noisy machine hits all alike.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bench.machine import commit, machine
from slipway.scoring.engines import ENGINES, LOCAL

CHUNK = 500_000
"""Rows that are made at once."""
GRAPH_ROWS = 262_144
"""Rows whose inputs are prepared for the graph alone; they are evaluated again and again."""
ROOT = Path(__file__).parent.parent
COMMAND = "import sys; from slipway.cli.main import main; sys.exit(main())"
"""The installed command, where Slipway may not be installed: an engine has an environment of its own."""
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Run:
    """What one way took, and the most memory of all its processes together."""

    name: str
    rows: int
    seconds: float
    megabytes: float | None = None

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def chunks(rows: int, seed: int = 0) -> Iterator[Any]:
    """A made table like the insurance one, with an id, in record batches."""
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    regions = np.array(["northeast", "northwest", "southeast", "southwest"])
    for start in range(0, rows, CHUNK):
        count = min(CHUNK, rows - start)
        yield pa.table(
            {
                "id": np.arange(start, start + count),
                "age": rng.integers(18, 65, count),
                "sex": np.array(["female", "male"])[rng.integers(0, 2, count)],
                "bmi": rng.uniform(16, 53, count).round(2),
                "children": rng.integers(0, 6, count),
                "smoker": np.array(["no", "yes"])[rng.integers(0, 2, count)],
                "region": regions[rng.integers(0, 4, count)],
            }
        )


def make(folder: Path, rows: int) -> None:
    """The table as Parquet and as CSV."""
    import pyarrow.parquet as pq
    from pyarrow import csv

    writers: list[Any] = []
    try:
        for table in chunks(rows):
            if not writers:
                options = csv.WriteOptions(quoting_style="none")
                writers.append(pq.ParquetWriter(folder / "in.parquet", table.schema))
                writers.append(csv.CSVWriter(folder / "in.csv", table.schema, write_options=options))
            for writer in writers:
                writer.write_table(table)
    finally:
        for writer in writers:
            writer.close()


def memory(process: psutil.Process) -> float:
    """Of a process and all it has started, in MB; what they share counts once."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


def scored(model: str, folder: Path, form: str, rows: int, workers: int, engine: str = LOCAL) -> Run:
    """`slipway score` as a person runs it, its start included."""
    python = Path(sys.executable) if engine == LOCAL else python_of(engine)
    command = [str(python), "-c", COMMAND, "score", model, "--workers", str(workers), "--engine", engine]
    command += ["--in", str(folder / f"in.{form}"), "--out", str(folder / f"{engine}.{form}")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    began, most = time.perf_counter(), 0.0
    with subprocess.Popen(  # noqa: S603
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                most = max(most, memory(watched))
                process.wait(1)  # to ask more often holds the processes up
            except (subprocess.TimeoutExpired, psutil.Error):
                continue
        error = process.stderr.read() if process.stderr else ""
    if process.returncode:
        raise SystemExit(f"bench: slipway score ended with {process.returncode}: {error.strip()}")
    name = f"slipway score, {form}" if engine == LOCAL else f"the same, --engine {engine}"
    return Run(name, rows, time.perf_counter() - began, most)


def python_of(engine: str) -> Path:
    """The interpreter of an engine's environment, which `make engines-test` makes."""
    return ROOT / ".venv" / engine / "bin" / "python"


def graph_alone(path: Path, schema: Any, seed: int, rows: int) -> float:
    """Seconds in which one process evaluates the graph for so many rows, and does nothing else."""
    from slipway.inference.onnx_engine import CompiledEngine

    columns = columns_of(schema, min(rows, GRAPH_ROWS), seed)
    engine, left = CompiledEngine.load(path, schema), rows
    began = time.perf_counter()
    while left > 0:
        engine.predict({name: column[:left] for name, column in columns.items()})
        left -= GRAPH_ROWS
    return time.perf_counter() - began


def columns_of(schema: Any, rows: int, seed: int) -> Any:
    """Checked columns of made rows."""
    from slipway.scoring.arrow_check import ArrowChecker

    table = next(chunks(rows, seed)).combine_chunks()
    return ArrowChecker(schema).check(table.to_batches()[0])[1].columns


def predicted(path: Path, schema: Any, rows: int) -> float:
    """Seconds in which PyCaret's `predict_model` answers so many rows."""
    from pycaret.regression import RegressionExperiment

    from slipway.inference import frames
    from slipway.inference.pipeline_engine import NativeEngine

    data = frames.for_pipeline(schema, frames.frame(schema, columns_of(schema, rows, 1)))
    pipeline = NativeEngine.load(path, schema).pipeline
    experiment = RegressionExperiment()
    began = time.perf_counter()
    experiment.predict_model(pipeline, data=data, verbose=False)
    return time.perf_counter() - began


def with_joblib(path: Path, schema: Any, rows: int, workers: int) -> float:
    """Seconds in which the pipeline's `predict` answers so many rows, a part of them in each process."""
    from joblib import Parallel, delayed

    from slipway.inference import frames
    from slipway.inference.pipeline_engine import NativeEngine

    data = frames.for_pipeline(schema, frames.frame(schema, columns_of(schema, rows, 1)))
    pipeline = NativeEngine.load(path, schema).pipeline
    size = -(-len(data) // workers)
    # The index begins with 0 in each part: PyCaret's transformers join by it.
    parts = [data[start : start + size].reset_index(drop=True) for start in range(0, len(data), size)]
    with Parallel(workers, max_nbytes=None) as parallel:  # the parts are sent, not mapped
        parallel(delayed(pipeline.predict)(part[:100]) for part in parts)  # the processes have begun
        began = time.perf_counter()
        parallel(delayed(pipeline.predict)(part) for part in parts)
        return time.perf_counter() - began


def in_process(function: Callable[..., float], *arguments: object) -> float:
    """What a function returns, in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def measure(model: str, rows: int, peers: int, workers: int) -> list[Run]:
    """Every way once."""
    from slipway import store

    version = store.find(model)
    schema, runs = version.schema(), []
    folder = Path(tempfile.mkdtemp(prefix="slipway-scale-"))
    try:
        make(folder, rows)
        for form in ("parquet", "csv"):
            with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
                tasks = [pool.submit(graph_alone, version.graph, schema, i, rows // workers) for i in range(workers)]
                runs.append(Run("the graph alone", rows, max(task.result() for task in tasks)))
            runs.append(scored(version.tag, folder, form, rows, workers))
            if form == "parquet":
                there = (engine for engine in ENGINES if python_of(engine).exists())
                runs += [scored(version.tag, folder, form, rows, workers, engine) for engine in there]
    finally:
        shutil.rmtree(folder)
    if peers:
        runs.append(Run("PyCaret, predict_model", peers, in_process(predicted, version.pipeline, schema, peers)))
        seconds = with_joblib(version.pipeline, schema, peers, workers)
        runs.append(Run("the pipeline's predict, joblib", peers, seconds))
    return runs


def table(runs: list[Run]) -> str:
    """The figures as Markdown; each ratio is to the graph alone just before."""
    lines = ["| way | rows | s | rows/s | ratio to the graph | peak memory MB |", "|---|---:|---:|---:|---:|---:|"]
    graph = runs[0]
    for run in runs:
        graph = run if run.name == "the graph alone" else graph
        megabytes = "" if run.megabytes is None else f"{run.megabytes:,.0f}"
        ratio = f"{run.rate / graph.rate:.3f}" if run.rate < graph.rate / 10 else f"{run.rate / graph.rate:.2f}"
        lines.append(f"| {run.name} | {run.rows:,} | {run.seconds:.1f} | {run.rate:,.0f} | {ratio} | {megabytes} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Measure, print, and write bench/results/scale.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="insurance", help="a model of the insurance table (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the table (default: 10 million)")
    parser.add_argument("--peers", type=int, default=100_000, help="rows for PyCaret and joblib; 0: without them")
    parser.add_argument(
        "--workers", type=int, default=psutil.cpu_count(), help="processes (default: one for each core)"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "scale.md", help="what is written")
    args = parser.parse_args(argv)
    found = table(measure(args.model, args.rows, args.peers, args.workers))
    about = ", ".join(machine().values())
    text = (
        f"# Files of many rows\n\n`python -m bench.scale --rows {args.rows}`, commit {commit()}, {about}.\n\n{found}\n"
    )
    args.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
