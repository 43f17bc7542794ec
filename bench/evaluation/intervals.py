"""Prediction intervals on eleven sets of which the truth is known: what they cover, for whom, and how wide they are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from mapie.regression import ConformalizedQuantileRegressor, CrossConformalRegressor, SplitConformalRegressor  # type: ignore[import-untyped]
from sklearn.datasets import load_diabetes, make_friedman1, make_friedman2, make_friedman3
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import KFold, cross_val_predict, train_test_split

from slipway.inference import frames
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from slipway.training.conformal import COVERAGE, fit_interval, measure_interval
from slipway.training.spread import interval_by_inputs

Floats = npt.NDArray[np.float64]
Ends = tuple[Floats, Floats]
Draw = Callable[[np.random.Generator, int], tuple[Floats, Floats]]

FRESH = 5000
DRIVER = 3
"""The input that the noise depends on, in the sets in which it does; of the others any."""
GROUP_SHARES, GROUP_NOISE = (0.45, 0.4, 0.15), np.array([0.8, 1.5, 5.0])
COLUMNS = ("set", "rows", "method", "stated", "covered", "width", "lowest fifth", "lowest group", "score")


@dataclass(frozen=True)
class Sample:
    """Rows to fit on and fresh ones; the column `group`, if there is one, is a category."""

    inputs: Floats
    actual: Floats
    fresh: Floats
    truth: Floats
    group: int | None = None


def signal(inputs: Floats) -> Floats:
    """The true mean of the made sets; only the first three inputs matter."""
    return np.asarray(3 * inputs[:, 0] + 2 * np.sin(2 * inputs[:, 1]) + inputs[:, 2])


def _made(noise: Callable[[np.random.Generator, Floats], Floats]) -> Draw:
    def draw(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
        inputs = rng.normal(size=(rows, 5))
        return inputs, signal(inputs) + noise(rng, inputs)

    return draw


def _skewed(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    inputs = rng.normal(size=(rows, 5))
    return inputs, np.exp(6 + signal(inputs) / 4 + 0.6 * rng.normal(size=rows))


def _grouped(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    inputs = rng.normal(size=(rows, 5))
    inputs[:, DRIVER] = rng.choice(3, rows, p=GROUP_SHARES)
    return inputs, signal(inputs) + GROUP_NOISE[inputs[:, DRIVER].astype(int)] * rng.normal(size=rows)


def _friedman(make: Callable[..., tuple[Floats, Floats]], noise: float) -> Draw:
    return lambda rng, rows: make(rows, noise=noise, random_state=int(rng.integers(2**31)))


SETS: dict[str, tuple[Draw, int]] = {
    "friedman1": (_friedman(make_friedman1, 1.0), 600),
    "friedman2": (_friedman(make_friedman2, 125.0), 600),
    "friedman3": (_friedman(make_friedman3, 0.1), 600),
    "t(2) tails": (_made(lambda rng, inputs: rng.standard_t(2, len(inputs))), 600),
    "skewed": (_skewed, 600),
    "noise by field": (
        _made(lambda rng, x: rng.normal(size=len(x)) * (0.3 + 2 * np.clip(x[:, DRIVER] + 1, 0, None))),
        600,
    ),
    "noise by group": (_grouped, 600),
    "noise by mean": (_made(lambda rng, x: rng.normal(size=len(x)) * (0.5 + 0.5 * np.abs(signal(x)))), 5000),
    "n = 80": (_friedman(make_friedman1, 1.0), 80),
    "n = 30": (_friedman(make_friedman1, 1.0), 30),
}


def samples(seed: int) -> Iterator[tuple[str, Sample]]:
    """The eleven sets, each drawn anew for a seed; of the real one other rows are held out."""
    inputs, actual = load_diabetes(return_X_y=True)
    x, fresh, y, truth = train_test_split(inputs, actual, train_size=342, random_state=seed)
    yield "diabetes", Sample(x, y, fresh, truth)
    for number, (name, (draw, rows)) in enumerate(SETS.items()):
        rng = np.random.default_rng([seed, number])
        yield name, Sample(*draw(rng, rows), *draw(rng, FRESH), DRIVER if name == "noise by group" else None)


def _schema(sample: Sample) -> Schema:
    fields = [
        Field(f"x{place}", "category", "object", {"en": ""}, "0", categories=("0", "1", "2"))
        if place == sample.group
        else Field(f"x{place}", "number", "float64", {"en": ""}, 0.0, observed_min=-1e9, observed_max=1e9)
        for place in range(sample.inputs.shape[1])
    ]
    return Schema("made", "regression", tuple(fields), Target("y", {"en": "y"}))


def _frame(inputs: Floats, group: int | None) -> pd.DataFrame:
    frame = pd.DataFrame({f"x{place}": inputs[:, place] for place in range(inputs.shape[1])})
    if group is not None:
        frame[f"x{group}"] = frame[f"x{group}"].astype(int).astype(str)
    return frame


def _ours(sample: Sample, model: GradientBoostingRegressor) -> Iterator[tuple[str, float, Ends]]:
    """The interval by the prediction alone, and the one that is kept; each with the coverage that it states."""
    folds = KFold(10, shuffle=True, random_state=0)
    beyond = cross_val_predict(model, sample.inputs, sample.actual, cv=folds)
    guess = model.fit(sample.inputs, sample.actual).predict(sample.fresh)
    plain, measured = fit_interval(beyond, sample.actual), measure_interval(beyond, sample.actual)
    if plain is None or measured is None:
        return
    yield "by prediction", measured.metrics.covered, plain.around(guess)
    schema = _schema(sample)
    better = interval_by_inputs(measured, beyond, sample.actual, _frame(sample.inputs, sample.group), schema)
    if better is None or better[0].spread is None:
        yield "Slipway", measured.metrics.covered, plain.around(guess)
        return
    columns = schema.columns(frames.records(_frame(sample.fresh, sample.group)))
    scale = better[0].spread.scale(guess, columns, schema.by_name)
    yield "Slipway, by inputs", better[1].metrics.covered, better[0].around(guess, scale=scale)


def _theirs(sample: Sample, model: GradientBoostingRegressor) -> Iterator[tuple[str, Ends]]:
    """MAPIE's split conformal, CV+ and conformalised quantile regression; a quarter is kept where a method needs it."""
    fit, rest, fit_y, rest_y = train_test_split(sample.inputs, sample.actual, test_size=0.25, random_state=0)
    quantiles = GradientBoostingRegressor(loss="quantile", alpha=0.5, random_state=0)
    split = SplitConformalRegressor(model, confidence_level=COVERAGE, prefit=False)
    cross = CrossConformalRegressor(model, confidence_level=COVERAGE, method="plus", cv=KFold(10))
    by_quantiles = ConformalizedQuantileRegressor(quantiles, confidence_level=COVERAGE)
    methods: dict[str, Callable[[], Any]] = {
        "split": lambda: split.fit(fit, fit_y).conformalize(rest, rest_y),
        "CV+": lambda: cross.fit_conformalize(sample.inputs, sample.actual),
        "CQR": lambda: by_quantiles.fit(fit, fit_y).conformalize(rest, rest_y),
    }
    for name, fitted in methods.items():
        try:
            ends = fitted().predict_interval(sample.fresh)[1][:, :, 0]
        except ValueError:  # too few rows
            continue
        yield name, (ends[:, 0], ends[:, 1])


def measured(sample: Sample, model: GradientBoostingRegressor) -> Iterator[tuple[str, Floats]]:
    """For each method: stated and true coverage, width, lowest coverage of a fifth and of a group, interval score."""
    order = np.argsort(model.fit(sample.inputs, sample.actual).predict(sample.fresh), kind="stable")
    fifths: list[npt.NDArray[np.int64]] = np.array_split(order, 5)
    driver = sample.fresh[:, DRIVER]
    groups: list[npt.NDArray[np.int64]] = [np.flatnonzero(driver == value) for value in np.unique(driver)]
    if sample.group is None:
        groups = list(np.array_split(np.argsort(driver, kind="stable"), 5))
    methods = [*_ours(sample, model), *((name, np.nan, ends) for name, ends in _theirs(sample, model))]
    for name, stated, (low, high) in methods:
        inside = (sample.truth >= low) & (sample.truth <= high)
        outside = np.maximum(low - sample.truth, 0) + np.maximum(sample.truth - high, 0)
        score = (high - low) + 2 / (1 - COVERAGE) * outside
        least = [min(inside[rows].mean() for rows in parts) for parts in (fifths, groups)]
        yield name, np.array([stated, inside.mean(), (high - low).mean(), *least, score.mean()])


def table(seeds: int, progress: Callable[[str], None]) -> list[tuple[str, ...]]:
    """Means over the seeds, a row for each set and method."""
    found: dict[tuple[str, int, str], list[Floats]] = {}
    for seed in range(seeds):
        for name, sample in samples(seed):
            progress(f"intervals, seed {seed + 1} of {seeds}: {name}")
            for method, one in measured(sample, GradientBoostingRegressor(random_state=0)):
                found.setdefault((name, len(sample.actual), method), []).append(one)
    rows = []
    order = list(dict.fromkeys(name for name, _, _ in found))
    # A method that not every draw chose came later.
    for (name, count, method), figures in sorted(found.items(), key=lambda one: order.index(one[0][0])):
        stated, covered, width, fifth, group, score = np.mean(figures, axis=0)
        shares = ["" if np.isnan(share) else f"{100 * share:.1f}" for share in (stated, covered, fifth, group)]
        drawn = "" if len(figures) == seeds else f" ({len(figures)} of {seeds})"
        figure = [shares[0], shares[1], f"{width:.3g}", shares[2], shares[3], f"{score:.3g}"]
        rows.append((name, str(count), method + drawn, *figure))
    return rows
