"""What answers rest on, on fresh rows: prediction sets, unusual combinations of inputs, and when a person is asked."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor, IsolationForest, RandomForestClassifier
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict

from slipway.inference.equality import Answers
from slipway.inference.support import Abstention, PredictionSets
from slipway.schema.schema import Checked, Schema
from slipway.training.combinations import FALSE_ALARMS, learn_combinations
from slipway.training.conformal import COVERAGE, fit_interval
from slipway.training.evaluation import HeldOut
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.support import learn_support
from slipway.training.usecase import TargetSpec, UseCase

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]
ROWS, FRESH = 2000, 20_000
SETS = ("classes", "method", "stated", "covered", "rarest class", "classes in a set", "sets of one class")
COMBINATIONS = ("inputs", "method", "false alarms stated", "false alarms", "noticed stated", "noticed")
ABSTENTION = ("answers", "rule", "asked, stated", "asked", "error there", "error elsewhere", "error of all")


def _learnt(inputs: Floats, target: npt.NDArray[np.generic]) -> InferredDataset:
    frame = pd.DataFrame(inputs, columns=[f"x{place}" for place in range(inputs.shape[1])])
    return infer_dataset(frame.assign(y=target), UseCase("made", TargetSpec("y")), "made")


def _checked(inputs: Floats, schema: Schema) -> Checked:
    return Checked({name: inputs[:, place] for place, name in enumerate(schema.names)}, [[] for _ in inputs])


# Classes


def _classes(rng: np.random.Generator, rows: int, offsets: list[float]) -> tuple[Floats, Classes]:
    """Inputs and classes, of which those with a low offset are rare."""
    inputs = rng.normal(size=(rows, 6))
    logits = inputs[:, :3] @ np.linspace(-1.2, 1.2, 3 * len(offsets)).reshape(3, -1) + np.array(offsets)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return inputs, (shares.cumsum(axis=1) < rng.random(rows)[:, None]).sum(axis=1)


def _forest(seed: int, offsets: list[float]) -> tuple[HeldOut, Schema, Floats, Classes]:
    """Out-of-fold answers with their schema, and probabilities of fresh rows with their classes."""
    rng = np.random.default_rng([seed, len(offsets)])
    (inputs, actual), (fresh, truth) = _classes(rng, ROWS, offsets), _classes(rng, FRESH, offsets)
    model = RandomForestClassifier(100, min_samples_leaf=5, random_state=0, n_jobs=1)
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    own = cross_val_predict(model, inputs, actual, cv=folds, method="predict_proba")
    data = _learnt(inputs, np.array([f"c{one}" for one in actual]))
    held_out = HeldOut(data.inputs, actual, Answers(own.argmax(axis=1), own))
    return held_out, data.schema, model.fit(inputs, actual).predict_proba(fresh), truth


MADE = {"two": [0.0, 0.0], "two, one of 50 positive": [0.0, -4.4], "five": [0.0, -0.5, -1.0, -1.5, -2.0]}


def sets(seeds: int, progress: Callable[[str], None]) -> Iterator[tuple[str, ...]]:
    """What prediction sets cover, of all classes and of the rarest."""
    for name, offsets in MADE.items():
        progress(f"prediction sets: {name}")
        found: dict[str, list[tuple[float, ...]]] = {"one limit for all classes": [], "Slipway": []}
        for seed in range(seeds):
            held_out, schema, given, truth = _forest(seed, offsets)
            support, metrics = learn_support(held_out, schema, schema.names, None, Abstention())
            if support.sets is None or metrics is None or metrics.sets is None:
                raise RuntimeError(f"no prediction sets for {name}")
            scores = np.sort(np.asarray(held_out.answers.probabilities)[np.arange(ROWS), held_out.actual])
            limit = float(scores[int((1 - COVERAGE) * (ROWS + 1)) - 1])
            plain = PredictionSets(COVERAGE, (limit,) * len(offsets))
            rarest = int(np.bincount(held_out.actual).argmin())
            for method, of, stated in (
                ("one limit for all classes", plain, np.nan),
                ("Slipway", support.sets, metrics.sets.covered),
            ):
                inside = of.sets(given, given.argmax(axis=1))
                covered = inside[np.arange(FRESH), truth]
                sizes = inside.sum(axis=1)
                found[method].append(
                    (stated, covered.mean(), covered[truth == rarest].mean(), sizes.mean(), (sizes == 1).mean())
                )
        for method, drawn in found.items():
            stated, covered, rarest_covered, size, single = np.mean(drawn, axis=0)
            shares = [f"{one:.1%}" for one in (covered, rarest_covered)]
            yield name, method, "" if np.isnan(stated) else f"{stated:.1%}", *shares, f"{size:.2f}", f"{single:.0%}"


# Combinations


def _correlated(rng: np.random.Generator, rows: int) -> Floats:
    covariance = 0.2 * np.eye(6) + 0.8
    return rng.multivariate_normal(np.zeros(6), covariance, rows)


def _years(rng: np.random.Generator, rows: int) -> Floats:
    """Age, years at school, years at work and three inputs without any connection."""
    age = rng.uniform(6, 65, rows)
    school = np.minimum(age - 6, rng.uniform(0, 20, rows))
    work = np.maximum(0, age - 6 - school) * rng.uniform(0.5, 1, rows)
    return np.column_stack([age, school, work, rng.normal(size=(rows, 3))])


def _threefold(rng: np.random.Generator, rows: int) -> Floats:
    """The sign of the third input is that of the product of the first two: no two of them show it."""
    first = rng.normal(size=(rows, 2))
    return np.column_stack(
        [first, np.abs(rng.normal(size=rows)) * np.sign(first.prod(axis=1)), rng.normal(size=(rows, 3))]
    )


DRAWS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "six correlated numbers": _correlated,
    "age, school, work": _years,
    "without any connection": lambda rng, rows: rng.normal(size=(rows, 6)),
    "connected in three at once": _threefold,
}


def combinations(seeds: int, progress: Callable[[str], None]) -> Iterator[tuple[str, ...]]:
    """How many fresh rows are called unusual, and how many whose inputs come from different rows."""
    for name, draw in DRAWS.items():
        progress(f"unusual combinations: {name}")
        ours, forests = [], []
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            inputs, fresh = draw(rng, ROWS), draw(rng, FRESH)
            mixed = np.column_stack([rng.permutation(column) for column in draw(rng, FRESH).T])
            data = _learnt(inputs, rng.normal(size=ROWS))
            learnt = learn_combinations(data.inputs, data.schema, data.schema.names)
            if learnt is None:
                raise RuntimeError(f"no combinations for {name}")
            shares = [
                len(learnt.combinations.found(_checked(rows, data.schema).columns, data.schema.by_name, FRESH)) / FRESH
                for rows in (fresh, mixed)
            ]
            ours.append((learnt.false_alarms, shares[0], learnt.detected, shares[1]))
            forest = IsolationForest(contamination=FALSE_ALARMS, random_state=0).fit(inputs)
            forests.append([float((forest.predict(rows) < 0).mean()) for rows in (fresh, mixed)])
        alarms, fresh_alarms, noticed, fresh_noticed = (f"{one:.1%}" for one in np.mean(ours, axis=0))
        yield name, "Slipway", alarms, fresh_alarms, noticed, fresh_noticed
        alarms, noticed = (f"{one:.1%}" for one in np.mean(forests, axis=0))
        yield name, "isolation forest", "", alarms, "", noticed


# Abstention


def _numbers(seed: int) -> tuple[float, float, Floats, npt.NDArray[np.bool_]]:
    """Asked as stated and where it was asked, by the width of the interval; the errors of the fresh rows."""
    rng = np.random.default_rng(seed)

    def drawn(rows: int) -> tuple[Floats, Floats]:
        inputs = rng.normal(size=(rows, 5))
        signal = 3 * inputs[:, 0] + 2 * np.sin(2 * inputs[:, 1]) + inputs[:, 2]
        return inputs, signal + np.exp(0.25 * signal) * rng.normal(size=rows)

    (inputs, actual), (fresh, truth) = drawn(ROWS), drawn(FRESH)
    model = GradientBoostingRegressor(random_state=0)
    own = cross_val_predict(model, inputs, actual, cv=KFold(10, shuffle=True, random_state=0))
    interval = fit_interval(own, actual)
    if interval is None:
        raise RuntimeError("no interval")
    low, high = interval.around(own)
    rule = float(np.quantile(high - low, 0.8)) - 1e-9
    data = _learnt(inputs, actual)
    held_out = HeldOut(data.inputs, actual, Answers(own))
    _, metrics = learn_support(held_out, data.schema, data.schema.names, interval, Abstention(width=rule))
    given = model.fit(inputs, actual).predict(fresh)
    low, high = interval.around(given)
    stated = metrics.abstention.share if metrics and metrics.abstention else np.nan
    return stated, rule, np.abs(given - truth), high - low > rule


def abstention(seeds: int, progress: Callable[[str], None]) -> Iterator[tuple[str, ...]]:
    """For how many fresh rows a person is asked, and how large errors are there and elsewhere."""
    progress("abstention: numbers")
    found = [_numbers(seed) for seed in range(seeds)]
    yield (
        "numbers, noise by mean",
        "`width`: the widest fifth of the intervals",
        *_asked([(stated, errors, asked) for stated, _, errors, asked in found], "{:.2f}"),
    )
    for name, offsets in MADE.items():
        progress(f"abstention: {name}")
        drawn = []
        for seed in range(seeds):
            held_out, schema, given, truth = _forest(seed, offsets)
            support, metrics = learn_support(held_out, schema, schema.names, None, Abstention(classes=1))
            if support.sets is None or metrics is None or metrics.abstention is None:
                raise RuntimeError(f"no prediction sets for {name}")
            decided = given.argmax(axis=1)
            asked = support.sets.sets(given, decided).sum(axis=1) > 1
            drawn.append((metrics.abstention.share, (decided != truth).astype("float64"), asked))
        yield f"classes: {name}", "`classes: 1`", *_asked(drawn, "{:.1%}")


def _asked(drawn: list[tuple[float, Floats, npt.NDArray[np.bool_]]], form: str) -> list[str]:
    shares = np.mean([(stated, asked.mean()) for stated, _, asked in drawn], axis=0)
    parts = (
        [errors[asked] for _, errors, asked in drawn],
        [errors[~asked] for _, errors, asked in drawn],
        [errors for _, errors, _ in drawn],
    )
    means = [[part.mean() for part in of if len(part)] for of in parts]
    return [*(f"{one:.1%}" for one in shares), *(form.format(np.mean(one)) if one else "–" for one in means)]
