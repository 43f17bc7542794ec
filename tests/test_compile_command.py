"""`slipway compile`: a saved PyCaret pipeline becomes a graph, or one line says why not."""

from types import SimpleNamespace

import joblib
import numpy as np
import onnxruntime
import palmerpenguins
import pandas as pd
import pytest
from pycaret.classification import ClassificationExperiment
from pycaret.internal.pipeline import Pipeline as FittedPipeline
from pycaret.internal.preprocess.transformers import ExtractDateTimeFeatures, TransformerWrapper
from pycaret.regression import RegressionExperiment
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from slipway.cli.main import main
from tests.conftest import HOME

FOLDER = HOME / "compile"


@pytest.fixture(scope="module")
def penguins():
    """A pipeline as PyCaret's `save_model` writes it, and the table that it was fitted on."""
    FOLDER.mkdir(exist_ok=True)
    table = palmerpenguins.load_penguins()[["species", "island", "bill_length_mm", "body_mass_g"]]
    table.to_csv(FOLDER / "rows.csv", index=False)
    experiment = ClassificationExperiment()
    experiment.setup(
        table, target="species", session_id=1, normalize=True, html=False, verbose=False, system_log=False
    )  # fmt: skip
    model = experiment.create_model("dt", verbose=False, cross_validation=False)
    pipeline = experiment.finalize_model(model)
    experiment.save_model(pipeline, str(FOLDER / "penguins"), verbose=False)
    return pipeline, table


def test_a_saved_pipeline_becomes_a_graph_that_answers_the_same(penguins, capsys):
    pipeline, table = penguins
    out = FOLDER / "model.onnx"

    code = main(["compile", str(FOLDER / "penguins.pkl"), "--data", str(FOLDER / "rows.csv"), "--out", str(out)])

    assert code == 0 and "equal on 1" in capsys.readouterr().out
    rows = table.dropna().head(50)
    session = onnxruntime.InferenceSession(str(out))
    feed = {"island": rows.island.to_numpy(dtype=object)}
    feed |= {name: rows[name].to_numpy("float64") for name in ("bill_length_mm", "body_mass_g")}
    classes, probabilities = session.run(["class", "probabilities"], feed)
    assert [pipeline.classes_[position] for position in classes] == pipeline.steps[-1][1].classes_[classes].tolist()
    wanted = pipeline.predict_proba(rows.drop(columns="species").reset_index(drop=True))
    assert np.abs(probabilities - wanted).max() < 1e-12


@pytest.mark.parametrize(
    ("pipeline", "data", "named"),
    [
        ("rows.csv", "rows.csv", "rows.csv cannot be read as a pipeline"),
        ("bare.pkl", "rows.csv", "holds a dict, no pipeline; save it with save_model() as a whole"),
        ("nothing.pkl", "rows.csv", "nothing.pkl cannot be read as a pipeline"),
        ("penguins.pkl", "nothing.csv", "No such file or directory"),
        (
            "penguins.pkl",
            "other.csv",
            "has no column 'island'; did you mean 'iland'?; the pipeline was fitted on island",
        ),
    ],
)
def test_what_cannot_be_compiled_is_refused_in_one_line_and_nothing_is_written(penguins, capsys, pipeline, data, named):
    joblib.dump({}, FOLDER / "bare.pkl")
    (FOLDER / "other.csv").write_text("iland,bill_length_mm,body_mass_g\nx,1,2\ny,3,4\n")
    out = FOLDER / "not-written.onnx"

    code = main(["compile", str(FOLDER / pipeline), "--data", str(FOLDER / data), "--out", str(out)])

    said = capsys.readouterr().err
    assert code == 1 and named in said and said.count("\n") == 1 and said.startswith("compile: ")
    assert not out.exists()


def test_ambiguous_rows_are_refused_until_the_format_is_given(penguins, capsys):
    _, table = penguins
    grams = table.body_mass_g.map(lambda mass: f"{mass:,.0f}", na_action="ignore")
    table.assign(body_mass_g=grams).to_csv(FOLDER / "open.csv", index=False)
    call = [str(FOLDER / "penguins.pkl"), "--data", str(FOLDER / "open.csv"), "--out", str(FOLDER / "open.onnx")]

    code = main(["compile", *call])

    assert code == 1 and "'body_mass_g' holds '3,750' (line 2), which can be 3.75 or 3750" in capsys.readouterr().err
    assert main(["compile", *call, "--decimal", "."]) == 0


@pytest.mark.parametrize("estimator", ["lr", "dt"])
def test_columns_with_the_names_of_the_graphs_outputs_are_compiled(capsys, penguins, estimator):
    table = palmerpenguins.load_penguins()[["bill_length_mm", "body_mass_g", "flipper_length_mm"]].dropna()
    table.columns = ["value", "class", "y"]
    table.to_csv(FOLDER / "names.csv", index=False)
    experiment = RegressionExperiment()
    experiment.setup(table, target="y", session_id=1, html=False, verbose=False, system_log=False)
    model = experiment.create_model(estimator, verbose=False, cross_validation=False)
    experiment.save_model(experiment.finalize_model(model), str(FOLDER / "names"), verbose=False)
    out = FOLDER / "names.onnx"

    code = main(["compile", str(FOLDER / "names.pkl"), "--data", str(FOLDER / "names.csv"), "--out", str(out)])

    assert code == 0, capsys.readouterr().err
    session = onnxruntime.InferenceSession(str(out))
    assert [item.name for item in session.get_inputs()] == ["value_", "class_"]
    assert [item.name for item in session.get_outputs()] == ["value"]


def unfitted():
    return Pipeline([("scale", StandardScaler()), ("model", LinearRegression())])


@pytest.mark.parametrize(
    "held",
    [
        unfitted(),
        unfitted().fit(np.arange(8.0).reshape(4, 2), np.arange(4.0)),
        SimpleNamespace(steps=None),
        SimpleNamespace(steps=[("model", None)]),
    ],
    ids=["not fitted", "of scikit-learn alone", "no steps", "no estimator"],
)
def test_whatever_else_a_pickle_holds_ends_in_one_line(penguins, capsys, held):
    joblib.dump(held, FOLDER / "held.pkl")
    out = FOLDER / "not-written.onnx"

    code = main(["compile", str(FOLDER / "held.pkl"), "--data", str(FOLDER / "rows.csv"), "--out", str(out)])

    said = capsys.readouterr().err
    assert code == 1 and said.startswith("compile: ") and said.count("\n") == 1 and not out.exists()
    assert (
        "held.pkl with the rows of" in said
        and "expected a pipeline that PyCaret 3.5 or scikit-learn has fitted" in said
    )


def test_a_pipeline_of_scikit_learn_becomes_a_graph_of_the_columns_that_it_uses(penguins, capsys):
    _, table = penguins
    rows = table.dropna().assign(year=np.arange(len(table.dropna())) % 3 + 2007)
    rows.to_csv(FOLDER / "years.csv", index=False)
    inputs = rows.drop(columns="species")
    chosen = make_column_transformer((OneHotEncoder(), ["island", "year"]), (StandardScaler(), ["body_mass_g"]))
    joblib.dump(make_pipeline(chosen, LogisticRegression()).fit(inputs, rows.species), FOLDER / "plain.pkl")
    out = FOLDER / "plain.onnx"

    code = main(["compile", str(FOLDER / "plain.pkl"), "--data", str(FOLDER / "years.csv"), "--out", str(out)])

    assert code == 0, capsys.readouterr().err
    names = [item.name for item in onnxruntime.InferenceSession(str(out)).get_inputs()]
    assert names == ["island", "body_mass_g", "year"]


def test_rows_of_another_kind_end_in_one_line(penguins, capsys):
    (FOLDER / "texts.csv").write_text("island,bill_length_mm,body_mass_g\n" + "x,long,heavy\ny,short,light\n" * 20)

    code = main(
        ["compile", str(FOLDER / "penguins.pkl"), "--data", str(FOLDER / "texts.csv"), "--out", str(FOLDER / "no.onnx")]
    )

    said = capsys.readouterr().err
    assert code == 1 and said.startswith("compile: ") and said.count("\n") == 1


def test_a_graph_that_cannot_be_written_leaves_nothing_behind(penguins, capsys):
    missing = FOLDER / "no such folder" / "model.onnx"

    code = main(["compile", str(FOLDER / "penguins.pkl"), "--data", str(FOLDER / "rows.csv"), "--out", str(missing)])

    assert code == 1 and "cannot be written: No such file or directory" in capsys.readouterr().err


def test_a_pipeline_that_uses_the_hour_is_compiled(capsys):
    FOLDER.mkdir(exist_ok=True)
    moments = pd.to_datetime("2023-01-01") + pd.to_timedelta(np.arange(120) * 29, "h")
    table = pd.DataFrame({"at": moments, "x": np.arange(120) % 11})
    hours = TransformerWrapper(ExtractDateTimeFeatures(["hour"]), include=["at"])
    steps = [("date_feature_extractor", hours), ("trained_model", LinearRegression())]
    joblib.dump(FittedPipeline(steps).fit(table, moments.hour * 5.0 + table["x"]), FOLDER / "hours.pkl")
    table.to_csv(FOLDER / "hours.csv", index=False)

    code = main(
        ["compile", str(FOLDER / "hours.pkl"), "--data", str(FOLDER / "hours.csv"), "--out", str(FOLDER / "hours.onnx")]
    )

    assert code == 0, capsys.readouterr().err
    assert (FOLDER / "hours.onnx").exists()
