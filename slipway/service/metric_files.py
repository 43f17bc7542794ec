"""The metrics of all workers of a server: each writes what it has counted to files, and one process adds them up.

The files have the format of prometheus_client, which reads them and adds them up; tests/test_adapters.py has the contract.
(Seen in prometheus_client 0.26.0.) It could also write them, through memory maps: once the disk is full, that ends a worker
with SIGBUS. Here a file is written anew and takes the place of the old one, which stays where there is no room for it.

Every server has a folder of its own: BentoML's, below BENTOML_HOME, is emptied by the next server that starts.
"""

import asyncio
import atexit
import logging
import os
import re
import shutil
import struct
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
from filelock import FileLock
from prometheus_client import Metric as Family
from prometheus_client import generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from slipway.service.metrics import INFINITY, Counts, Labels, Metric

FOLDER = "SLIPWAY_METRICS_FOLDER"
"""In the environment of the workers: where all of them write."""
ENDED = "ended"
"""In the name of a file, instead of a process id: the sums of workers that have ended."""
INTERVAL = 1.0
"""Seconds until other processes see what was counted."""
_NAME = re.compile(r"(?P<kind>counter|histogram|gauge_[a-z]+)_(?P<pid>\d+|ended)\.db")
_PREFIX = "slipway-metrics-"

log = logging.getLogger("bentoml")


def open_folder() -> Path | None:
    """The folder of this server: of the environment, or else a new one, which is removed at the end.

    Returns
    -------
    Path or None
        None if there is no room for one; then nothing is counted across workers.
    """
    if folder := os.environ.get(FOLDER):
        return Path(folder)
    for place in (None, "/dev/shm"):  # noqa: S108 (mkdtemp makes one that is ours alone)
        with suppress(OSError):
            made = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place))
            os.environ[FOLDER] = str(made)
            atexit.register(_remove, made, os.getpid())
            _remove_left_behind(made.parent)
            return made
    log.error("no folder for temporary files can be written to: there are no metrics")
    return None


def _remove(folder: Path, maker: int) -> None:
    if os.getpid() == maker:  # and not a fork of it
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left_behind(parent: Path) -> None:
    """Remove the folders of servers that were killed."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        maker = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if maker.isdecimal() and not psutil.pid_exists(int(maker)):
            shutil.rmtree(folder, ignore_errors=True)


class MetricFiles:
    """The files of the worker that this process is.

    Parameters
    ----------
    counts : Counts
        What is written.
    """

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.folder: Path | None = None
        self._keys: dict[tuple[Metric, Labels], list[bytes]] = {}
        self._due = self._failed = False

    def open(self) -> None:
        """From now on write into the folder of this server."""
        self.folder = open_folder()
        if self.folder:
            _add_up_ended(self.folder)

    def write_soon(self) -> None:
        """Something has been counted: write it within `INTERVAL`. To be called on the event loop."""
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(INTERVAL, self.write)

    def write(self) -> None:
        """Write what has been counted. Without room for it the files stay as they are."""
        self._due = False
        if not self.folder:
            return
        try:
            for kind, entries in self._entries().items():
                _write(self.folder / f"{kind}_{os.getpid()}.db", entries)
        except OSError as exc:
            if not self._failed:
                log.error("metrics of this worker cannot be written to %s: %s", self.folder, exc.strerror)
            self._failed = True
        else:
            self._failed = False

    def _entries(self) -> dict[str, list[tuple[bytes, float]]]:
        """Keys and values by the kind of file."""
        entries: dict[str, list[tuple[bytes, float]]] = defaultdict(list)
        for (metric, labels), value in self.counts.values.items():
            entries[_kind(metric)].append((self._keys_of(metric, labels)[0], value))
        for (metric, labels), times in self.counts.times.items():
            values = (times.total, *times.counts)
            entries[_kind(metric)].extend(zip(self._keys_of(metric, labels), values, strict=True))
        return entries

    def _keys_of(self, metric: Metric, labels: Labels) -> list[bytes]:
        if (keys := self._keys.get((metric, labels))) is None:
            keys = self._keys[metric, labels] = list(_encoded_keys(metric, labels))
        return keys


def _kind(metric: Metric) -> str:
    return f"gauge_{metric.mode}" if metric.kind == "gauge" else metric.kind


def _encoded_keys(metric: Metric, labels: Labels) -> Iterator[bytes]:
    """The key of a counter or gauge; or those of a histogram, of its sum and then of each bucket."""
    name = metric.name
    if metric.kind != "histogram":
        yield _encoded(_key(metric, name.removesuffix("_total"), name, metric.labels, labels))
        return
    yield _encoded(_key(metric, name, f"{name}_sum", metric.labels, labels))
    for bound in metric.buckets:
        le = "+Inf" if bound == INFINITY else str(bound)
        yield _encoded(_key(metric, name, f"{name}_bucket", (*metric.labels, "le"), (*labels, le)))


def _key(metric: Metric, family: str, sample: str, names: Labels, values: Labels) -> str:
    return mmap_key(family, sample, list(names), list(values), metric.help)


def _encoded(key: str) -> bytes:
    """A key as a file has it: its length, and itself, filled up so that a value can stand at a multiple of eight."""
    encoded = key.encode()
    padded = encoded + b" " * (8 - (len(encoded) + 4) % 8)
    return struct.pack("i", len(encoded)) + padded


def _write(path: Path, entries: Iterable[tuple[bytes, float]]) -> None:
    content = b"".join(part for key, value in entries for part in (key, struct.pack("dd", value, 0.0)))
    beside = path.with_suffix(".new")
    try:
        beside.write_bytes(struct.pack("ii", 8 + len(content), 0) + content)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _add_up_ended(folder: Path) -> None:
    """Put the files of workers that have ended into one of each kind, so that they do not become more and more."""
    with suppress(OSError), FileLock(folder / "lock"):
        groups: dict[str, list[Path]] = defaultdict(list)
        for path, kind, pid in _files(folder):
            if pid == ENDED or not _runs(pid) or int(pid) == os.getpid():
                groups[kind].append(path)
        for kind, paths in groups.items():
            if not kind.startswith("gauge_live"):
                _write(folder / f"{kind}_{ENDED}.db", _added_up(kind, paths))
            for path in paths:
                if not path.name.endswith(f"{ENDED}.db"):
                    path.unlink()


def _added_up(kind: str, paths: Iterable[Path]) -> list[tuple[bytes, float]]:
    totals: dict[str, float] = {}
    for path in paths:
        for key, value, *_ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
            before = totals.get(key)
            totals[key] = value if before is None else max(before, value) if kind == "gauge_max" else before + value
    return [(_encoded(key), value) for key, value in totals.items()]


def _files(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """The files of metrics in a folder, each with its kind and process id."""
    for path in sorted(folder.glob("*.db")):
        if name := _NAME.fullmatch(path.name):
            yield path, name["kind"], name["pid"]


def _runs(pid: str) -> bool:
    return bool(psutil.pid_exists(int(pid)))


class Sums:
    """The metrics of all workers, as prometheus_client collects them.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def collect(self) -> Iterable[Family]:
        """One family for each metric."""
        with ExitStack() as locked:
            with suppress(OSError):  # on a read-only disk there is no lock, and nobody who moves files
                locked.enter_context(FileLock(self.folder / "lock"))
            files = [
                str(path)
                for path, kind, pid in _files(self.folder)
                if not kind.startswith("gauge_live") or (pid != ENDED and _runs(pid))
            ]
            families: Iterable[Family] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
            return families

    def text(self) -> bytes:
        """They in the text format of Prometheus."""
        return generate_latest(self)
