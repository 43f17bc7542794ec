"""From a pipeline that was fitted with scikit-learn alone to a trained model, which `slipway.publish.version` saves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from slipway.compile.fields_of import Use, columns_used
from slipway.errors import DataError, TrainingError, first_line
from slipway.inference import frames
from slipway.inference.equality import TOLERANCE, difference
from slipway.inference.pipeline_engine import NativeEngine
from slipway.publish.notebook import check_carried, plain_table
from slipway.publish.version import final_estimator
from slipway.schema.report import kept
from slipway.tables.readers import Table
from slipway.training.classes import LEAST, TRAINED
from slipway.training.kinds import infer
from slipway.training.pipeline_experiment import PipelineExperiment
from slipway.training.profile import with_leaks
from slipway.training.report import report
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.selection import DEFAULT_METRIC, METRICS, Trained, quiet
from slipway.training.usecase import FieldSpec, TrainingSpec, UseCase, check_name, read

FOLDS = 5
"""Of the cross-validation, as in scikit-learn, where the use case does not say."""
COMPARED = 20_000
"""Rows on which the pipeline is compared with itself, asked as a server asks it."""

IMBLEARN = "imblearn.pipeline"


def learn(
    pipeline: Any, X: Any, y: Any, name: str, usecase: str | Path | None
) -> tuple[UseCase, InferredDataset, Trained]:
    """The use case, what the table says, and the model with what is needed to measure it.

    Parameters
    ----------
    pipeline : fitted estimator, pipeline or search of scikit-learn
    X : DataFrame of shape (n_rows, n_columns)
        What it was fitted on.
    y : Series or array of shape (n_rows,)
    name : str
        The model's name in the store.
    usecase : path, optional

    Returns
    -------
    usecase : UseCase
    learnt : InferredDataset
    trained : Trained

    Raises
    ------
    TrainingError, DataError, UseCaseError
        With what to do.
    """
    name = check_name(name, "save()")
    source = f"the data of the pipeline {name!r}"
    pipeline = _as_pipeline(pipeline)
    _check_fitted(pipeline)
    target = _target(X, y, pipeline, source)
    X = X.reset_index(drop=True)
    _check_names(pipeline, X, source)
    check_carried(X, source, "and fit again", "fit()")
    use = _use(pipeline, X)
    inputs = X[[column for column in X.columns if column in use.used]]
    table = plain_table(inputs)
    with quiet():
        _check_prediction(pipeline, X, inputs, table)
    case = _case(pipeline, name, table, target, use, usecase)
    whole = pd.concat([table, plain_table(target.to_frame())], axis=1)
    learnt = infer_dataset(whole, case, source, keep=whole.columns)
    learnt = with_leaks(replace(learnt, frame=whole))
    learnt = replace(learnt, report=kept(report(Table(whole, source, ""), learnt, case)))
    with quiet():
        _check_asked(pipeline, inputs, table, learnt)
        trained = _trained(pipeline, inputs, target, learnt, case)
    return case, learnt, trained


def _as_pipeline(estimator: Any) -> Pipeline:
    """The estimator as a pipeline; of a search, its best one."""
    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    if hasattr(estimator, "refit") and hasattr(estimator, "estimator"):
        raise TrainingError(
            f"the {type(estimator).__name__} has no best estimator; fit it with refit=True, or give a fitted pipeline"
        )
    kind = f"{type(estimator).__module__}.{type(estimator).__qualname__}"
    if type(estimator) is Pipeline or kind.startswith(IMBLEARN):
        *steps, (last, model) = estimator.steps
        if not hasattr(model, "best_estimator_"):
            return estimator
        return type(estimator)([*steps, (last, model.best_estimator_)])
    return Pipeline([("model", estimator)])


def _check_fitted(pipeline: Any) -> None:
    model = pipeline.steps[-1][1]
    kind = type(model).__name__
    if not hasattr(model, "predict") or not (is_classifier(model) or is_regressor(model)):
        raise TrainingError(f"the pipeline ends in {kind}, which is neither a classifier nor a regressor")
    try:
        check_is_fitted(model)
    except NotFittedError as exc:
        raise TrainingError(f"the pipeline is not fitted ({kind} is not); call its fit(X, y) first") from exc


def _target(X: Any, y: Any, pipeline: Any, source: str) -> pd.Series:
    """The target as a column with a name of its own."""
    if not isinstance(X, pd.DataFrame):
        raise TrainingError(
            f"X is a {type(X).__name__}, expected the DataFrame that the pipeline was fitted on: its columns name the inputs"
        )
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    values = y if isinstance(y, pd.Series) else np.asarray(y)
    if values.ndim != 1:
        raise TrainingError(
            f"y has the shape {values.shape}, expected one value for each row: several targets are not served"
        )
    if len(values) != len(X):
        raise TrainingError(
            f"X has {len(X):,} rows and y has {len(values):,}; give those that the pipeline was fitted on"
        )
    odd = [column for column in X.columns if not isinstance(column, str)]
    if odd:
        raise DataError(
            source,
            f"a column is called {odd[0]!r}, which is no text; use X.columns = X.columns.map(str), and fit again",
        )
    if not X.columns.is_unique:
        doubled = X.columns[X.columns.duplicated()][0]
        raise DataError(source, f"two columns are called {doubled!r}; rename one, and fit again")
    name = str(values.name) if isinstance(values, pd.Series) and values.name is not None else "target"
    while name in X.columns:
        name += "_"
    column = pd.Series(values).reset_index(drop=True).rename(name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if column.isna().any():
        raise DataError(source, f"y has {int(column.isna().sum()):,} missing values; leave out such rows of X and y")
    return _checked_classes(column, pipeline, source)


def _checked_classes(column: pd.Series, pipeline: Any, source: str) -> pd.Series:
    """The target, if the classes are those of the pipeline and each has enough rows to be measured."""
    if not is_classifier(pipeline.steps[-1][1]):
        return column
    counts = column.value_counts()
    unknown = set(counts.index) ^ set(np.asarray(pipeline.classes_).tolist())
    if unknown:
        raise DataError(
            source,
            f"the class {sorted(unknown, key=str)[0]!r} is only in y or only in the pipeline; give the y that it was fitted on",
        )
    if counts.min() < LEAST:
        raise DataError(
            source,
            f"the class {counts.index[-1]!r} has {counts.min()} {'row' if counts.min() == 1 else 'rows'}, and {LEAST} are needed "
            "to measure it; leave it out, and fit again",
        )
    return column


def _check_names(pipeline: Any, X: pd.DataFrame, source: str) -> None:
    known = getattr(pipeline, "feature_names_in_", None)
    if known is None or list(known) == list(X.columns):
        return
    absent = [name for name in known if name not in X.columns]
    other = f"has no column {absent[0]!r}" if absent else "has other columns, or in another order"
    raise DataError(source, f"X {other}; the pipeline was fitted on {', '.join(map(str, known))}")


def _use(pipeline: Any, X: pd.DataFrame) -> Use:
    """The columns that the pipeline needs: without the others it has to answer."""
    use = columns_used(pipeline, list(X.columns))
    try:
        with quiet():
            pipeline.predict(X[[name for name in X.columns if name in use.used]].head(5))
    except Exception:  # whatever the steps raise: then it does need them, or has no answer at all
        use.used.update(X.columns)
    return use


def _check_prediction(pipeline: Any, X: pd.DataFrame, inputs: pd.DataFrame, table: pd.DataFrame) -> None:
    """Whether the pipeline answers its own rows, and the same if only the form of the values changes.

    Missing values as None, and pandas' categories, are no values that a request has.
    """
    rows = slice(0, COMPARED)
    try:
        pipeline.predict(X.iloc[rows])
        wanted = _answers(pipeline, X.iloc[rows])
    except Exception as exc:  # whatever the steps raise
        raise TrainingError(
            f"the pipeline's predict(X) fails ({type(exc).__name__}: {first_line(str(exc))}); give the X that it was fitted on"
        ) from exc
    plain = frames.of_person(table)
    if _same(pipeline, plain.iloc[rows], wanted):
        return
    for name in inputs.columns:
        if not _same(pipeline, frames.with_columns(inputs, {name: plain[name]}).iloc[rows], wanted):
            by_dtype = isinstance(inputs[name].dtype, pd.CategoricalDtype)
            how = "put an encoder before the estimator" if by_dtype else f"use X[{name!r}] = X[{name!r}].fillna(np.nan)"
            raise TrainingError(
                f"the pipeline answers otherwise, or not at all, when the column {name!r} ({inputs[name].dtype}) comes as a "
                f"request has it: plain values, and NaN where one is missing; {how}, and fit again"
            )
    raise TrainingError(
        "the pipeline answers otherwise when X comes as a request has it: plain values, and NaN where one is missing"
    )


def _answers(pipeline: Any, asked: pd.DataFrame) -> npt.NDArray[Any]:
    """Probabilities where there are any: of two answers that differ the class may be the same."""
    if hasattr(pipeline, "predict_proba"):
        return np.ravel(pipeline.predict_proba(asked))
    return np.ravel(pipeline.predict(asked))


def _same(pipeline: Any, asked: pd.DataFrame, wanted: npt.NDArray[Any]) -> bool:
    try:
        given = _answers(pipeline, asked)
    except Exception:  # whatever the steps raise
        return False
    if is_classifier(pipeline.steps[-1][1]) and not hasattr(pipeline, "predict_proba"):
        return bool((given == wanted).all())
    return bool(np.allclose(given, wanted, rtol=TOLERANCE, atol=TOLERANCE * float(np.std(wanted)), equal_nan=True))


def _case(
    pipeline: Any, name: str, table: pd.DataFrame, target: pd.Series, use: Use, usecase: str | Path | None
) -> UseCase:
    """The use case with what the pipeline has settled already."""
    case = read(usecase) if usecase else UseCase(name, training=TrainingSpec(folds=FOLDS))
    task: Any = "classification" if is_classifier(pipeline.steps[-1][1]) else "regression"
    fields = {column: spec for column, spec in case.fields.items() if column in table.columns}
    for column in table.columns:
        kind: Any = None
        if column in use.texts:
            kind = "text"
        elif column in use.encoded and fields.get(column, FieldSpec()).kind is None:
            kind = "category"
        elif not pd.api.types.is_datetime64_any_dtype(table[column]):
            kind = "category" if infer(table[column], FieldSpec()) in ("date", "datetime", "time") else None
        if kind:
            fields[column] = replace(fields.get(column, FieldSpec()), kind=kind)
        elif column in use.lowest:
            fields[column] = _bounded(fields.get(column, FieldSpec()), table[column], use.lowest[column])
    folds = case.training.folds
    if task == "classification":
        folds = min(folds, max(2, int(target.value_counts().min() * TRAINED)))
    return replace(
        case,
        name=name,
        task=task,
        ignore=(),
        setup={},
        target=replace(case.target, column=str(target.name)),
        fields=fields,
        training=TrainingSpec(folds=folds, seed=case.training.seed, keep_rows=case.training.keep_rows),
    )


def _bounded(spec: FieldSpec, column: pd.Series, lowest: float) -> FieldSpec:
    """The field with a bound below which a step has no value, such as a logarithm; without one it would be far below."""
    smallest = float(column.min())
    if spec.minimum is not None or not smallest >= (0 if np.isnan(lowest) else lowest):
        return spec
    return replace(spec, minimum=smallest / 1000 if np.isnan(lowest) else lowest)


def _check_asked(pipeline: Any, inputs: pd.DataFrame, table: pd.DataFrame, learnt: InferredDataset) -> None:
    """Whether the pipeline answers rows with the dtypes that a server gives them."""
    engine = NativeEngine(pipeline, learnt.schema)
    plain = frames.of_person(table).iloc[:COMPARED]
    try:
        off = difference(
            engine.predict_frame(learnt.inputs.iloc[:COMPARED]), engine.predict_frame(plain), learnt.schema.target
        )
    except Exception as exc:  # whatever the steps raise
        raise TrainingError(
            f"the pipeline cannot predict rows as a server passes them on ({type(exc).__name__}: {first_line(str(exc))})"
        ) from exc
    if off.max() > TOLERANCE:
        changed = [name for name in inputs.columns if str(learnt.inputs[name].dtype) != str(plain[name].dtype)]
        raise TrainingError(
            f"the pipeline answers {int((off > TOLERANCE).sum()):,} of {len(plain):,} of its rows otherwise when they come from a "
            f"server, which passes on {', '.join(map(repr, changed[:3])) or 'columns'} as other types"
        )


def _trained(pipeline: Any, inputs: pd.DataFrame, target: pd.Series, learnt: InferredDataset, case: UseCase) -> Trained:
    schema, kind = learnt.schema, type(final_estimator(pipeline)).__name__
    most = max(2, int(len(target) * TRAINED) // 2)
    experiment = PipelineExperiment(
        inputs, target, bool(schema.target.classes), min(case.training.folds, most), case.training.seed
    )
    folds = experiment.measured(pipeline, schema).folds
    scores = {name: folds[name].mean for name in METRICS[schema.task] if name in folds}
    board = pd.DataFrame([{"id": kind, "model": kind, **scores}])
    return Trained(experiment, pipeline, DEFAULT_METRIC[schema.task], board, chosen=kind)
