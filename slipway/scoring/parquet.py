"""Parquet files by row groups; pyarrow is imported here, where a file needs it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from slipway.errors import ScoringError
from slipway.scoring.stores import Place, Ranges, StoredFile

SUFFIXES = (".parquet", ".pq")

BATCH_ROWS = 32_768
"""Rows that are read and scored together."""
PART_ROWS = 200_000
"""Row groups of a file are scored together up to so many rows."""


def need_pyarrow(path: Place) -> None:
    """Refuse Parquet and Arrow where pyarrow is missing.

    Raises
    ------
    ScoringError
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as exc:
        raise ScoringError(f"{path}: needs pyarrow: `pip install 'slipway-ml[score]'`, or use CSV files") from exc


def opened(path: Place, categories: Sequence[str] = ()) -> Any:
    """A Parquet file.

    Parameters
    ----------
    path : Path or StoredFile
    categories : sequence of str, optional
        Columns of text that are read with each different text once.

    Returns
    -------
    pyarrow.parquet.ParquetFile

    Raises
    ------
    ScoringError
        If it is none, or has a name twice.
    """
    need_pyarrow(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Of an object, chunks that lie near each other are read by one request.
        where = Ranges(path) if isinstance(path, StoredFile) else path
        file = pq.ParquetFile(where, read_dictionary=[*categories], pre_buffer=where is not path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
        raise ScoringError(f"{path}: is not a valid Parquet file: {str(exc).splitlines()[0]}") from exc
    check_names(path, file.schema_arrow.names)
    return file


def check_names(path: Place, names: Sequence[str]) -> None:
    """Refuse a file that has a column name twice.

    Raises
    ------
    ScoringError
    """
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise ScoringError(f"{path}: has the column name {doubled[0]!r} more than once; rename them")


def groups_of(file: Any) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """The row groups of a file that are scored together, the number of their first row from 1, and how many rows they have.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile

    Yields
    ------
    groups, first_row, rows
    """
    counts = (file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups))
    return grouped(counts)


def grouped(counts: Iterable[int]) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Row groups, or batches, of so many rows, as of `groups_of`.

    Parameters
    ----------
    counts : iterable of int

    Yields
    ------
    groups, first_row, rows
    """
    groups: list[int] = []
    first, rows = 1, 0
    for group, count in enumerate(counts):
        if groups and rows + count > PART_ROWS:
            yield tuple(groups), first, rows
            groups, first, rows = [], first + rows, 0
        groups.append(group)
        rows += count
    if groups:
        yield tuple(groups), first, rows


def batches(path: Place, groups: Sequence[int], columns: Sequence[str], categories: Sequence[str]) -> Iterator[Any]:
    """The rows of some row groups, in order.

    Parameters
    ----------
    path : Path or StoredFile
    groups : sequence of int
    columns : sequence of str
        No other is read.
    categories : sequence of str
        As of `opened`.

    Yields
    ------
    pyarrow.RecordBatch

    Raises
    ------
    ScoringError
        If the file is damaged.
    """
    import pyarrow as pa

    try:
        with opened(path, categories) as file:
            yield from file.iter_batches(BATCH_ROWS, row_groups=[*groups], columns=[*columns], use_threads=False)
    except (pa.ArrowException, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno:
            raise
        raise ScoringError(f"{path}: is a damaged Parquet file: {str(exc).splitlines()[0]}") from exc
