"""The rows that explanations compare with: like those of training, and nobody's."""

import numpy as np
import pandas as pd
import pytest

from slipway.inference.equality import Answers
from slipway.schema.types import LEAST_PEOPLE
from slipway.training._sklearn import rows_in_model
from slipway.training.background import draw_background, thin
from slipway.training.schema_inference import infer_dataset
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase


def people(rows: int = 600) -> pd.DataFrame:
    """Heights by sex, a town that two people live in, an income far above all others, gaps of three people."""
    rng = np.random.default_rng(0)
    sex = rng.choice(["f", "m"], rows)
    height = np.where(sex == "m", 180.0, 165.0) + rng.normal(0, 2, rows)
    income = np.round(np.exp(rng.normal(10, 0.5, rows)))
    income[7] = 9_000_000
    weight = np.round(rng.normal(70, 9, rows), 2)
    weight[[1, 2, 3]] = np.nan
    town = rng.choice(["a", "b", "c"], rows).astype(object)
    town[[4, 5]] = "hamlet"
    age = rng.integers(18, 30, rows)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 500, rows), unit="D")
    columns = {"sex": sex, "height": height.round(3), "income": income, "weight": weight, "town": town, "age": age}
    return pd.DataFrame({**columns, "day": day, "y": height + rng.normal(0, 1, rows)})


def learnt(table: pd.DataFrame):
    case = UseCase("people", TargetSpec("y"), task="regression", fields={})
    return infer_dataset(table, case, "people.csv")


@pytest.fixture(scope="module")
def drawn() -> pd.DataFrame:
    return draw_background(learnt(people()), {"height": 1.0, "sex": 0.5})


def test_no_drawn_row_is_one_persons(drawn):
    theirs = {tuple(map(str, row)) for row in people().drop(columns="y").itertuples(index=False)}

    assert len(drawn) == 600
    assert not [row for row in drawn.itertuples(index=False) if tuple(map(str, row)) in theirs]


def test_values_of_fewer_than_five_people_are_not_drawn(drawn):
    table = people()

    assert "hamlet" not in set(drawn.town) and set(drawn.town) == {"a", "b", "c"}
    assert not drawn.weight.isna().any()
    fifth_highest = table.income.nlargest(LEAST_PEOPLE).iloc[-1]
    assert drawn.income.max() <= fifth_highest and drawn.income.min() >= table.income.nsmallest(LEAST_PEOPLE).iloc[-1]
    own = table.height.value_counts().loc[lambda count: count < LEAST_PEOPLE].index
    assert drawn.height.isin(own).mean() < 0.2  # by chance, of numbers with three decimals


def test_drawn_rows_are_distributed_as_those_of_training(drawn):
    table = people()

    for name in ("height", "income", "weight", "age"):
        assert drawn[name].quantile([0.1, 0.5, 0.9]).to_numpy() == pytest.approx(
            table[name].quantile([0.1, 0.5, 0.9]).to_numpy(), rel=0.1
        )
    by_sex = drawn.groupby("sex").height.mean()
    assert by_sex["m"] - by_sex["f"] > 12  # 15 in training, 0 if columns were drawn one by one
    assert (drawn.day >= table.day.min()).all() and (drawn.day.dt.normalize() == drawn.day).all()
    assert drawn.dtypes.astype(str).to_dict() == learnt(table).inputs.dtypes.astype(str).to_dict()


def test_gaps_of_many_people_are_drawn_as_often_as_they_are():
    table = people()
    table.loc[table.index % 4 == 0, "weight"] = np.nan

    assert draw_background(learnt(table), {}).weight.isna().mean() == pytest.approx(0.25, abs=0.08)


def test_the_same_table_gives_the_same_rows():
    one, other = (draw_background(learnt(people(80)), {}) for _ in range(2))

    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize(
    "column",
    [
        np.arange(60) % 30,
        [f"c{i % 30}" for i in range(60)],
        [True, False] * 30,
        [True] * 58 + [False] * 2,
        np.linspace(0, 1, 60),
        ["yes", "no", None] * 20,
    ],
    ids=["whole numbers", "rare categories", "yes or no", "hardly ever no", "numbers", "mostly missing"],
)
def test_a_table_of_one_column_has_a_background(column):
    found = draw_background(learnt(pd.DataFrame({"x": pd.Series(column), "y": np.arange(60) * 1.5})), {})

    assert len(found) >= 1 and list(found) == ["x"]


def test_zeros_of_both_signs_are_one_number():
    """NumPy refuses to draw between 0.0 and -0.0, which is what rounding makes of small negative numbers."""
    column = np.repeat([-1.5, -0.0, 0.0, -0.0, 0.0, 2.5], 20)
    found = draw_background(learnt(pd.DataFrame({"x": column, "y": np.arange(120) * 1.5})), {})

    assert found.x.between(-1.5, 2.5).all()


def test_free_text_is_never_repeated():
    case = UseCase("notes", TargetSpec("y"), fields={"note": FieldSpec(kind="text")})
    table = pd.DataFrame(
        {"note": [f"secret {i} of {i * i}" for i in range(60)], "x": np.arange(60) / 7, "y": np.arange(60) * 1.5}
    )

    found = draw_background(infer_dataset(table, case, "notes.csv"), {})

    assert set(found.note) == {""}


def test_the_rows_that_are_kept_stand_for_all():
    data = learnt(people())
    pool = draw_background(data, {"height": 1.0})
    answers = Answers(pool.height.to_numpy() * 2)

    kept = thin(pool, data, {"height": 1.0}, answers, 64)

    assert len(kept) == 64 and kept.index.isin(pool.index).all()
    apart = abs(kept.height.mean() - pool.height.mean())
    at_random = [abs(pool.height.sample(64, random_state=seed).mean() - pool.height.mean()) for seed in range(20)]
    assert apart < np.median(at_random)
    assert len(thin(pool, data, {}, None, 16)) == 16


def test_parts_of_a_model_that_hold_training_rows_are_named():
    from sklearn.ensemble import BaggingClassifier
    from sklearn.impute import KNNImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2

    assert rows_in_model(make_pipeline(KNNImputer(), LogisticRegression()).fit(x, y)) == ("KNNImputer",)
    assert rows_in_model(make_pipeline(BaggingClassifier(KNeighborsClassifier(3))).fit(x, y)) == (
        "KNeighborsClassifier",
    )
    assert rows_in_model(SVC().fit(x, y)) == ("SVC",)
    assert rows_in_model(LogisticRegression().fit(x, y)) == ()
