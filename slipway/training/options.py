"""What to type to have a column read otherwise: an option for each decision that one changes."""

import shlex
from collections.abc import Iterator

import numpy as np
import pandas as pd

from slipway.schema.metrics import ExclusionReason, LeftOut
from slipway.tables.notes import Note

_KEPT_AS = {
    ExclusionReason.ALMOST_EMPTY: "category",
    ExclusionReason.IDENTIFIER: "category",
    ExclusionReason.FREE_TEXT: "text",
    ExclusionReason.MANY_VALUES: "category",
}
"""The kind to name so that a column stays that is left out for a reason; it may have a better one."""
_OTHER_KIND = {
    "codes_by_name": "number",
    "codes_by_values": "number",
    "long_codes": "number",
    "mixed_codes": "number",
    "strays": "category",
    "time_dropped": "datetime",
}
"""The kind that a decision was made against."""


def way_back(name: str, item: LeftOut) -> str | None:
    """The option that keeps a column that is left out; None if there is none."""
    kind = _KEPT_AS.get(item.reason)
    return _option("kind", f"{name}={kind}") if kind else None


def options(name: str, values: pd.Series, notes: list[Note]) -> Iterator[str]:
    """The options that change what the notes on a column say was decided.

    Parameters
    ----------
    name : str
    values : Series of shape (n_rows,)
        The column as it was read.
    notes : list of Note

    Yields
    ------
    str
        As in `--kind slope=number`.
    """
    for note in notes:
        cells = note.values.get("cells", ())
        if note.kind in _OTHER_KIND:
            yield _option("kind", f"{name}={_OTHER_KIND[note.kind]}")
        elif note.kind == "taken_for_missing":
            yield _option("missing", f"{name}=")
        elif note.kind in ("kept_as_value", "numbers_as_text"):
            yield _option("missing", f"{name}={','.join(cells)}")
        elif note.kind == "commas_as_text":
            yield "--decimal ,"
        elif note.kind in ("decimal_comma", "decimal_point") and _is_whole(values):
            yield "--decimal ." if note.kind == "decimal_comma" else "--decimal ,"


def _is_whole(values: pd.Series) -> bool:
    """Whether separators only stand between thousands: other cells of the column would not have decided."""
    return pd.api.types.is_numeric_dtype(values) and bool(np.all(np.mod(values.dropna(), 1) == 0))


def _option(name: str, value: str) -> str:
    return f"--{name} {shlex.quote(value)}"
