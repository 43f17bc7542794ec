"""Which columns are no inputs: the model would learn nothing from them, or nobody could fill them in.

Each reason has a code, from which texts are made, and each is overruled by naming the column's kind, but for columns
without two different values.
"""

import re

import numpy as np
import pandas as pd

from slipway.schema.metrics import ExclusionReason, LeftOut
from slipway.schema.types import Kind
from slipway.training import codes

IDENTIFIER = re.compile(
    r"(?:^|[\W_])(?i:id|uuid|guid|index|key|no|nr|number|rownames|unnamed.*)$|(?<=[a-z])(?:Id|ID|Key|No|Nr)$"
)
FEW_VALUES = 10
"""Up to so many different values, a column that differs in every row is a short table and no identifier."""
CATEGORY_LIMIT = 3000
"""A text column with more different values than this is not a category, unless there are 20 rows of each."""
FEW_CATEGORIES = 100
"""A text column with more different values than this needs two rows of each, else it is names or free text."""
NEARLY_ALL = 0.9
"""A text column with as many different values as this part of the rows is names or free text, however short it is."""
ALMOST_EMPTY = 0.05
"""A column with a value in a smaller part of the rows is left out, unless it has `ENOUGH` values."""
ENOUGH = 50
WORDS = 2
"""Texts with as many words, on average, are free text; those with fewer are identifiers."""


def without_information(column: pd.Series, named: bool) -> LeftOut | None:
    """Why a column of any kind is left out: it has no two different values, or hardly any value.

    Parameters
    ----------
    column : Series of shape (n_rows,)
    named : bool
        Whether the use case names the column's kind, and thereby wants it.

    Returns
    -------
    LeftOut or None
        None if the column has information.
    """
    present = column.dropna()
    different = present.nunique()
    if different == 0:
        return LeftOut(ExclusionReason.EMPTY)
    if different == 1:
        value = present.iloc[0]
        value = value.item() if isinstance(value, np.generic) else value
        return LeftOut(ExclusionReason.CONSTANT, {"value": str(value)})
    if not named and len(present) < min(ENOUGH, ALMOST_EMPTY * len(column)):
        return LeftOut(ExclusionReason.ALMOST_EMPTY, {"present": len(present), "rows": len(column)})
    return None


def without_meaning(name: str, column: pd.Series, kind: Kind) -> LeftOut | None:
    """Why a column is left out though it has information: it names each row, or is free text.

    Parameters
    ----------
    name : str
    column : Series of shape (n_rows,)
    kind : Kind
        As it was inferred.

    Returns
    -------
    LeftOut or None
        None if the column is used.
    """
    present = column.dropna()
    values: dict[str, float | int | str | bool | None] = {"different": int(present.nunique()), "rows": len(present)}
    if kind == "integer":
        return LeftOut(ExclusionReason.IDENTIFIER, {**values}) if _names_rows(name, column) else None
    if kind == "category" and (reason := _text_reason(present)):
        return LeftOut(reason, {**values})
    return None


def _names_rows(name: str, column: pd.Series) -> bool:
    """Whether whole numbers identify the rows: by the column's name, or since they count the rows in any order."""
    present = column.dropna()
    different = present.nunique()
    if different <= FEW_VALUES:
        return False
    if different == len(column):
        counts_rows = present.min() in (0, 1) and present.max() - present.min() == different - 1
        return bool(counts_rows or IDENTIFIER.search(name))
    return codes.names_identifier(name)  # those with few values, each in several rows, are categories


def _text_reason(present: pd.Series) -> ExclusionReason | None:
    different, rows = present.nunique(), len(present)
    if pd.api.types.is_numeric_dtype(present) or different <= FEW_VALUES:
        return None
    if different > max(CATEGORY_LIMIT, rows // 20):
        return _of_texts(present, ExclusionReason.MANY_VALUES)
    if different > NEARLY_ALL * rows or different > max(FEW_CATEGORIES, rows // 2):
        return _of_texts(present, ExclusionReason.IDENTIFIER)
    return None


def _of_texts(present: pd.Series, single: ExclusionReason) -> ExclusionReason:
    """`single` for single words."""
    texts = present.drop_duplicates().head(1000).astype(str)
    return ExclusionReason.FREE_TEXT if texts.str.split().str.len().mean() >= WORDS else single
