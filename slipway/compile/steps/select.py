"""Steps that keep, drop or rename columns and change no value: nothing of them is left in the graph.

Which columns are left is read off the fitted step.
"""

import re
from typing import Any

from sklearn import feature_selection

from slipway.compile.registry import step
from slipway.compile.table import Column, Table
from slipway.training import _pycaret


@step(
    _pycaret.REMOVE_MULTICOLLINEARITY,
    feature_selection.VarianceThreshold,
    feature_selection.SelectFromModel,
    feature_selection.SelectKBest,
    feature_selection.SequentialFeatureSelector,
)
def selection(selector: Any, table: Table, include: list[str]) -> dict[str, Column]:
    return table.select(include).columns


@step(_pycaret.CLEAN_COLUMN_NAMES)
def clean_names(cleaner: Any, table: Table, include: list[str]) -> dict[str, Column]:
    return {re.sub(cleaner.match, "", name): table.columns[name] for name in include}
