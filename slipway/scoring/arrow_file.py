"""Arrow files (IPC, Feather version 2) by record batches, read through the memory map of the file; pyarrow is imported here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from slipway.errors import ScoringError
from slipway.scoring.parquet import BATCH_ROWS, check_names, grouped, need_pyarrow
from slipway.scoring.stores import Place, Ranges, StoredFile

MAGIC = b"ARROW1"
SUFFIXES = (".arrow", ".feather")
_FIRST_FEATHER = b"FEA1"


@contextmanager
def opened(path: Place, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """An Arrow file.

    Parameters
    ----------
    path : Path or StoredFile
    columns : sequence of str, optional
        No other is read.

    Yields
    ------
    pyarrow.ipc.RecordBatchFileReader

    Raises
    ------
    ScoringError
        If it is none, or has a name twice.
    """
    need_pyarrow(path)
    import pyarrow as pa

    try:
        with pa.PythonFile(Ranges(path), "r") if isinstance(path, StoredFile) else pa.memory_map(str(path)) as file:
            with pa.ipc.open_file(file) as reader:
                names = reader.schema.names
            check_names(path, names)
            places = None if columns is None else [names.index(name) for name in columns]
            options = pa.ipc.IpcReadOptions(included_fields=places, use_threads=False)
            with pa.ipc.open_file(file, options=options) as reader:
                yield reader
    except pa.ArrowException as exc:
        raise ScoringError(f"{path}: {_problem(path)}: {str(exc).splitlines()[0]}") from exc


def _problem(path: Place) -> str:
    with path.open("rb") as file:
        head = file.read(len(MAGIC))
    if head.startswith(_FIRST_FEATHER):
        return "is Feather of version 1; write it again with version 2"
    if head.startswith(MAGIC):
        return "is a damaged Arrow file"
    return "is not a valid Arrow file; streams of Arrow are not read: write it as a file"


def groups_of(path: Place, file: Any) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """The batches of a file that are scored together, as `parquet.groups_of`.

    Parameters
    ----------
    path : Path or StoredFile
    file : pyarrow.ipc.RecordBatchFileReader

    Yields
    ------
    groups, first_row, rows
    """
    # Rows stand in the head of each batch; of its columns, one has to be read for it.
    with opened(path, file.schema.names[:1]) as counting:
        yield from grouped(counting.get_batch(index).num_rows for index in range(counting.num_record_batches))


def batches(path: Place, groups: Sequence[int], columns: Sequence[str]) -> Iterator[Any]:
    """The rows of some record batches, in order.

    Parameters
    ----------
    path : Path or StoredFile
    groups : sequence of int
    columns : sequence of str
        No other is read.

    Yields
    ------
    pyarrow.RecordBatch

    Raises
    ------
    ScoringError
        If the file is damaged.
    """
    with opened(path, columns) as file:
        for group in groups:
            batch = file.get_batch(group)
            for start in range(0, batch.num_rows, BATCH_ROWS):
                yield batch.slice(start, BATCH_ROWS)
