"""Parquet files by row groups; pyarrow is imported here, where a file needs it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from slipway.errors import ScoringError

BATCH_ROWS = 32_768
"""Rows that are read and scored together."""
PART_ROWS = 200_000
"""Row groups of a file are scored together up to so many rows."""


def need_pyarrow(path: Path) -> None:
    """Refuse Parquet where pyarrow is missing.

    Raises
    ------
    ScoringError
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as exc:
        raise ScoringError(
            f"{path}: Parquet needs pyarrow: `pip install 'slipway-ml[score]'`, or use CSV files"
        ) from exc


def opened(path: Path, categories: Sequence[str] = ()) -> Any:
    """A Parquet file.

    Parameters
    ----------
    path : Path
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
        file = pq.ParquetFile(path, read_dictionary=[*categories])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
        raise ScoringError(f"{path}: is not a valid Parquet file: {str(exc).splitlines()[0]}") from exc
    doubled = [name for name, count in Counter(file.schema_arrow.names).items() if count > 1]
    if doubled:
        raise ScoringError(f"{path}: has the column name {doubled[0]!r} more than once; rename them")
    return file


def groups_of(file: Any) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """The row groups of a file that are scored together, the number of their first row from 1, and how many rows they have.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile

    Yields
    ------
    groups, first_row, rows
    """
    groups: list[int] = []
    first, rows = 1, 0
    for group in range(file.metadata.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if groups and rows + count > PART_ROWS:
            yield tuple(groups), first, rows
            groups, first, rows = [], first + rows, 0
        groups.append(group)
        rows += count
    if groups:
        yield tuple(groups), first, rows


def batches(path: Path, groups: Sequence[int], columns: Sequence[str], categories: Sequence[str]) -> Iterator[Any]:
    """The rows of some row groups, in order.

    Parameters
    ----------
    path : Path
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
