"""`background.csv`: the rows that explanations compare a record with, as a person can read them.

They are training rows, or drawn from the schema, taken as they stand: no bounds are checked, and
dates are ISO whatever the format that the field has in a CSV of a client.
"""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import ModelDamagedError
from slipway.schema import arrays
from slipway.schema.arrays import Columns
from slipway.schema.fields import Field, Value
from slipway.tables.dates import time_text

if TYPE_CHECKING:
    import pandas as pd

BACKGROUND = "background.csv"


def write_background(folder: Path, rows: "pd.DataFrame", schema_fields: tuple[Field, ...]) -> None:
    """Write rows of shape (n_rows, n_fields).

    An empty cell is a missing value, but for texts and where "" is a category: there an empty cell is
    that text, and what is missing has one of its own.
    """
    rows = rows.copy()
    for field in schema_fields:
        if field.kind == "text" or "" in field.categories:
            rows[field.name] = rows[field.name].where(rows[field.name].notna(), arrays.MISSING_TEXT)
        if field.kind == "time":
            rows[field.name] = rows[field.name].map(time_text, na_action="ignore")
    rows.to_csv(folder / BACKGROUND, index=False)


def read_background(tag: str, folder: Path, schema_fields: tuple[Field, ...]) -> Columns:
    """The rows as columns.

    Parameters
    ----------
    tag : str
        Of the version, for messages.
    folder : Path
    schema_fields : tuple of Field

    Returns
    -------
    Columns
        One array of shape (n_rows,) per field.

    Raises
    ------
    ModelDamagedError
        With the field, if it is missing or contains a value that does not fit the schema.
    """
    try:
        with (folder / BACKGROUND).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as exc:
        raise ModelDamagedError(tag, f"{BACKGROUND} is missing or unreadable") from exc
    background: Columns = {}
    for field in schema_fields:
        known = _by_cell(field)
        try:
            background[field.name] = arrays.array(field, [_value(field, row[field.name], known) for row in rows])
        except KeyError as exc:
            raise ModelDamagedError(tag, f"{BACKGROUND}: column {field.name!r} is missing") from exc
        except (ValueError, TypeError) as exc:
            raise ModelDamagedError(tag, f"{BACKGROUND}: column {field.name!r}: {exc}") from exc
    return background


def _by_cell(field: Field) -> dict[str, Value]:
    """The categories by how pandas writes them: 1 is 1.0 in a column that has gaps."""
    numbers = [value for value in field.categories if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return {str(float(value)): value for value in numbers} | {str(value): value for value in field.categories}


def _value(field: Field, cell: str, known: dict[str, Value]) -> Value:
    if field.categories:
        return known.get(cell)  # an empty cell is a missing value, but where it is a category
    if field.kind == "text":
        return None if cell == arrays.MISSING_TEXT else cell
    if cell == "":
        return None
    return float(cell) if field.kind in ("number", "integer") else cell
