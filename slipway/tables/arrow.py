"""Tables that have types already: Parquet, Feather and Arrow files. For training; a server has no pyarrow."""

import io
from collections import Counter
from pathlib import Path

import pandas as pd

from slipway.errors import DataError

PARQUET_NAMES = (".parquet", ".pq")
ARROW_NAMES = (".feather", ".arrow", ".arrows", ".ipc")
_STREAM = b"\xff\xff\xff\xff"
"""How a stream of Arrow begins, which has no name in it as a file has."""


def is_arrow(path: Path, data: bytes) -> bool:
    """Whether a file is one of these, by its bytes or its name."""
    by_name = path.suffix.lower() in (*PARQUET_NAMES, *ARROW_NAMES)
    return by_name or data.startswith((b"PAR1", b"ARROW1", b"FEA1"))


def read_arrow(path: Path, data: bytes, rows: int | None = None) -> pd.DataFrame:
    """The table in a file of Parquet, Feather or Arrow, with names that are texts, each different.

    Parameters
    ----------
    path : Path
        For messages.
    data : bytes
    rows : int, optional
        Read no more than so many rows.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If it is none, has a name twice, or has no rows.
    """
    kind = "Parquet" if data.startswith(b"PAR1") or path.suffix.lower() in PARQUET_NAMES else "Arrow"
    try:
        table = _table(kind, data, rows)
    except ImportError as exc:
        raise DataError(path, f"is {kind}, which needs pyarrow: `pip install 'pyarrow<26'`, or save it as CSV") from exc
    except Exception as exc:  # pyarrow's own errors share no base class with pandas'
        raise DataError(path, f"is not a valid {kind} file: {str(exc).splitlines()[0]}") from exc
    names = [str(name).strip() for name in table.schema.names]
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise DataError(path, f"has the column name {doubled[0]!r} more than once; rename them")
    frame = table.to_pandas()
    frame.columns = [str(name).strip() for name in frame.columns]
    if not len(frame):
        raise DataError(path, f"has {len(frame.columns)} columns and no rows")
    # A named index is a column that pandas has set apart.
    return frame.reset_index(drop=set(frame.index.names) == {None})


def _table(kind: str, data: bytes, rows: int | None):  # type: ignore[no-untyped-def]
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet

    if kind == "Parquet":
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data))
        if rows is None or file.metadata.num_rows <= rows:
            return file.read()
        batches = file.iter_batches(batch_size=rows)
        return pa.Table.from_batches([next(batches)])
    if data.startswith(_STREAM):
        table = pa.ipc.open_stream(io.BytesIO(data)).read_all()
    else:
        table = pyarrow.feather.read_table(io.BytesIO(data))
    return table if rows is None else table.slice(0, rows)
