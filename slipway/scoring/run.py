"""Scores files on this machine: this process reads texts, hands out parts and joins them; others make them."""

import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import CsvError, ScoringError, nearest
from slipway.inference.golden import Golden
from slipway.inference.predictor import Predictor
from slipway.scoring import engines, work
from slipway.scoring.engines import LOCAL
from slipway.scoring.inputs import Source, find_files, kept_columns, look_at
from slipway.scoring.output import ARROW, CSV, PARQUET
from slipway.scoring.parquet import need_pyarrow
from slipway.scoring.parts import Done, Parts, cannot_write, written
from slipway.scoring.progress import Progress
from slipway.scoring.reasons import Reasons, ReasonsWanted, announce
from slipway.scoring.stores import Place, StoredFile, check_bucket, exists, stamp_of
from slipway.scoring.work import Job, Model, Task, Worker, output_of
from slipway.tables.content import Content
from slipway.tables.delimited import DelimitedFile

_AHEAD = 2
"""Parts for each worker that are handed out before they can be made."""
_PART = re.compile(r"part-\d+\.parquet")
_FEW_ROWS, _FEW_CHARACTERS = 100_000, 4_000_000
"""Of files that are scored by this process alone."""
_REASONS_COST = 1_000
"""A row that is explained, in rows that are not."""
_GLANCE = 0.5
"""Seconds after which it is looked at whether progress is to be said."""


@dataclass(frozen=True)
class Wanted:
    """What is to be scored, and where it goes.

    `cluster` is the address of one for an engine other than this module. `parts` is where the folder of the parts of an object lies.
    """

    inputs: Sequence[str]
    out: Place
    columns: Sequence[str] | None = None
    overwrite: bool = False
    workers: int | None = None
    engine: str = LOCAL
    cluster: str | None = None
    parts: Path | None = None
    reasons: ReasonsWanted | None = None


def score_files(model: Model, golden: Golden, wanted: Wanted) -> tuple[Done, Parts]:
    """Score files, and write one of all their rows.

    Parameters
    ----------
    model : Model
    golden : Golden
        Of the version: it must still give these answers.
    wanted : Wanted

    Returns
    -------
    done : Done
        How many rows have a prediction, and how many are faulty.
    parts : Parts
        Knows where they are.

    Raises
    ------
    ScoringError
        If anything is wrong with the files, or with where the output goes.
    GoldenMismatchError
        If the model does not predict what it did.
    """
    parts = Parts(wanted.out, wanted.parts)
    if wanted.engine != LOCAL:
        engines.load(wanted.engine)
        _check_compiled(model, wanted.engine)
    _check_out(wanted, parts)
    files = find_files(wanted.inputs, [parts.out, parts.faults, parts.folder])
    manifest = _manifest(model, files, wanted)
    if not parts.folder.exists() or parts.finished() is None:
        _check_absent(wanted, parts)
    predictor = model.predictor()
    predictor.check_golden(golden)
    is_new = not parts.folder.exists()
    sources = [] if not is_new and parts.finished() else [look_at(path, model.schema) for path in files]
    kept = kept_columns(sources, wanted.columns) if sources else []
    if sources and wanted.engine != LOCAL:
        _check_parquet(sources[0], wanted.engine)
    if sources and wanted.reasons is not None:
        _announce(predictor, wanted, sources)
    with parts.opened(manifest):
        if (done := parts.finished()) is not None:
            parts.name(done)
            return done, parts
        job = Job(model, sources, kept, parts, wanted.engine != LOCAL, wanted.reasons)
        if job.is_folder:
            done, count = _on_engine(job, golden, parts, wanted)
        else:
            with written(parts.whole) as whole, output_of(job, predictor).whole(whole) as add:
                done, count = _make_all(job, parts, add, wanted.workers)
        parts.finish(count, done)
    return done, parts


def _announce(predictor: Predictor, wanted: Wanted, sources: Sequence[Source]) -> None:
    assert wanted.reasons is not None  # noqa: S101
    rows = None if sources[0].text else sum(source.total for source in sources)
    announce(predictor, Reasons(predictor, wanted.reasons), rows, wanted.workers or engines.cores())


def _manifest(model: Model, files: Sequence[Place], wanted: Wanted) -> dict[str, object]:
    """What has to be as it was for a run that was stopped to go on."""
    manifest: dict[str, object] = {
        "model": model.tag,
        "list of files": {str(path): stamp_of(path) for path in files},
        "list of columns": wanted.columns and [*wanted.columns],
        "engine": wanted.engine,
        "number of reasons": wanted.reasons and wanted.reasons.most,
    }
    # Two URLs may have one folder of parts.
    return manifest | ({"output": wanted.out.url} if isinstance(wanted.out, StoredFile) else {})


def _check_out(wanted: Wanted, parts: Parts) -> None:
    suffix, endings = parts.out.suffix.lower(), PARQUET if wanted.engine != LOCAL else (*CSV, *PARQUET, *ARROW)
    if suffix not in endings:
        close = nearest(suffix, endings) if suffix else ""
        raise ScoringError(f"--out {parts.out}: the name must end with {', '.join(endings)}{close}")
    if suffix not in CSV:
        need_pyarrow(parts.out)
    if not parts.folder.parent.is_dir():
        option = f"--parts {wanted.parts}" if isinstance(parts.out, StoredFile) else f"--out {parts.out}"
        raise ScoringError(f"{option}: there is no folder {parts.folder.parent}; give one that exists")
    if isinstance(parts.out, StoredFile):
        if wanted.engine != LOCAL:
            raise ScoringError(
                f"--out {parts.out}: --engine {wanted.engine} writes a folder that each worker sees; give its path"
            )
        check_bucket(parts.out)
        return
    if wanted.parts is not None:
        raise ScoringError(f"--parts {wanted.parts}: is for an output in a store; those of {parts.out} lie beside it")
    if parts.out.is_dir() and wanted.engine == LOCAL:
        raise ScoringError(f"--out {parts.out}: is a folder; give the name of a file in a folder that exists")
    if parts.out.is_dir() and any(_PART.fullmatch(path.name) is None for path in parts.out.iterdir()):
        raise ScoringError(f"--out {parts.out}: is a folder of other files than those of an output; give another name")


def _check_absent(wanted: Wanted, parts: Parts) -> None:
    for path in (parts.out, parts.faults):
        if not wanted.overwrite and exists(path):
            raise ScoringError(f"{path}: exists; give another --out, or --overwrite to replace it once all is scored")


def _check_compiled(model: Model, engine: str) -> None:
    if not model.is_compiled:
        raise ScoringError(
            f"--engine {engine}: {model.tag} is served by its pipeline, which needs this machine's packages; "
            "engines score compiled versions: use --engine local"
        )


def _check_parquet(source: Source, engine: str) -> None:
    if source.text is not None:
        raise ScoringError(
            f"--engine {engine}: {source.path} is text; engines read Parquet: convert it, or use --engine local"
        )


def _on_engine(job: Job, golden: Golden, parts: Parts, wanted: Wanted) -> tuple[Done, int]:
    from slipway.scoring.engines.driver import make_all

    cluster = engines.Cluster(wanted.engine, wanted.cluster, wanted.workers or engines.cores())
    return make_all(job, golden, [*_tasks(job.sources)], parts, cluster)


def _make_all(job: Job, parts: Parts, add: Callable[[Path], None], workers: int | None) -> tuple[Done, int]:
    """Make every part that is not there, and join all of them in order."""
    progress = Progress(sum(source.total for source in job.sources))
    results: dict[int, Done] = {}
    joined = 0

    def take(task: Task, done: Done) -> None:
        nonlocal joined
        results[task.index] = done
        while joined in results:
            try:
                add(parts.path(joined))
            except OSError as exc:
                raise cannot_write(parts.whole, exc) from exc
            joined += 1

    try:
        with _pool(job, workers) as submit:
            running: dict[Future[Done], Task] = {}
            for task in _tasks(job.sources):
                if (done := parts.done(task.index)) is not None:
                    take(task, done)
                    progress.skip(task.weight)
                    continue
                running[submit(task)] = task
                while len(running) >= submit.ahead:
                    _collect(running, take, progress)
            while running:
                _collect(running, take, progress)
    except BrokenProcessPool as exc:
        raise ScoringError(
            f"{job.parts.out}: a worker was killed, perhaps for lack of memory; run the same command again: it goes on where it was"
        ) from exc
    finally:
        progress.end()
    total = Done(sum(done.rows for done in results.values()), sum(done.faulty for done in results.values()))
    return total, joined


def _collect(running: dict[Future[Done], Task], take: Callable[[Task, Done], None], progress: Progress) -> None:
    finished, _ = wait(running, _GLANCE, FIRST_COMPLETED)
    for future in finished:
        task, done = running.pop(future), future.result()
        take(task, done)
        progress.add(done.rows, task.weight)
    progress.show()


def _tasks(sources: Sequence[Source]) -> Iterator[Task]:
    """All parts, always in the same order and with the same rows."""
    index = 0
    for place, source in enumerate(sources):
        if source.text is None:
            for groups, first, rows in source.groups:
                yield Task(index, place, rows, groups=groups, first_row=first)
                index += 1
            continue
        source.check_unchanged()
        try:
            with source.path.open("rb") as file:
                for part in DelimitedFile(Content(file, source.stamp[0]), str(source.path)).parts():
                    yield Task(index, place, part.size, part)
                    index += 1
        except CsvError as exc:
            raise ScoringError(str(exc)) from exc
        except OSError as exc:
            raise ScoringError(f"{source.path}: cannot be read: {exc.strerror or exc}") from exc
        source.check_unchanged()


class _Here:
    """Makes parts in this process."""

    ahead = 1

    def __init__(self, job: Job) -> None:
        self._worker = Worker(job)

    def __call__(self, task: Task) -> Future[Done]:
        future: Future[Done] = Future()
        try:
            future.set_result(self._worker.make(task))
        except Exception as exc:
            future.set_exception(exc)
        return future


class _InPool:
    """Makes parts in other processes."""

    def __init__(self, pool: ProcessPoolExecutor, workers: int, parts: Parts) -> None:
        self._pool = pool
        self._parts = parts
        self.ahead = _AHEAD * workers

    def __call__(self, task: Task) -> Future[Done]:
        if task.text is not None:
            # Megabytes do not go through the pool's pipe: a worker that is killed while it reads them would leave the pool
            # waiting for ever, in releases such as 3.11.2 (https://github.com/python/cpython/issues/94777).
            stored = work.stored(task, self._parts)
            with _without_interrupt():
                return self._pool.submit(work.make_stored, *stored)
        # Which may start a process: interrupted before all is sent that it needs, that would end in a traceback of its own.
        with _without_interrupt():
            return self._pool.submit(work.make, task)


@contextmanager
def _without_interrupt() -> Iterator[None]:
    """Ctrl-C takes effect at the end; a process that is started inside does not know it.

    Where it is ignored, as by `nohup` and in a script's background, or handled otherwise, it is none of ours.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if os.name != "posix" or not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))  # another thread may receive it
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which a process inherits
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if came:
            raise KeyboardInterrupt


@contextmanager
def _pool(job: Job, workers: int | None) -> Iterator[_Here | _InPool]:
    workers = workers or engines.cores()
    if workers == 1 or _is_small(job):
        yield _Here(job)
        return
    # Threads of pyarrow and of the runtime do not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, work.begin, (job,))
    try:
        yield _InPool(pool, workers, job.parts)
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _is_small(job: Job) -> bool:
    """Whether there is too little to do for it to be worth the start of a process."""
    total = sum(source.total for source in job.sources) * (_REASONS_COST if job.reasons else 1)
    if job.sources[0].text is None:
        return total < _FEW_ROWS or sum(len(source.groups) for source in job.sources) < 2
    return total < _FEW_CHARACTERS
