"""Estimators of scikit-learn with steps before or after them: pipelines, searches, and a target that is transformed."""

from typing import Any

from sklearn import model_selection
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.plain import transformed
from slipway.compile.registry import Classes, Given, as_table, classification, classifier, regression, regressor
from slipway.compile.steps.columns import IMBLEARN_PIPELINE
from slipway.compile.steps.target import untransformed
from slipway.compile.table import Table

SEARCHES = (model_selection.GridSearchCV, model_selection.RandomizedSearchCV)


@regressor(Pipeline, IMBLEARN_PIPELINE, tables=True)
def pipeline_regressor(model: Any, given: Given) -> Var:
    return regression(model.steps[-1][1], _prepared(model, given))


@classifier(Pipeline, IMBLEARN_PIPELINE, tables=True)
def pipeline_classifier(model: Any, given: Given) -> Classes:
    return classification(model.steps[-1][1], _prepared(model, given))


@regressor(*SEARCHES, tables=True)
def searched_regressor(model: Any, given: Given) -> Var:
    return regression(model.best_estimator_, given)


@classifier(*SEARCHES, tables=True)
def searched_classifier(model: Any, given: Given) -> Classes:
    return classification(model.best_estimator_, given)


@regressor(TransformedTargetRegressor, tables=True)
def transformed_target(model: Any, given: Given) -> Var:
    return untransformed(model.transformer_, regression(model.regressor_, given))


def _prepared(model: Any, given: Given) -> Table:
    """The columns that the last step of a pipeline is given."""
    table = as_table(given)
    for name, step in model.steps[:-1]:
        if hasattr(step, "fit_resample"):
            continue  # samples the rows of a training
        try:
            table = transformed(step, table)
        except CannotCompileError as exc:
            raise CannotCompileError(f"step {name!r}: {exc}") from exc
    return table
