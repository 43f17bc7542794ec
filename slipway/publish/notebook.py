"""What a notebook's frame may contain that a request cannot carry: rejected before anything is saved.

A client sends numbers, texts, booleans and days. Anything else that the pipeline was fitted on
would be lost on the way, and every answer would be that of another row.
"""

import datetime as dt

import numpy as np
import pandas as pd

from slipway.errors import DataError
from slipway.tables.readers import numpy_column


def check_carried(
    table: pd.DataFrame, source: str, again: str = "and set up and fit again", before: str = "setup()"
) -> None:
    """Reject columns of which serving would lose something.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
    source : str
        Where it came from, for messages.
    again, before : str
        What has to be done again after a change, and before what it has to be made.

    Raises
    ------
    DataError
        If a column holds times of day, time zones, durations or other values that JSON and the
        schema do not have, with a value and what to convert it to.
    """
    for name in table.columns:
        problem = _problem(table[name].dropna())
        if problem:
            raise DataError(source, f"{name!r} {problem}; change the column before {before}, {again}")


def plain_table(table: pd.DataFrame) -> pd.DataFrame:
    """A notebook's table with NumPy's dtypes and the values that went in.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)

    Returns
    -------
    DataFrame of the same shape
        Rows counted from 0; narrow floats are the numbers that they are printed as, and categories are their values.
    """

    def widened(column: pd.Series) -> pd.Series:
        column = numpy_column(column)
        if column.dtype == "float32":
            # The shortest text of a float32 is the number that was there: 33.6, not 33.599998.
            return column.map(lambda value: float(str(value)))
        if isinstance(column.dtype, pd.CategoricalDtype):
            return column.astype(object).where(column.notna(), None)
        return column

    table = table.reset_index(drop=True)
    return pd.DataFrame({name: widened(table[name]) for name in table.columns})


def _problem(present: pd.Series) -> str | None:
    if isinstance(present.dtype, pd.DatetimeTZDtype):
        return (
            f"holds times with a time zone, such as {present.iloc[0].isoformat()}, and a request carries local time: "
            "`.dt.tz_localize(None)` keeps it as it stands"
        )
    if pd.api.types.is_datetime64_any_dtype(present):
        return None
    if isinstance(present.dtype, pd.SparseDtype):
        return "is sparse, and a request carries every value: `.sparse.to_dense()` makes plain numbers"
    if pd.api.types.is_integer_dtype(present) and (beyond := present[present.astype("float64").abs() > 2**53]).any():
        return (
            f"holds whole numbers beyond 2^53, such as {beyond.iloc[0]}, which a request rounds: "
            '`.astype(str)` keeps codes, `.astype("float64")` sizes'
        )
    plain = pd.api.types.is_numeric_dtype(present) or pd.api.types.is_bool_dtype(present)
    if plain and not pd.api.types.is_complex_dtype(present):
        return None
    values = [value.item() if isinstance(value, np.generic) else value for value in present]
    odd = next((value for value in values if not isinstance(value, (str, bool, int, float))), None)
    if odd is not None:
        kind = "dates as objects" if isinstance(odd, dt.date) else f"values of the type {type(odd).__name__}"
        return f"holds {kind}, such as {odd}, and a request carries numbers, texts, booleans, dates and times"
    texts = [value for value in values if isinstance(value, str)]
    other = next((value for value in values if not isinstance(value, str)), None)
    if texts and other is not None:
        return f"holds texts and other values, such as {texts[0]!r} and {other!r}, which PyCaret cannot put in an order"
    return None
