"""A comparison of two versions as lines for a terminal."""

from collections.abc import Iterator
from typing import Any

from slipway.i18n import sentences
from slipway.i18n.formats import figure
from slipway.publish.comparison import Comparison, MovedGroup, PredictionChange
from slipway.publish.paired import CONFIDENCE, Difference, Evidence
from slipway.schema.changes import SchemaChange
from slipway.schema.schema import Schema

DIGITS = 12
"""Of a SHA-256."""


def lines(comparison: Comparison, schema: Schema) -> list[str]:
    """The comparison in words; `schema` is that of the first version."""
    found = [f"from {comparison.first} to {comparison.second}", "", "schema"]
    found += [f"  {_change(change)}" for change in comparison.schema] or ["  no difference"]
    found += ["", "training data", *(f"  {line}" for line in _data(comparison))]
    found += ["", "metrics as saved, each on its own folds and hold-out", *_saved(comparison)]
    if comparison.differences:
        rows = comparison.differences[0].rows
        found += ["", f"errors on the same {rows:,} rows; less is better", *map(_difference, comparison.differences)]
        found.append("  (a row that a version was trained on makes it look better than it is)")
    if comparison.evidence:
        found += [
            "",
            f"looked at again and again, with {CONFIDENCE:.0%} at all looks together",
            *map(_evidence, comparison.evidence),
        ]
    if comparison.predictions:
        found += ["", *_predictions(comparison.predictions, schema)]
    if comparison.missing:
        found += ["", "not compared", *(f"  {line}" for line in comparison.missing)]
    return found


def _change(change: SchemaChange) -> str:
    whose = f"{change.field}: " if change.field is not None else "" if change.what == "task" else "target: "
    if change.what in ("added", "removed"):
        return f"{whose}{change.what} ({change.before or change.after})"
    if change.what.endswith((" added", " removed")):
        return f"{whose}{change.what}: {', '.join(map(repr, change.before or change.after))}"
    return f"{whose}{change.what.replace('_', ' ')} {_value(change.before)} → {_value(change.after)}"


def _value(value: Any) -> str:
    return "none" if value is None or value == () else str(value)


def _data(comparison: Comparison) -> Iterator[str]:
    data = comparison.data
    yield f"rows {data.rows[0]:,} → {data.rows[1]:,}, of which hold-out {data.holdout[0]:,} → {data.holdout[1]:,}"
    known = [sha256[:DIGITS] or "not known" for sha256 in data.sha256]
    same = {True: "the same file", False: "another file", None: "perhaps another file"}[data.same]
    yield f"{same}: SHA-256 {known[0]} → {known[1]}"
    if data.sources[0] != data.sources[1]:
        yield f"from {data.sources[0]} → {data.sources[1]}"


def _saved(comparison: Comparison) -> list[str]:
    if not comparison.saved:
        return ["  none that both have"]
    rows = [f"  {'':10} {'folds (SD)':>34}   {'hold-out':>24}"]
    for one in comparison.saved:
        folds = " → ".join(f"{figure(fold.mean)} ({figure(fold.sd)})" for fold in one.folds)
        rows.append(f"  {one.name:10} {folds:>34}   {' → '.join(map(figure, one.holdout)):>24}")
    return rows


def _difference(one: Difference) -> str:
    return f"  {one.loss:15} {figure(one.first):>12} → {figure(one.second):>12}   {difference_text(one)}"


def _evidence(one: Evidence) -> str:
    ends = f"  {one.loss:15} difference {figure(one.low)} to {figure(one.high)}: "
    if one.suffices:
        return f"{ends}the {'second' if one.high < 0 else 'first'} is better"
    if one.needed is None:
        return f"{ends}the evidence does not suffice, and would not with any number of outcomes like these"
    return f"{ends}the evidence does not suffice; it would with some {one.needed - one.rows:,} outcomes more like these"


def difference_text(one: Difference) -> str:
    """`difference -12 (95 %: -20 to -4)`."""
    ends = (
        "" if one.low is None or one.high is None else f" ({CONFIDENCE:.0%}: {figure(one.low)} to {figure(one.high)})"
    )
    return f"difference {figure(one.difference)}{ends}"


def _predictions(change: PredictionChange, schema: Schema) -> Iterator[str]:
    which = f"{change.accepted:,} {change.rows}"
    left_out = change.given - change.accepted
    yield f"predictions for {which}" + (f"; {left_out:,} more are not accepted by both" if left_out else "")
    _, middle, high, most = change.quantiles
    what = f"probability of {change.of!r}" if change.of is not None else "prediction"
    if not change.changed:
        yield "  no difference"
    elif schema.target.classes and change.of is None:
        yield f"  {change.flipped or 0:.1%} have another class"
    else:
        yield (
            f"  {change.changed:.1%} have another {what}; it moves by {figure(middle)} (median), {figure(high)} (95 % of rows at "
            f"most), {figure(most)} (largest), and on average by {change.mean:+,.4g}"
        )
        if change.flipped is not None:
            yield f"  {change.flipped:.1%} have another class"
    if change.changed and change.groups:
        yield "  most for these groups (* clearly more than for all others):"
        yield from (_group(one, schema) for one in change.groups)


def _group(one: MovedGroup, schema: Schema) -> str:
    field = schema.by_name[one.field]
    name = f"{one.field}: {sentences.group(field, one.group, 'en')}"
    return f"  {'*' if one.clearly else ' '} {name:40} {one.rows:>7,} rows, by {figure(one.moved)}, on average {one.shift:+,.4g}"
