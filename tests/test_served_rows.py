"""What a client sends is read as the values that the pipeline was fitted on, or nothing is saved."""

import io
from dataclasses import replace

import numpy as np
import onnx
import pandas as pd
import pytest
from pycaret.internal.pipeline import Pipeline
from pycaret.internal.preprocess.transformers import ExtractDateTimeFeatures, TransformerWrapper
from pycaret.regression import RegressionExperiment
from sklearn.linear_model import LinearRegression

import slipway
from slipway import store
from slipway.compile import CannotCompileError, check_reading, compile_and_check
from slipway.errors import DataError, TrainingError
from slipway.inference.onnx_engine import MISSING_KEY, CompiledEngine
from slipway.inference.pipeline_engine import NativeEngine
from slipway.inference.predictor import Predictor
from slipway.inference.table import predict_table
from slipway.page.predict import form, link
from slipway.publish.notebook import check_carried
from slipway.schema.schema import Schema
from slipway.store import read_background, write_background
from slipway.tables.files import read_upload
from slipway.tables.writers import TextWriter
from slipway.training.background import draw_background
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase
from tests.conftest import page_of
from tests.conftest import pipeline as pipeline_of

QUIET = {"session_id": 1, "fold": 2, "n_jobs": 1, "html": False, "verbose": False, "system_log": False}
CODES = ["a", "b", "", None]
ROWS = 120


@pytest.fixture(scope="module")
def gaps() -> str:
    """The tag of a version in which a text may be missing, and "" is a category of its own."""
    turn = np.arange(ROWS) % 5
    table = pd.DataFrame({"code": np.array(["a", "a", "b", "", None], dtype=object)[turn], "h": np.arange(ROWS) % 37})
    table["y"] = np.array([10.0, 10, 20, 60, 40])[turn] + np.arange(ROWS) % 3
    experiment = RegressionExperiment()
    experiment.setup(table, target="y", **QUIET)
    return slipway.save(experiment, "gaps", experiment.create_model("lr", verbose=False))


@pytest.fixture(scope="module")
def wanted(gaps) -> list[float]:
    """What the fitted pipeline says of `CODES`, given a frame as pandas makes it."""
    pipeline, _ = pipeline_of(gaps)
    frame = pd.DataFrame({"code": ["a", "b", "", np.nan], "h": [5, 5, 5, 5]})
    return pipeline.predict(frame).tolist()


def records() -> list[dict]:
    return [{"code": code, "h": 5} for code in CODES]


def values(predictor: Predictor) -> list[float]:
    return [one["prediction"] for one in predictor.answer(records())["predictions"]]


@pytest.mark.slow
def test_missing_and_empty_text_are_answered_as_the_pipeline_does(gaps, wanted):
    version = store.find(gaps)

    assert version.engine == "onnx"
    assert values(store.load_predictor(version)) == pytest.approx(wanted, rel=1e-9)
    assert wanted[2] - wanted[3] > 30


def test_many_records_are_read_as_few(gaps, wanted):
    many = store.load_predictor(store.find(gaps)).answer(records() * 20)["predictions"]

    assert [one["prediction"] for one in many] == pytest.approx(wanted * 20, rel=1e-9)


def test_served_by_its_pipeline_a_version_answers_the_same(gaps, wanted):
    pipeline, schema = pipeline_of(gaps)

    assert values(Predictor(gaps, schema, NativeEngine(pipeline, schema))) == pytest.approx(wanted, rel=1e-9)


def test_an_empty_cell_of_a_file_is_missing_where_that_may_be(gaps, wanted):
    table = read_upload(b'code,h\na,5\nb,5\n"",5\n,5\n')
    file = predict_table(store.load_predictor(store.find(gaps)), table, TextWriter()).content

    assert pd.read_csv(io.BytesIO(file))["prediction"].tolist() == pytest.approx(
        [wanted[0], wanted[1], wanted[3], wanted[3]], rel=1e-9
    )


def test_an_empty_cell_is_the_category_where_nothing_may_be_missing(gaps):
    field = store.find(gaps).schema().by_name["code"]

    assert field.parse("", decimal_comma=False) is None
    assert replace(field, nullable=False).parse("", decimal_comma=False) == ""


def test_the_page_and_its_links_tell_them_apart(gaps):
    schema = store.find(gaps).schema()

    for record in records():
        page = page_of(schema)
        found = form.content(page, form.values(page, record))
        assert (found.record, found.faults) == (record, [])
        assert link.parse(schema, link.fragment(record)).record == record


@pytest.mark.parametrize("training_rows", [True, False], ids=["training", "drawn"])
def test_the_rows_kept_for_explanations_tell_them_apart(training_rows, tmp_path):
    codes = np.array([None, "", "a", "b"], dtype=object)
    learnt = infer_dataset(
        pd.DataFrame({"code": np.tile(codes, 30), "h": np.arange(120) % 37, "y": np.arange(120.0)}),
        UseCase("gaps", TargetSpec("y"), task="regression"),
        "table",
    )
    rows = learnt.inputs if training_rows else draw_background(learnt, {})
    write_background(tmp_path, rows, learnt.schema.fields)

    read = read_background("gaps:1", tmp_path, learnt.schema.fields)

    assert set(read["code"].tolist()) == set(codes.tolist())


def test_explanations_of_both_add_up_to_their_own_answers(gaps, wanted):
    version = store.find(gaps)
    explainer = store.load_explainer(version, store.load_predictor(version))

    told = [explainer.explain(record) for record in records()]

    assert [one["prediction"] for one in told] == pytest.approx(wanted, rel=1e-9)
    sums = [one["base"] + sum(part["contribution"] for part in one["contributions"]) for one in told]
    assert sums == pytest.approx(wanted, rel=1e-9)


def before(schema: Schema) -> Schema:
    """A schema as versions had it when "" and missing were one."""
    return replace(schema, empty_is_missing=True)


def test_a_graph_saved_before_still_takes_a_missing_text_as_empty(gaps, wanted):
    version = store.find(gaps)
    graph = onnx.load(version.graph)
    mark = next(item.value for item in graph.metadata_props if item.key == MISSING_KEY)
    del graph.metadata_props[:]
    for node in graph.graph.node:
        for attribute in node.attribute:
            attribute.strings[:] = [b"" if text == mark.encode() else text for text in attribute.strings]

    schema = before(version.schema())
    answers = values(Predictor(gaps, schema, CompiledEngine(graph.SerializeToString(), schema)))

    assert answers == pytest.approx([*wanted[:3], wanted[2]], rel=1e-9)


def test_a_pipeline_saved_before_is_given_what_it_was_given(gaps, wanted):
    pipeline, schema = pipeline_of(gaps)

    answers = values(Predictor(gaps, before(schema), NativeEngine(pipeline, before(schema))))

    assert answers == pytest.approx([*wanted[:3], wanted[2]], rel=1e-9)


def by_hour() -> tuple[Pipeline, InferredDataset]:
    """A pipeline that goes by the hour, and what `infer_dataset` makes of its table if it is told to keep days alone."""
    moments = pd.to_datetime("2023-01-01") + pd.to_timedelta(np.arange(ROWS) * 29, "h")
    frame = pd.DataFrame({"at": moments, "x": np.arange(ROWS) % 11})
    target = moments.hour * 5.0 + frame["x"]
    dates = TransformerWrapper(ExtractDateTimeFeatures(["hour"]), include=["at"])
    pipeline = Pipeline([("dates", dates), ("trained_model", LinearRegression())]).fit(frame, target)
    days = UseCase("hours", TargetSpec("y"), fields={"at": FieldSpec(kind="date")})
    learnt = infer_dataset(frame.assign(y=target), days, "table")
    return pipeline, replace(learnt, frame=frame)


def test_a_graph_that_is_given_less_than_the_pipeline_saw_is_refused():
    pipeline, learnt = by_hour()

    off = r"the graph differs from the pipeline on [0-9]+ of 12,120 rows .*; as a client sends them, .* because of 'at', where Timestamp"
    with pytest.raises(CannotCompileError, match=off):
        compile_and_check(pipeline, learnt)


def test_an_uncompiled_pipeline_is_compared_with_itself_and_the_column_is_named():
    pipeline, learnt = by_hour()

    lost = r"because of 'at', where Timestamp\('2023-.*:00'\) is read as Timestamp\('2023-.* 00:00:00'\); convert what is read differently to plain numbers"
    with pytest.raises(TrainingError, match=lost):
        check_reading(pipeline, learnt)


def test_a_training_row_that_no_client_could_send_is_refused():
    pipeline, learnt = by_hour()
    at, x = learnt.schema.fields
    narrow = replace(learnt.schema, fields=(at, replace(x, kind="category", categories=(0, 1, 2))))

    with pytest.raises(TrainingError, match="training row 3 would be rejected by the server: x: 3 unknown category"):
        check_reading(pipeline, replace(learnt, schema=narrow))


def test_an_experiment_with_times_of_day_is_saved_and_goes_by_the_hour():
    moments = pd.to_datetime("2023-01-01") + pd.to_timedelta(np.arange(ROWS) * 29, "h")
    table = pd.DataFrame({"at": moments, "x": np.arange(ROWS) % 11, "y": moments.hour * 5.0})
    experiment = RegressionExperiment()
    experiment.setup(table, target="y", create_date_columns=["hour"], **QUIET)

    version = store.find(slipway.save(experiment, "hours", experiment.create_model("lr", verbose=False)))

    records = [{"at": f"2023-02-01T{hour:02}:15:00", "x": 3} for hour in (1, 23)]
    answers = store.load_predictor(version).answer(records)["predictions"]
    assert (version.engine, version.schema().by_name["at"].kind) == ("onnx", "datetime")
    assert [answer["prediction"] for answer in answers] == pytest.approx([5, 115], abs=1e-6)


DAY = pd.Timestamp("2024-03-01")
CARRIED = {
    "days": pd.Series([DAY, pd.NaT]),
    "times of day": pd.Series([DAY, DAY + pd.Timedelta("5h")]),
    "numbers": pd.Series([1.5, np.nan]),
    "NumPy's numbers as objects": pd.Series([np.int64(3), np.float64(2.5)], dtype=object),
    "texts": pd.Series(["a", "", None]),
    "booleans with gaps": pd.Series([True, None], dtype=object),
    "categories of numbers": pd.Series(pd.Categorical([3, 4])),
    "large numbers": pd.Series([2**53, -5]),
    "large sizes": pd.Series([2.0**60, 5.0]),
}
LOST = {
    "a time zone": (pd.Series([DAY]).dt.tz_localize("UTC"), r"a time zone, such as 2024-03-01T00:00:00\+00:00"),
    "durations": (pd.Series([pd.Timedelta("5h")]), "Timedelta, such as 0 days 05:00:00"),
    "periods": (pd.Series([DAY.to_period("M")]), "Period, such as 2024-03"),
    "dates as objects": (pd.Series([DAY.date()], dtype=object), "dates as objects, such as 2024-03-01"),
    "lists": (pd.Series([None, [1]]), r"list, such as \[1\]"),
    "large codes": (pd.Series([2**60 + 1, 5]), f"whole numbers beyond 2^53, such as {2**60 + 1}".replace("^", r"\^")),
    "sparse numbers": (pd.Series(pd.arrays.SparseArray([0.0, 1.0])), "sparse"),
    "complex numbers": (pd.Series([1j]), "complex, such as 1j"),
    "texts and numbers": (pd.Series(["a", 1], dtype=object), "texts and other values, such as 'a' and 1"),
}


@pytest.mark.parametrize("column", CARRIED.values(), ids=CARRIED.keys())
def test_what_a_request_carries_passes(column):
    check_carried(pd.DataFrame({"x": column}), "the table")


@pytest.mark.parametrize(("column", "problem"), LOST.values(), ids=LOST.keys())
def test_what_a_request_cannot_carry_is_refused_in_one_line(column, problem):
    with pytest.raises(DataError, match=f"^the table: 'x' .*{problem}") as caught:
        check_carried(pd.DataFrame({"x": column}), "the table")

    assert "\n" not in str(caught.value) and "before setup()" in str(caught.value)
