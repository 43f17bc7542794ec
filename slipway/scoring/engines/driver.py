"""The parts of a run made by an engine and joined to a folder: what the process does that was given `slipway score --engine`."""

import os
import shutil
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from slipway.errors import ScoringError, SlipwayError, first_line
from slipway.inference.golden import Golden
from slipway.scoring.engines import Cluster, load
from slipway.scoring.engines.worker import Order, PartMaker
from slipway.scoring.parts import Done, Parts, cannot_write
from slipway.scoring.progress import Progress
from slipway.scoring.work import Job, Task

_GLANCE = 1.0
"""Seconds after which it is looked at which parts are there."""


def make_all(job: Job, golden: Golden, tasks: Sequence[Task], parts: Parts, cluster: Cluster) -> tuple[Done, int]:
    """Make every part that is not there, and put all of them into a folder.

    Parameters
    ----------
    job : Job
    golden : Golden
        Each worker must still give these answers.
    tasks : sequence of Task
        All parts.
    parts : Parts
    cluster : Cluster

    Returns
    -------
    done : Done
        What all parts have together.
    count : int
        Of parts.

    Raises
    ------
    ScoringError
        If a part cannot be made, or is not what was made.
    """
    results = {task.index: done for task in tasks if (done := parts.done(task.index)) is not None}
    left = [task for task in tasks if task.index not in results]
    if left:
        with _shown(left, tasks, parts):
            made = _run(job, golden, left, parts, cluster)
        # A part that was made twice, as its worker was thought to be lost, counts once.
        results |= {left[number].index: Done(rows, faulty) for number, rows, faulty in made}
    _join(tasks, parts, results)
    total = Done(sum(done.rows for done in results.values()), sum(done.faulty for done in results.values()))
    return total, len(tasks)


def _run(job: Job, golden: Golden, tasks: list[Task], parts: Parts, cluster: Cluster) -> list[tuple[int, ...]]:
    """What the engine says of the parts."""
    folder = parts.folder
    for path in folder.glob("*.error"):  # of a run that was stopped
        path.unlink()
    try:
        graph = shutil.copyfile(job.model.path, folder / "model.onnx")
    except OSError as exc:
        raise cannot_write(folder / "model.onnx", exc) from exc
    sources = [replace(source, path=source.path.absolute()) for source in job.sources]
    job = replace(job, model=replace(job.model, path=graph), sources=sources)
    # A worker of a run that was stopped may still be there: what it says is not said of this one.
    maker = PartMaker.saved(Order(job, golden, tasks, uuid.uuid4().hex), folder / "order")
    try:
        made = load(cluster.engine).run(maker, len(tasks), cluster)
    except SlipwayError:
        raise
    except Exception as exc:
        why = first_line(str(exc)) or type(exc).__name__
        raise ScoringError(
            f"--engine {cluster.engine}: {why}; when that is put right, run the same command again: it goes on where it was"
        ) from exc
    if (error := maker.error()) is not None:
        raise ScoringError(error)
    return made


@contextmanager
def _shown(left: Sequence[Task], tasks: Sequence[Task], parts: Parts) -> Iterator[None]:
    """Progress, from the parts that are there: it is the same for every engine."""
    progress = Progress(sum(task.weight for task in tasks))
    progress.skip(sum(task.weight for task in tasks) - sum(task.weight for task in left))
    waiting = {task.index: task for task in left}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_GLANCE):
            for path in parts.folder.glob("[0-9]*.json"):
                task = waiting.pop(int(path.stem), None)
                if task is not None and (done := parts.done(task.index)) is not None:
                    progress.add(done.rows, task.weight)
            progress.show()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        progress.end()


def _join(tasks: Sequence[Task], parts: Parts, results: dict[int, Done]) -> None:
    """Move the parts into the folder that will be the output, once it is sure that each has all its rows."""
    import pyarrow.parquet as pq

    for task in tasks:
        done, path = results.get(task.index), parts.whole / f"part-{task.index:06}.parquet"
        if done is None:
            raise ScoringError(f"{parts.path(task.index)}: the engine did not make it; run the same command again")
        if done.rows + done.faulty != task.weight:
            raise ScoringError(
                f"{parts.path(task.index)}: has {done.rows} scored and {done.faulty} faulty rows, of {task.weight}; remove {parts.folder}, and start again"
            )
        try:
            parts.whole.mkdir(exist_ok=True)
            if parts.path(task.index).exists():  # a run that was stopped here has moved some
                os.replace(parts.path(task.index), path)
            rows = pq.read_metadata(path).num_rows
        except FileNotFoundError as exc:
            raise ScoringError(
                f"{parts.path(task.index)}: was made by a worker, and is not there; inputs and output must lie in folders that "
                "this machine and every worker see under the same path"
            ) from exc
        except OSError as exc:
            raise cannot_write(path, exc) from exc
        if rows != done.rows:
            raise ScoringError(
                f"{path}: has {rows} rows, and {done.rows} were written; remove {parts.folder}, and start again"
            )
