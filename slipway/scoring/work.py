"""What a worker does: one part after the other, each read, scored and written here. It has no store and no list of parts."""

import gc
import hashlib
import os
import pickle
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from slipway.errors import ScoringError, SlipwayError
from slipway.inference.golden import Golden
from slipway.inference.interval import Interval
from slipway.inference.onnx_engine import CompiledEngine
from slipway.inference.predictor import Engine, Predictor
from slipway.inference.support import Support
from slipway.schema.schema import Schema
from slipway.scoring import arrow_file, inputs, parquet
from slipway.scoring.inputs import Source
from slipway.scoring.output import (
    CSV,
    PARQUET,
    ArrowOutput,
    CsvOutput,
    Output,
    ParquetFolder,
    ParquetOutput,
    PartOutput,
)
from slipway.scoring.parts import Done, Parts, written
from slipway.scoring.reasons import Reasons, ReasonsWanted
from slipway.scoring.rows import FaultyCell, Scored
from slipway.scoring.text import TextScorer
from slipway.tables.delimited import TextPart


@dataclass(frozen=True)
class Model:
    """What a predictor is made of, in any process."""

    tag: str
    schema: Schema
    interval: Interval | None
    support: Support | None
    is_compiled: bool
    path: Path

    def predictor(self) -> Predictor:
        """The predictor of the version."""
        if self.is_compiled:
            engine: Engine = CompiledEngine.load(self.path, self.schema)
        else:
            from slipway.inference.pipeline_engine import NativeEngine

            engine = NativeEngine.load(self.path, self.schema)
        return Predictor(self.tag, self.schema, engine, self.interval, self.support)


@dataclass(frozen=True)
class Job:
    """All that a worker has to know."""

    model: Model
    sources: Sequence[Source]
    kept: list[str]
    parts: Parts
    is_folder: bool = False
    """Whether each part is a Parquet file of the output."""
    reasons: ReasonsWanted | None = None


@dataclass(frozen=True)
class Task:
    """A part that is to be made: of text, or some row groups, whose first row has the number `first_row`."""

    index: int
    source: int
    weight: int
    text: TextPart | None = None
    groups: tuple[int, ...] = ()
    first_row: int = 1


def output_of(job: Job, predictor: Predictor) -> Output:
    """The form of the output, by its name.

    Parameters
    ----------
    job : Job
    predictor : Predictor

    Returns
    -------
    Output
    """
    suffix, reasons = job.parts.out.suffix.lower(), job.reasons is not None
    if suffix in CSV:
        return CsvOutput(predictor, job.kept, reasons)
    kind = ParquetOutput if suffix in PARQUET else ArrowOutput
    return kind(predictor, job.kept, dict(job.sources[0].types), reasons)


def part_output_of(job: Job, predictor: Predictor) -> PartOutput:
    """The form of the parts of the output.

    Parameters
    ----------
    job : Job
    predictor : Predictor

    Returns
    -------
    PartOutput
    """
    if job.is_folder:
        return ParquetFolder(predictor, job.kept, dict(job.sources[0].types), job.reasons is not None)
    return output_of(job, predictor)


class Worker:
    """Makes parts.

    Parameters
    ----------
    job : Job
    golden : Golden, optional
        Answers that the model must still give here, on a machine other than that which has checked them already.
    """

    def __init__(self, job: Job, golden: Golden | None = None) -> None:
        self._job = job
        self._predictor = job.model.predictor()
        if golden is not None:
            self._predictor.check_golden(golden)
        self._reasons = Reasons(self._predictor, job.reasons) if job.reasons else None
        self._output = part_output_of(job, self._predictor)
        self._parts = job.parts
        self._scorers: dict[int, Any] = {}

    def make(self, task: Task) -> Done:
        """Make a part.

        Parameters
        ----------
        task : Task

        Returns
        -------
        Done

        Raises
        ------
        ScoringError
        """
        source = self._job.sources[task.source]
        faulty: list[FaultyCell] = []
        try:
            with written(self._parts.path(task.index)) as file:
                if task.text is not None:
                    rows = self._output.write_texts(file, self._texts(task, task.text, faulty))
                else:
                    rows = self._output.write_batches(file, self._batches(task, source, faulty))
            return self._parts.finish_part(task.index, rows, source.path, faulty)
        except ScoringError:
            raise
        except SlipwayError as exc:
            raise ScoringError(f"{source.path}: {exc}") from exc

    def _texts(
        self, task: Task, part: TextPart, faulty: list[FaultyCell]
    ) -> Iterator[tuple[Sequence[Sequence[str]], Scored]]:
        if task.source not in self._scorers:
            source = self._job.sources[task.source].text
            assert source is not None  # noqa: S101
            self._scorers = {task.source: TextScorer(self._predictor, source, self._job.kept, self._reasons)}
        for rows, scored, found in self._scorers[task.source].score(part):
            faulty += found
            yield rows, scored

    def _batches(self, task: Task, source: Source, faulty: list[FaultyCell]) -> Iterator[Any]:
        from slipway.scoring.batches import BatchScorer

        schema = self._predictor.schema
        if task.source not in self._scorers:
            self._scorers = {task.source: BatchScorer(self._predictor, self._job.kept, source.matched, self._reasons)}
        needed = [name for name, _ in source.types if source.matched.get(name, name) in schema.by_name]
        columns = [*dict.fromkeys([*needed, *self._job.kept])]
        row = task.first_row
        source.check_unchanged()
        for batch in self._read(source, task.groups, columns):
            scored, found = self._scorers[task.source].score(batch, row)
            row += batch.num_rows
            faulty += found
            yield scored
        source.check_unchanged()

    def _read(self, source: Source, groups: tuple[int, ...], columns: list[str]) -> Iterator[Any]:
        if source.form == inputs.ARROW:
            return arrow_file.batches(source.path, groups, columns)
        return parquet.batches(source.path, groups, columns, inputs.categories_of(source, self._predictor.schema))


_worker: Worker | None = None


def begin(job: Job) -> None:
    """Become a worker; it ends with its parent, however that ends, and leaves Ctrl-C to it."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = Worker(job)
    gc.freeze()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def stored(task: Task, parts: Parts) -> tuple[Path, str]:
    """Put a part that is to be made into the folder of the run, for `make_stored`.

    Parameters
    ----------
    task : Task
    parts : Parts

    Returns
    -------
    path : Path
    sha256 : str
        Of the file.

    Raises
    ------
    ScoringError
        If it cannot be written.
    """
    content = pickle.dumps(task)
    path = parts.path(task.index).with_suffix(".task")
    with written(path) as file:
        file.write(content)
    return path, hashlib.sha256(content).hexdigest()


def make_stored(path: Path, sha256: str) -> Done:
    """As `make`, of a part that `stored` has written.

    Raises
    ------
    ScoringError
        If the file is not as it was written, too.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise ScoringError(f"{path}: cannot be read: {exc.strerror}; run the same command again") from exc
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ScoringError(f"{path}: is not what this run has written; start again")
    done = make(pickle.loads(content))  # noqa: S301 (its SHA-256 was checked)
    path.unlink(missing_ok=True)
    return done


def make(task: Task) -> Done:
    """Make a part in a process that has begun as a worker."""
    assert _worker is not None  # noqa: S101
    return _worker.make(task)
