"""Smallest changes for another prediction, on fresh rows of sets whose true function is known, beside two plain methods."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from bench.evaluation.intervals import signal
from slipway.compile import compile_and_check
from slipway.errors import WarningCode
from slipway.inference.counterfactual import CATEGORY_COST, counterfactual
from slipway.inference.onnx_engine import CompiledEngine
from slipway.inference.predictor import Predictor
from slipway.inference.support import Support
from slipway.schema.schema import Schema
from slipway.training.combinations import learn_combinations
from slipway.training.schema_inference import infer_dataset
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase

Floats = npt.NDArray[np.float64]
Record = dict[str, Any]
ROWS, FRESH = 2000, 200
DRAWS, MOST = 2000, 3
"""Of the random search: rows that it tries, and fields that change at most."""
MORE, MARGIN = 1.5, 0.65
"""What is asked for with a margin: so many times the growth of a number, and this probability of a class."""
HIDDEN = "cause"
"""A column that only the true function knows."""
COLUMNS = (
    "set", "method", "found", "fields", "size", "graph agrees", "truth agrees", "true gain", "from the edge", "unusual", "p50, ms",
    "p95, ms",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """Draws inputs, and knows the true mean of a number or the true probability of the class "yes"."""

    draw: Callable[[np.random.Generator, int], pd.DataFrame]
    truth: Callable[[pd.DataFrame], Floats]
    step: float | None
    """By how many standard deviations of the target a number is to grow; None for classes."""


def _uniform(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    return pd.DataFrame(rng.random((rows, 10)), columns=[f"x{place}" for place in range(10)])


def _friedman1(rows: pd.DataFrame) -> Floats:
    x = rows.to_numpy(dtype="float64")
    return np.asarray(10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4])


def _correlated(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    inputs = rng.multivariate_normal(np.zeros(6), 0.2 * np.eye(6) + 0.8, rows)
    return pd.DataFrame(inputs, columns=[f"x{place}" for place in range(6)])


def _signs(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """The first input is but a sign of the cause: who changes it changes nothing."""
    inputs = pd.DataFrame(rng.normal(size=(rows, 5)), columns=[f"x{place}" for place in range(5)])
    cause = inputs["x0"].to_numpy()
    return inputs.assign(x0=cause + 0.3 * rng.normal(size=rows), **{HIDDEN: cause})


def _caused(rows: pd.DataFrame) -> Floats:
    return signal(rows[[HIDDEN, "x1", "x2"]].to_numpy(dtype="float64"))


def _mixed(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    numbers = pd.DataFrame(rng.normal(size=(rows, 5)), columns=[f"x{place}" for place in range(5)])
    return numbers.assign(side=rng.choice(list("abcd"), rows, p=[0.4, 0.3, 0.2, 0.1]))


def _probability(rows: pd.DataFrame) -> Floats:
    effect = rows["side"].map({"a": -1.0, "b": 0.0, "c": 0.5, "d": 1.5}).to_numpy()
    logit = 1.5 * rows["x0"] - rows["x1"] + 0.8 * rows["x2"] * (rows["x3"] > 0) + effect
    return np.asarray(1 / (1 + np.exp(-logit)), dtype="float64")


SETS = {
    "friedman1, by half a standard deviation": Made(_uniform, _friedman1, 0.5),
    "friedman1, by one and a half": Made(_uniform, _friedman1, 1.5),
    "six correlated numbers": Made(_correlated, lambda rows: signal(rows.to_numpy(dtype="float64")), 0.5),
    "a sign of the cause": Made(_signs, _caused, 0.5),
    "two classes": Made(_mixed, _probability, None),
}


def _estimator(classes: bool) -> BaseEstimator:
    if not classes:
        return make_pipeline(GradientBoostingRegressor(random_state=0))
    forest = RandomForestClassifier(100, min_samples_leaf=5, random_state=0, n_jobs=1)
    return make_pipeline(make_column_transformer((OneHotEncoder(), ["side"]), remainder="passthrough"), forest)


@dataclass(frozen=True)
class Subject:
    """A compiled model and the rows that it was fitted on."""

    predictor: Predictor
    rows: pd.DataFrame
    step: float | None
    """By how much a number is to grow."""

    @classmethod
    def of(cls, made: Made, rng: np.random.Generator) -> "Subject":
        drawn = made.draw(rng, ROWS)
        mean, rows = made.truth(drawn), drawn.drop(columns=HIDDEN, errors="ignore")
        if made.step is None:
            target, actual = TargetSpec("y", positive="yes"), np.where(rng.random(ROWS) < mean, "yes", "no")
        else:
            target, actual = TargetSpec("y"), mean + rng.normal(size=ROWS)
        fields = {name: FieldSpec(changeable=True) for name in rows}
        data = infer_dataset(rows.assign(y=actual), UseCase("made", target, fields=fields), "made")
        model, _ = compile_and_check(_estimator(made.step is None).fit(data.inputs, data.target), data)
        learnt = learn_combinations(data.inputs, data.schema, data.schema.names)
        support = Support(combinations=learnt.combinations if learnt else None)
        engine = CompiledEngine(model.SerializeToString(), data.schema)
        predictor = Predictor("made:1", data.schema, engine, support=support)
        return cls(predictor, rows, None if made.step is None else made.step * float(np.std(actual)))

    @property
    def schema(self) -> Schema:
        return self.predictor.schema

    @cached_property
    def fitted(self) -> Floats:
        """What the graph says of the rows that it was fitted on."""
        return self.figures(self.rows)

    def figures(self, rows: pd.DataFrame) -> Floats:
        """What the graph says of rows: numbers, or probabilities of "yes"."""
        answers = self.predictor.engine.predict({name: rows[name].to_numpy() for name in self.schema.names})
        return np.asarray(answers.values if answers.probabilities is None else answers.probabilities[:, 1])

    def sizes(self, record: Record, rows: pd.DataFrame) -> Floats:
        """How far each row is from the record, as the search counts: parts of the ranges, one half for a category."""
        total = np.zeros(len(rows))
        for field in self.schema.fields:
            other = rows[field.name].to_numpy()
            if field.categories:
                total += CATEGORY_COST * (other != record[field.name])
            else:
                low, high = float(field.observed_min or 0), float(field.observed_max or 0)
                total += np.abs(other - record[field.name]) / (high - low)
        return total


@dataclass(frozen=True)
class Goal:
    """At least this, or at most, of a number or of the probability of "yes"."""

    line: float
    up: bool

    def reached(self, figures: Floats) -> npt.NDArray[np.bool_]:
        return np.asarray(figures >= self.line if self.up else figures < self.line)


Method = Callable[[Subject, Record, Goal, np.random.Generator], Record | None]


def _search(subject: Subject, record: Record, goal: Goal, rng: np.random.Generator) -> Record | None:
    """As `POST /counterfactual` answers: the first of its alternatives."""
    predictor = subject.predictor
    wanted: Any = {"minimum": goal.line}
    if subject.step is None:
        predictor, wanted = predictor.at_threshold(goal.line), "yes" if goal.up else "no"
    found = counterfactual(predictor, record, wanted)["alternatives"]
    return record | {one["field"]: one["to"] for one in found[0]["changes"]} if found else None


def _with_margin(subject: Subject, record: Record, goal: Goal, rng: np.random.Generator) -> Record | None:
    if subject.step is None:
        return _search(subject, record, Goal(MARGIN if goal.up else 1 - MARGIN, goal.up), rng)
    return _search(subject, record, Goal(goal.line + (MORE - 1) * subject.step, True), rng)


def _random(subject: Subject, record: Record, goal: Goal, rng: np.random.Generator) -> Record | None:
    """Of rows in which one to three fields have random values of the range, that with the fewest and smallest changes."""
    fields = subject.schema.fields
    counts = rng.integers(1, MOST + 1, DRAWS)
    changed = rng.random((DRAWS, len(fields))).argsort(axis=1).argsort(axis=1) < counts[:, None]
    drawn = {}
    for place, field in enumerate(fields):
        if field.categories:
            values = rng.choice(np.array(field.categories, dtype=object), DRAWS)
        else:
            values = rng.uniform(float(field.observed_min or 0), float(field.observed_max or 0), DRAWS)
        drawn[field.name] = np.where(changed[:, place], values, record[field.name])
    rows = pd.DataFrame(drawn).astype(subject.rows.dtypes)
    enough = goal.reached(subject.figures(rows))
    if not enough.any():
        return None
    order = np.where(enough, 100.0 * counts + subject.sizes(record, rows), np.inf)
    return dict(rows.iloc[int(order.argmin())])


def _nearest(subject: Subject, record: Record, goal: Goal, rng: np.random.Generator) -> Record | None:
    """The training row that is nearest of those that the graph puts over the line."""
    enough = goal.reached(subject.fitted)
    if not enough.any():
        return None
    return dict(subject.rows.iloc[int(np.where(enough, subject.sizes(record, subject.rows), np.inf).argmin())])


METHODS: dict[str, Method] = {
    "Slipway": _search,
    "Slipway, with a margin": _with_margin,
    "random search": _random,
    "nearest training row": _nearest,
}


@dataclass(frozen=True)
class Case:
    """What one method found for one fresh row; NaN where it found nothing."""

    seconds: float
    fields: float = np.nan
    size: float = np.nan
    graph: float = np.nan
    truth: float = np.nan
    gain: float = np.nan
    edge: float = np.nan
    unusual: float = np.nan


def _case(made: Made, subject: Subject, method: Method, row: Record, goal: Goal, rng: np.random.Generator) -> Case:
    record = {name: row[name] for name in subject.schema.names}
    started = process_time()
    found = method(subject, record, goal, rng)
    seconds = process_time() - started
    if found is None:
        return Case(seconds)
    changed = [field for field in subject.schema.fields if found[field.name] != record[field.name]]
    both = pd.DataFrame([row, row | found]).astype(subject.rows.dtypes)
    was, now = subject.figures(both)
    mean, new_mean = made.truth(both)
    edges = []
    for field in changed:
        if not field.categories:
            low, high = float(field.observed_min or 0), float(field.observed_max or 0)
            edges.append(min(found[field.name] - low, high - found[field.name]) / (high - low))
    (answer,) = subject.predictor.answer([found])["predictions"]
    unusual = any(one.code in (WarningCode.UNUSUAL_COMBINATION, WarningCode.OUT_OF_RANGE) for one in answer["warnings"])
    agrees = goal.reached(np.array([now, new_mean]))
    size = float(subject.sizes(record, both.iloc[1:])[0])
    gain = (new_mean - mean) / (now - was)
    return Case(seconds, len(changed), size, agrees[0], agrees[1], gain, min(edges, default=np.nan), unusual)


def _goals(subject: Subject, rows: pd.DataFrame) -> list[Goal]:
    figures = subject.figures(rows)
    if subject.step is None:
        return [Goal(0.5, bool(figure < 0.5)) for figure in figures]
    return [Goal(float(figure) + subject.step, True) for figure in figures]


def table(seeds: int, progress: Callable[[str], None]) -> Iterator[tuple[str, ...]]:
    """What each method finds, how large it is, and how often the graph and the true function agree."""
    for name, made in SETS.items():
        cases: dict[str, list[Case]] = {method: [] for method in METHODS}
        for seed in range(seeds):
            progress(f"counterfactuals: {name}, {seed + 1} of {seeds}")
            rng = np.random.default_rng([seed, 15])
            subject = Subject.of(made, rng)
            fresh = made.draw(rng, FRESH)
            for row, goal in zip(fresh.to_dict("records"), _goals(subject, fresh), strict=True):
                for method, find in METHODS.items():
                    cases[method].append(_case(made, subject, find, row, goal, rng))
        for method, found in cases.items():
            yield name, method, *_described(found)


def _described(cases: list[Case]) -> list[str]:
    def of(part: str) -> Floats:
        values = np.array([getattr(case, part) for case in cases], dtype="float64")
        return np.asarray(values[~np.isnan(values)])

    milliseconds = 1000 * of("seconds")
    return [
        f"{len(of('fields')) / len(cases):.1%}",
        f"{of('fields').mean():.2f}",
        f"{of('size').mean():.2f}",
        *(f"{of(part).mean():.1%}" for part in ("graph", "truth")),
        f"{np.median(of('gain')):.0%}",
        f"{of('edge').mean():.0%}",
        f"{of('unusual').mean():.1%}",
        *(f"{np.quantile(milliseconds, share):.0f}" for share in (0.5, 0.95)),
    ]
