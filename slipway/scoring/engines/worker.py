"""What a worker of an engine does, on any machine: the parts with the numbers that it is given.

What it has to know lies in the folder of the run, which every worker must see under the same path: the engine moves numbers alone.
"""

import gc
import hashlib
import pickle
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from slipway.errors import ScoringError, SlipwayError
from slipway.inference.golden import Golden
from slipway.scoring.engines import DONE
from slipway.scoring.parts import Done, written
from slipway.scoring.work import Job, Task, Worker

_here = threading.local()


@dataclass(frozen=True)
class Order:
    """All that a worker has to know: the parts that are to be made, and the golden predictions that it must repeat first.

    `run` is another one for each run.
    """

    job: Job
    golden: Golden
    tasks: Sequence[Task]
    run: str


@dataclass(frozen=True)
class PartMaker:
    """Makes parts: a function from record batches to record batches.

    Parameters
    ----------
    path : Path
        The pickled `Order`.
    sha256 : str
        Of the file: it came with the engine's messages, so that nobody who can write to the folder has another one run.
    """

    path: Path
    sha256: str

    @classmethod
    def saved(cls, order: Order, path: Path) -> "PartMaker":
        """The maker of the parts of an order, which is written to `path`."""
        content = pickle.dumps(order)
        with written(path) as file:
            file.write(content)
        return cls(path, hashlib.sha256(content).hexdigest())

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Make the parts whose numbers are in the first column of batches.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch

        Yields
        ------
        pyarrow.RecordBatch
            With the columns of `DONE`, a row for each part. Once one cannot be made, none is, and `error` says why: an engine would
            try it again and again, log it, and wrap it in errors of its own.
        """
        for batch in batches:
            made = [self._made(number) for number in batch.column(0).to_pylist()]
            yield pa.record_batch([pa.array(column, pa.int64()) for column in zip(*made, strict=True)], names=[*DONE])

    def error(self) -> str | None:
        """Why a part of this run cannot be made, if there is one."""
        try:
            return self._error.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    @property
    def _error(self) -> Path:
        return self.path.with_name(f"{self.sha256}.error")

    def _made(self, number: int) -> tuple[int, int, int]:
        if self.error() is not None:
            return number, 0, 0
        try:
            done = self._done(*self._worker(), number)
        except SlipwayError as exc:
            with written(self._error) as file:
                file.write(str(exc).encode())
            return number, 0, 0
        return number, done.rows, done.faulty

    def _done(self, order: Order, worker: Worker, number: int) -> Done:
        task = order.tasks[number]
        # It is there if another worker was lost after it had made the part, and before it could say so.
        return order.job.parts.done(task.index) or worker.make(task)

    def _worker(self) -> tuple[Order, Worker]:
        """Made once in a thread: a worker remembers what it has read, and no other thread may be in it."""
        if getattr(_here, "sha256", None) != self.sha256:
            order = self._order()
            worker = Worker(order.job, order.golden)
            _here.sha256, _here.made = self.sha256, (order, worker)
            gc.freeze()
        made: tuple[Order, Worker] = _here.made
        return made

    def _order(self) -> Order:
        try:
            content = self.path.read_bytes()
        except OSError as exc:
            raise ScoringError(
                f"{self.path}: cannot be read by a worker ({exc.strerror}); inputs and output must lie in folders that "
                "this machine and every worker see under the same path"
            ) from exc
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ScoringError(f"{self.path}: is not what this run has written; start again")
        order: Order = pickle.loads(content)  # noqa: S301 (its SHA-256 was checked)
        return order
