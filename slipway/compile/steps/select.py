"""Steps that keep, drop or rename columns and change no value: they leave nothing in the graph.

Which columns are kept is taken from the fitted step.
"""

import re
from typing import Any

from pycaret.internal.preprocess.transformers import CleanColumnNames, RemoveMulticollinearity
from sklearn import feature_selection

from slipway.compile.registry import step
from slipway.compile.table import Column, Table


@step(
    RemoveMulticollinearity,
    feature_selection.VarianceThreshold,
    feature_selection.SelectFromModel,
    feature_selection.SelectKBest,
    feature_selection.SequentialFeatureSelector,
)
def selection(selector: Any, table: Table, include: list[str]) -> dict[str, Column]:
    return table.select(include).columns


@step(CleanColumnNames)
def clean_names(cleaner: Any, table: Table, include: list[str]) -> dict[str, Column]:
    return {re.sub(cleaner.match, "", name): table.columns[name] for name in include}
