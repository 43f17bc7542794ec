"""What the answers of a model rest on, learnt from out-of-fold answers, and how well that tells good answers from bad ones."""

from collections.abc import Sequence
from math import floor

import numpy as np

from slipway.inference import frames
from slipway.inference.interval import Interval
from slipway.inference.support import Abstention, Flags, PredictionSets, SimilarCases, Support
from slipway.schema.cells import CellTerm, Floats, Positions
from slipway.schema.metrics import FEW, AbstentionMetrics, SetMetrics, SupportMetrics
from slipway.schema.schema import Schema
from slipway.training.cells import drawn, field_cells
from slipway.training.combinations import learn_combinations
from slipway.training.conformal import COVERAGE, PARTS, parts_of, rank_of
from slipway.training.evaluation import HeldOut

LEAST_ROWS = 100
SIMILAR_BINS = 4
"""Bands of a number within which cases are called similar."""
SIMILAR_ROWS = 40
"""As many cases are like the median training case, at least."""
MOST_FIELDS, MOST_CELLS = 4, 4096


def learn_support(
    held_out: HeldOut | None, schema: Schema, first: Sequence[str], interval: Interval | None, rules: Abstention
) -> tuple[Support, SupportMetrics | None]:
    """What is kept to tell how much an answer rests on, and what is known of it.

    Parameters
    ----------
    held_out : HeldOut or None
        Answers for rows that the model had not seen; None if there are none.
    schema : Schema
    first : sequence of str
        The fields, the most important ones first.
    interval : Interval, optional
        That is served.
    rules : Abstention
        When a person is to be asked.

    Returns
    -------
    support : Support
    metrics : SupportMetrics or None
        None if there are too few rows.
    """
    if held_out is None or len(held_out.actual) < LEAST_ROWS:
        return Support(abstain=rules), None
    rows = len(held_out.actual)
    errors = _errors(held_out, schema)
    similar, cases = _similar(held_out, schema, first, errors)
    learnt = learn_combinations(held_out.inputs, schema, first)
    probabilities = held_out.answers.probabilities
    sets = chosen = None
    if probabilities is not None:
        sets, chosen = _sets(probabilities, held_out.actual, held_out.answers.values)
    flags = np.zeros(rows, dtype=bool) if learnt is None else learnt.flags
    metrics = SupportMetrics(
        rows=rows,
        fields=tuple(term.field or "" for term in similar.terms) if similar else (),
        cases=None if similar is None else float(np.median(cases)),
        false_alarms=None if learnt is None else learnt.false_alarms,
        detected=None if learnt is None else learnt.detected,
        sets=None if chosen is None else _measured(chosen, held_out.actual),
        abstention=_abstention(rules, held_out, schema, interval, errors, cases if similar else None, chosen, flags),
    )
    return Support(similar, learnt.combinations if learnt else None, sets, rules), metrics


def _errors(held_out: HeldOut, schema: Schema) -> Floats:
    """The absolute error of each row, or 1 where the class is wrong."""
    if schema.target.classes:
        return np.asarray(held_out.answers.values != held_out.actual, dtype="float64")
    return np.asarray(np.abs(held_out.answers.values - held_out.actual))


def _similar(
    held_out: HeldOut, schema: Schema, first: Sequence[str], errors: Floats
) -> tuple[SimilarCases | None, Positions]:
    """Cases by the cells of the most important fields, of as many as leave enough cases alike; and how many are like each row."""
    rows = len(errors)
    some = drawn(np.arange(rows))
    terms: list[CellTerm] = []
    place, size = np.zeros(rows, dtype="int64"), 1
    for name in first:
        term, cells = field_cells(schema.by_name[name], held_out.inputs[name], some, SIMILAR_BINS)
        # One cell and that of missing values tell nothing apart.
        if term.cells == 2 or size * term.cells > MOST_CELLS:
            continue
        finer = place * term.cells + cells
        if np.median(np.bincount(finer)[finer]) < SIMILAR_ROWS:
            continue
        terms, place, size = [*terms, term], finer, size * term.cells
        if len(terms) == MOST_FIELDS:
            break
    if not terms:
        return None, place
    cases = np.bincount(place, minlength=size)
    means = np.bincount(place, errors, minlength=size) / np.maximum(cases, 1)
    told = cases >= FEW
    similar = SimilarCases(
        tuple(terms),
        tuple(np.where(told, cases, 0).tolist()),
        tuple(float(f"{mean:.4g}") if known else -1.0 for mean, known in zip(means, told, strict=True)),
        rows,
    )
    return similar, cases[place]


def _sets(probabilities: Floats, actual: Positions, decided: Positions) -> tuple[PredictionSets, Flags]:
    """Prediction sets, and those of each row by the other nine tenths of the rows: of shape (n_rows, n_classes)."""
    part, chosen = parts_of(len(actual)), np.zeros(probabilities.shape, dtype=bool)
    for number in range(PARTS):
        own = part == number
        chosen[own] = _fitted(probabilities[~own], actual[~own]).sets(probabilities[own], decided[own])
    return _fitted(probabilities, actual), chosen


def _fitted(probabilities: Floats, actual: Positions) -> PredictionSets:
    right = probabilities[np.arange(len(actual)), actual]
    return PredictionSets(COVERAGE, tuple(_exceeded(right[actual == one]) for one in range(probabilities.shape[1])))


def _exceeded(probabilities: Floats) -> float:
    """What a new probability reaches with the coverage meant, as an order statistic of the n + 1, rounded down; 0 where n is below 9."""
    rank = len(probabilities) + 1 - rank_of(len(probabilities), COVERAGE)
    return floor(float(np.sort(probabilities)[rank - 1]) * 1e6) / 1e6 if rank else 0.0


def _measured(chosen: Flags, actual: Positions) -> SetMetrics:
    covered = chosen[np.arange(len(actual)), actual]
    counts = np.bincount(actual, minlength=chosen.shape[1])
    shares = np.bincount(actual, covered, minlength=chosen.shape[1]) / np.maximum(counts, 1)
    sizes = chosen.sum(axis=1)
    return SetMetrics(
        coverage=COVERAGE,
        covered=float(covered.mean()),
        classes=tuple(float(share) if rows else None for share, rows in zip(shares, counts, strict=True)),
        size=float(sizes.mean()),
        single=float((sizes == 1).mean()),
    )


def _abstention(
    rules: Abstention,
    held_out: HeldOut,
    schema: Schema,
    interval: Interval | None,
    errors: Floats,
    cases: Positions | None,
    chosen: Flags | None,
    flags: Flags,
) -> AbstentionMetrics | None:
    """How often the rules hold for unseen rows, and how large errors are where they do and elsewhere; None without rules."""
    if rules == Abstention():
        return None
    rows = drawn(np.arange(len(errors)))
    asked = flags[rows] if rules.unusual else np.zeros(len(rows), dtype=bool)
    if rules.cases is not None and cases is not None:
        asked |= cases[rows] - 1 < rules.cases  # the row itself is one of them
    if rules.classes is not None and chosen is not None:
        asked |= chosen[rows].sum(axis=1) > rules.classes
    if rules.width is not None and interval is not None:
        times = [field.name for field in schema.fields if field.kind == "time"]
        columns = schema.columns(frames.records(held_out.inputs.iloc[rows][schema.names], times))
        low, high = interval.ends(held_out.answers.values[rows], columns, schema)
        asked |= high - low > rules.width
    own = errors[rows]
    return AbstentionMetrics(
        share=float(asked.mean()),
        error=float(own[asked].mean()) if asked.any() else None,
        others=float(own[~asked].mean()) if not asked.all() else None,
    )
