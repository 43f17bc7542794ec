"""Explanations from the leaves of trees: against the sum over all subsets of fields, which evaluates the graph on mixed rows."""

import itertools
import math
from dataclasses import replace
from functools import cache

import numpy as np
import onnx
import pandas as pd
import pytest
import shap
import spox
import spox.opset.ai.onnx.v20 as op
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import ensemble, linear_model
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from slipway.compile import compile_pipeline
from slipway.compile.estimators.trees import LESS, fitted_tree, total
from slipway.inference import shapley, tree_shapley
from slipway.inference.column_fields import ColumnFields
from slipway.inference.forest import NoForestError
from slipway.inference.onnx_engine import CompiledEngine, session
from slipway.inference.onnx_parts import Graph
from slipway.inference.predictor import Predictor
from slipway.inference.shapley import Explainer
from slipway.inference.tree_shapley import TreeShapley
from slipway.publish import version
from slipway.publish.estimator import learn
from slipway.schema.sampling import draw_records

ROWS = 160
SIZE = 7


@cache
def table(wide=False):
    """Numbers, whole ones, categories and gaps; with five more numbers if `wide`."""
    rng = np.random.default_rng(5)
    X = pd.DataFrame(
        {
            "age": rng.integers(20, 70, ROWS),
            "dose": pd.Series(rng.normal(5, 2, ROWS).round(2)).mask(rng.random(ROWS) < 0.15),
            "town": rng.choice(["Ulm", "Graz", "Wien", "Bern"], ROWS, p=[0.5, 0.3, 0.15, 0.05]),
            "smokes": rng.choice(["no", "yes"], ROWS),
            "noise": rng.normal(size=ROWS).round(3),
        }
    )
    for place in range(5 * wide):
        X[f"x{place}"] = rng.normal(size=ROWS).round(3)
    dose = X.dose.fillna(3)
    y = X.age / 10 + dose * (X.smokes == "yes") + 3 * (X.town == "Graz") * (dose > 5) + rng.normal(0, 0.3, ROWS)
    if wide:
        y += X.x0 * X.x1 + X.x2 + X.x3 * X.x4
    return X, y.rename("cost")


def columns():
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore")
    return ColumnTransformer([("text", one_hot, ["town", "smokes"])], remainder=numbers)


def classes(count):
    X, y = table()
    return X, pd.Series(np.array(["low", "mid", "high"])[np.digitize(y, np.quantile(y, np.arange(1, count) / count))])


@cache
def made(model_of, count=0, wide=False):
    """The predictor of a pipeline that was fitted and compiled, and its graph."""
    X, y = classes(count) if count else table(wide)
    _, learnt, trained = learn(make_pipeline(columns(), model_of()).fit(X, y), X, y, "made", None)
    graph = compile_pipeline(trained.model, learnt.schema, learnt.inputs).SerializeToString()
    return Predictor("made:1", learnt.schema, CompiledEngine(graph, learnt.schema))


def bounded(predictor, **bounds):
    schema = replace(predictor.schema, target=replace(predictor.schema.target, **bounds))
    return Predictor(predictor.tag, schema, predictor.engine)


def records_of(predictor, count=SIZE, seed=3):
    """Some with a missing dose; all categories occur."""
    first, *others = draw_records(predictor.schema, SIZE, seed)
    return [first | {"dose": None} if "dose" in first else first, *others][:count]


def values_of(predictor, rows, position):
    answers = predictor.engine.predict(predictor.schema.columns(rows))
    if position is None:
        return predictor.bounded(np.asarray(answers.values, dtype="float64"))
    return answers.probabilities[:, position]


def brute_force(predictor, record, background, position=None):
    """Contributions for each background row, by Shapley's formula over all subsets."""
    names = predictor.schema.names
    subsets = [set(one) for size in range(len(names) + 1) for one in itertools.combinations(names, size)]
    found = np.zeros((len(background), len(names)))
    for row, other in enumerate(background):
        mixed = [{name: (record if name in one else other)[name] for name in names} for one in subsets]
        value = dict(zip(map(frozenset, subsets), values_of(predictor, mixed, position), strict=True))
        for place, name in enumerate(names):
            for one in subsets:
                if name not in one:
                    weight = math.factorial(len(one)) * math.factorial(len(names) - len(one) - 1)
                    gain = value[frozenset(one | {name})] - value[frozenset(one)]
                    found[row, place] += weight / math.factorial(len(names)) * gain
    return found


def explained(predictor, background, **options):
    return Explainer(predictor, predictor.schema.columns(background), **options)


def check(predictor, wanted=None, sizes=(SIZE, 3), bar=1e-9):
    """Contributions, base, prediction and error are those of the sum over all subsets."""
    background = records_of(predictor, sizes[0])
    ours = explained(predictor, background)
    assert ours._trees is not None
    for record in records_of(predictor, sizes[1], seed=11):
        answer = ours.explain(record, *([] if wanted is None else [wanted]))
        position = predictor.schema.target.classes.index(answer["class"]) if "class" in answer else None
        each = brute_force(predictor, record, background, position)
        scale = np.abs(each).max() + 1e-6
        shares = np.array([one["contribution"] for one in answer["contributions"]])
        errors = np.array([one["standard_error"] for one in answer["contributions"]])
        prediction = values_of(predictor, [record], position)[0]
        assert shares == pytest.approx(each.mean(axis=0), abs=bar * scale)
        assert errors == pytest.approx(each.std(axis=0, ddof=1) / math.sqrt(len(each)), abs=bar * scale)
        assert answer["prediction"] == prediction
        assert answer["base"] == pytest.approx(values_of(predictor, background, position).mean(), rel=1e-12)
        assert abs(math.fsum([answer["base"], *shares]) - prediction) <= 1e-12 * (abs(prediction) + scale)


def boosted():
    return ensemble.GradientBoostingRegressor(n_estimators=30, random_state=0)


def forest():
    return ensemble.RandomForestRegressor(n_estimators=12, random_state=0)


def one_tree():
    return DecisionTreeRegressor(random_state=0)


def light():
    return LGBMRegressor(n_estimators=20, min_child_samples=5, verbose=-1)


def histograms():
    return ensemble.HistGradientBoostingRegressor(max_iter=15, min_samples_leaf=5)


def blend():
    return ensemble.VotingRegressor([("a", boosted()), ("b", forest())], weights=[2, 1])


def to_power():
    return TransformedTargetRegressor(boosted(), transformer=PowerTransformer())


SUMS = [boosted, forest, one_tree, light, histograms, blend]
"""Their predictions are sums of leaves."""


@pytest.mark.parametrize("model_of", [*SUMS, to_power], ids=lambda one: one.__name__)
def test_numbers_are_explained_as_by_all_subsets(model_of):
    predictor = made(model_of)
    assert TreeShapley(predictor, predictor.schema.columns(records_of(predictor)))._link.is_sum == (model_of in SUMS)

    check(predictor)


def forest_classes():
    return ensemble.RandomForestClassifier(n_estimators=12, random_state=0)


def one_tree_of_classes():
    return DecisionTreeClassifier(random_state=0)


def boosted_classes():
    return ensemble.GradientBoostingClassifier(n_estimators=15, random_state=0)


def light_classes():
    return LGBMClassifier(n_estimators=10, min_child_samples=5, verbose=-1)


def calibrated():
    return CalibratedClassifierCV(forest_classes(), method="isotonic", cv=2)


OF_CLASSES = [forest_classes, one_tree_of_classes, boosted_classes, light_classes, calibrated]


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("model_of", OF_CLASSES, ids=lambda one: one.__name__)
def test_probabilities_are_explained_as_by_all_subsets(model_of, count):
    predictor = made(model_of, count)

    check(predictor)
    for wanted in predictor.schema.target.classes:
        check(predictor, wanted, sizes=(3, 1))


@pytest.mark.parametrize("bounds", [{"minimum": 5.0}, {"maximum": 6.0}, {"minimum": 5.0, "maximum": 6.0}], ids=str)
def test_a_number_is_explained_inside_the_targets_bounds(bounds):
    predictor = bounded(made(boosted), **bounds)
    assert not TreeShapley(predictor, predictor.schema.columns(records_of(predictor)))._link.is_sum

    check(predictor)


def test_bounds_that_no_sum_of_leaves_reaches_change_nothing():
    predictor = bounded(made(forest), minimum=-100.0, maximum=100.0)

    assert TreeShapley(predictor, predictor.schema.columns(records_of(predictor)))._link.is_sum
    check(predictor)


def test_many_fields_are_explained_without_sampling():
    predictor = made(boosted, wide=True)
    assert len(predictor.schema.names) == 10

    check(predictor, sizes=(3, 1))


def test_a_forest_of_many_fields_is_explained_as_shap_explains_it():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 20)).round(3), columns=[f"x{place}" for place in range(20)])
    y = (X.x0 * X.x1 + X.x2 + rng.normal(0, 0.1, 300)).rename("y")
    model = ensemble.RandomForestRegressor(n_estimators=10, random_state=0).fit(X, y)
    _, learnt, trained = learn(model, X, y, "wide", None)
    graph = compile_pipeline(trained.model, learnt.schema, learnt.inputs).SerializeToString()
    predictor = Predictor("wide:1", learnt.schema, CompiledEngine(graph, learnt.schema))
    record, background = X.iloc[0].to_dict(), X.iloc[10:40]

    answer = explained(predictor, background.to_dict("records")).explain(record)

    # shap compares and adds in float32.
    by_shap = shap.TreeExplainer(model, background).shap_values(X.iloc[:1], check_additivity=False)[0]
    shares = np.array([one["contribution"] for one in answer["contributions"]])
    assert shares == pytest.approx(by_shap, abs=1e-6) and np.abs(shares).max() > 0.1


def test_trees_that_add_in_float32_as_xgboosts_do_add_up_all_the_same():
    X, y = table()
    X = X[["age", "noise"]]
    fitted = ensemble.RandomForestRegressor(n_estimators=40, random_state=0).fit(X, 1e4 * y)
    _, learnt, _ = learn(fitted, X, y, "single", None)
    inputs = {name: spox.argument(spox.Tensor(np.float64, ("n",))) for name in learnt.schema.names}
    matrix = op.concat([op.unsqueeze(column, op.const([1])) for column in inputs.values()], axis=1)
    trees = [replace(fitted_tree(one), mode=LESS) for one in fitted.estimators_]
    sums = op.cast(total(op.cast(matrix, to=np.float32), trees, [0] * len(trees), 1), to=np.float64)
    graph = spox.build(inputs, {"value": op.squeeze(sums, op.const([1]))}).SerializeToString()
    predictor = Predictor("single:1", learnt.schema, CompiledEngine(graph, learnt.schema))
    trees_alone = TreeShapley(predictor, learnt.schema.columns(draw_records(learnt.schema, SIZE, 3)))
    record = learnt.schema.columns(draw_records(learnt.schema, 1, 11))
    each, prediction = trees_alone.contributions(record, None), predictor.engine.predict(record).values[0]
    assert 0 < abs(trees_alone.base(None) + each.mean(axis=0).sum() - prediction) < 1e-5 * prediction

    check(predictor, bar=1e-6)


def test_an_unseen_category_and_a_missing_number_are_values_like_others():
    predictor = made(boosted)
    background = records_of(predictor)
    columns_of = predictor.schema.columns([background[0] | {"dose": None}])
    columns_of["town"] = np.array(["Atlantis"], dtype=object)
    trees = TreeShapley(predictor, predictor.schema.columns(background))

    each = trees.contributions(columns_of, None)

    theirs = predictor.schema.columns(background)
    now = predictor.engine.predict(columns_of).values[0]
    assert each.sum(axis=1) == pytest.approx(now - predictor.engine.predict(theirs).values)


# What is explained by mixed rows, as before


def linear():
    return linear_model.LinearRegression()


def beside_a_line():
    return ensemble.VotingRegressor([("a", boosted()), ("b", linear())])


def shared():
    return make_pipeline(PCA(3), boosted())


def neighbours():
    return KNeighborsRegressor(3)


@pytest.mark.parametrize("model_of", [linear, beside_a_line, shared, neighbours], ids=lambda one: one.__name__)
def test_what_is_no_function_of_trees_of_single_fields_is_explained_by_mixed_rows(model_of):
    predictor = made(model_of)
    background = records_of(predictor)
    with pytest.raises(NoForestError):
        TreeShapley(predictor, predictor.schema.columns(background))
    record = records_of(predictor, 2, seed=11)[0]

    answer = explained(predictor, background).explain(record)

    each = brute_force(predictor, record, background)
    shares = [one["contribution"] for one in answer["contributions"]]
    errors = [one["standard_error"] for one in answer["contributions"]]
    assert shares == pytest.approx(each.mean(axis=0), abs=1e-9)
    assert errors == pytest.approx(each.std(axis=0, ddof=1) / math.sqrt(SIZE), abs=1e-9)


def test_a_number_of_many_fields_within_bounds_is_sampled():
    predictor = bounded(made(boosted, wide=True), minimum=5.0)

    ours = explained(predictor, records_of(predictor))

    assert not ours.is_fast and ours._trees is None


def test_trees_that_take_too_much_memory_are_explained_by_mixed_rows(monkeypatch):
    predictor = made(forest)
    monkeypatch.setattr(tree_shapley, "LARGEST", 1000)

    assert not explained(predictor, records_of(predictor)).is_fast


@pytest.mark.parametrize(("times", "rows"), [(1, 16), (30, 30), (1000, 64)])
def test_a_version_keeps_as_many_rows_as_its_trees_are_explained_with_in_time(monkeypatch, times, rows):
    X, y = table()
    _, learnt, trained = learn(make_pipeline(columns(), forest()).fit(X, y), X, y, "made", None)
    graph = compile_pipeline(trained.model, learnt.schema, learnt.inputs).SerializeToString()
    predictor = Predictor("made:1", learnt.schema, CompiledEngine(graph, learnt.schema))
    leaves = explained(predictor, records_of(predictor, 1))._trees.leaves
    monkeypatch.setattr(shapley, "FAST_CELLS", times * leaves)

    kept = version.background(learnt, {}, training_rows=False, predictor=predictor)

    assert len(kept) == rows
    assert explained(predictor, records_of(predictor, rows)).is_fast == (times >= rows)


def test_what_is_explained_by_mixed_rows_has_64_of_them():
    predictor = made(linear)

    assert explained(predictor, records_of(predictor, 1)).rows_in_time(64) == 64


def test_with_one_background_row_no_error_is_stated():
    predictor = made(boosted)
    record, other = records_of(predictor, 2, seed=11)

    answer = explained(predictor, [other]).explain(record)

    assert all("standard_error" not in one for one in answer["contributions"])


@pytest.mark.parametrize("found", [None, np.full((SIZE, 5), 1e6)], ids=["no finite answer", "another sum"])
def test_where_the_trees_do_not_add_up_to_the_prediction_mixed_rows_do(monkeypatch, found):
    predictor = made(boosted)
    background = records_of(predictor)
    record = records_of(predictor, 1, seed=11)[0]
    ours = explained(predictor, background)
    monkeypatch.setattr(ours._trees, "contributions", lambda columns, position: found)

    assert ours.explain(record) == explained(predictor, background, use_trees=False).explain(record)


# Parts of graphs


def test_a_part_of_a_graph_gives_what_the_whole_gives():
    predictor = made(blend)
    graph = Graph(predictor.engine.graph)
    feed = predictor.engine.feed(predictor.schema.columns(records_of(predictor)))
    trees = [node for node in graph.nodes if node.kind == "TreeEnsemble"]
    sums = [node.outputs[0] for node in trees]

    first = session(graph.part(sums))
    found = first.run(sums, {item.name: feed[item.name] for item in first.get_inputs()})
    second = session(graph.part(["value"], {name: (11, part.shape[1]) for name, part in zip(sums, found, strict=True)}))
    (value,) = second.run(["value"], dict(zip(sums, found, strict=True)))

    assert len(sums) == 2
    assert value.tolist() == predictor.engine.predict(predictor.schema.columns(records_of(predictor))).values.tolist()


@pytest.mark.parametrize("model_of", [forest, light], ids=lambda one: one.__name__)
def test_nodes_are_read_as_the_onnx_package_reads_them(model_of):
    content = made(model_of).engine.graph

    ours, theirs = Graph(content).nodes, onnx.load_from_string(content).graph.node

    assert [(one.kind, one.inputs, one.outputs) for one in ours] == [
        (one.op_type, tuple(one.input), tuple(one.output)) for one in theirs
    ]
    for one, other in zip(ours, theirs, strict=True):
        for attribute in other.attribute:
            value = onnx.helper.get_attribute_value(attribute)
            if isinstance(value, list) and value and isinstance(value[0], int):
                assert one.attributes[attribute.name].tolist() == value
            elif isinstance(value, int):
                assert one.attributes[attribute.name] == value
            elif isinstance(value, onnx.TensorProto) and value.data_type != onnx.TensorProto.STRING:
                np.testing.assert_array_equal(one.attributes[attribute.name].values, onnx.numpy_helper.to_array(value))


def test_packed_and_negative_integers_are_read():
    node = onnx.helper.make_node("Anything", ["a"], ["b"], near=-3, far=[-1, 2**40, 7])
    graph = onnx.helper.make_graph([node], "g", [], [])

    (ours,) = Graph(onnx.helper.make_model(graph).SerializeToString()).nodes

    assert ours.attributes["near"] == -3 and ours.attributes["far"].tolist() == [-1, 2**40, 7]


def test_each_column_is_followed_to_its_field():
    predictor = made(boosted)
    graph = Graph(predictor.engine.graph)
    (trees,) = [node for node in graph.nodes if node.kind == "TreeEnsemble"]

    followed = ColumnFields(graph).of(trees.inputs[0])

    names = [graph.inputs[bits.bit_length() - 1] for bits in followed]
    assert names == ["town"] * 4 + ["smokes"] * 2 + ["age", "dose", "noise"]
