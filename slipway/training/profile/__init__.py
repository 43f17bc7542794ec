"""What a training table looks like: the profile of a version, from which the page's Data tab is made.

It holds figures of many rows and no training row: bars and parts of a range have at least `LEAST_PEOPLE` rows,
and rarer categories are counted together; percentiles of the target are only so far apart that as many rows lie between
two of them, and both rounded; the ends of the target's scale are rounded outward.
"""

import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from slipway.schema.profile import CategoryCounts, Histogram, Part, Profile, TargetClasses, TargetNumbers
from slipway.schema.types import LEAST_PEOPLE
from slipway.tables.notes import Note
from slipway.training.profile.alerts import alerts, is_copy, leaks
from slipway.training.profile.association import associations
from slipway.training.profile.column import Codes, Column, Numbers, Rows, of_field, of_target, short
from slipway.training.schema_inference import InferredDataset

BINS = 30
"""Bars of a histogram; of a field at most two more, for its tails."""
TAIL = 0.005
"""Share of the rows at either end of a field that is drawn as one bar, if far from all others."""
BANDS = 6
"""Parts of a number's range for which the target is summarised."""
LISTED = 20
"""Categories that are listed; the others are summed."""
BOX = (5, 25, 50, 75, 95)
"""Percentiles of the target that a box has."""

_COARSE = (1, 2, 2.5, 5, 10)
_WHOLE = (1, 2, 5, 10)
_FINE = (1, 1.2, 1.5, 1.8, 2, 2.2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10)
_CLOCK = (1, 2, 5, 10, 15, 30, 60)
"""Minutes that a bar of times of day may have; 24 hours need fewer than `BINS` bars."""
_CALENDAR = (("D", 1), ("D", 7), ("M", 1), ("M", 3), ("M", 12), ("M", 60), ("M", 120), ("M", 600))

_Summarise = Callable[[Part, Rows], Part]
_Rows = tuple[Part, Rows]
"""A part of a field's range, not yet summarised, and which rows lie in it."""


def with_leaks(learnt: InferredDataset) -> InferredDataset:
    """The dataset with a note for each input that gives the target away, as the Data tab reports them.

    Parameters
    ----------
    learnt : InferredDataset

    Returns
    -------
    InferredDataset
    """
    columns = {field.name: of_field(field, learnt.inputs[field.name]) for field in learnt.schema.fields}
    name, target = learnt.schema.target.name, of_target(learnt.schema.target, learnt.target)
    notes = (
        Note(
            "target_copy" if is_copy(columns[alert.field], target) else "leak",
            alert.field,
            {"target": name},
            _leave_out(alert.field),
        )
        for alert in leaks([*columns.values()], target)
    )
    return replace(learnt, notes=(*learnt.notes, *notes))


def _leave_out(name: str) -> str:
    return f"type `--ignore {shlex.quote(name)}` to leave it out (in a use case: `ignore: [{name}]`)"


def profile(learnt: InferredDataset) -> Profile:
    """The profile of a training table."""
    columns = [of_field(field, learnt.inputs[field.name]) for field in learnt.schema.fields]
    target = of_target(learnt.schema.target, learnt.target)
    summarise = _shares(target) if target.categories else _box(target.values)
    together = associations(columns, target)
    classes = TargetClasses(tuple(target.counts.tolist())) if target.categories else None
    return Profile(
        rows=len(learnt.target),
        target=classes or _scale(target.values, target.whole),
        fields={column.name: _field(column, summarise) for column in columns},
        associations=together,
        alerts=tuple(alerts(columns, target, together)),
    )


def _nice(least: float, grid: Sequence[float]) -> float:
    """The smallest round number of at least `least`: one of the grid times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return short(next((one for one in grid if one * power >= least * (1 - 1e-9)), 10) * power)


def _scale(numbers: Numbers, whole: bool) -> TargetNumbers:
    """The target's histogram and percentiles; both end at round numbers beyond its smallest and largest."""
    low, high = numbers.min(), numbers.max()
    step = _nice((high - low) / BINS or 1.0, _FINE)
    while np.floor(low / step) * step + BINS * step < high:
        step = _nice(step * 1.001, _FINE)
    edges = (np.floor(low / step) + np.arange(BINS + 1)) * step
    levels = np.linspace(0, 100, max(2, min(101, len(numbers) // LEAST_PEOPLE + 1)))
    known = _rounded(np.percentile(numbers, levels), _unit(numbers)).clip(edges[0], edges[-1])
    known[[0, -1]] = edges[[0, -1]]
    counts = _spread(numbers, edges) if whole and step > 1 else np.histogram(numbers, edges)[0]
    kept = merged(counts)
    counts, edges = np.add.reduceat(counts, kept[:-1]), edges[kept]
    return TargetNumbers(
        counts=tuple(counts.tolist()),
        edges=tuple(short(edge) for edge in edges),
        percentiles=tuple(short(value) for value in np.interp(np.arange(101), levels, known)),
    )


def merged(counts: Codes) -> Codes:
    """The edges that stay, so that no bar has one to four rows: such a bar is joined with its neighbours.

    Parameters
    ----------
    counts : array of int, of shape (n_bars,)

    Returns
    -------
    array of int
        Positions among the n + 1 edges, of which the first and the last stay.
    """
    kept, rows = [0], 0
    for place, count in enumerate(counts.tolist()):
        rows += count
        if rows >= LEAST_PEOPLE or rows == 0:
            kept.append(place + 1)
            rows = 0
    # The last bars have too few rows: they belong to the last bar before them that has any.
    if kept[-1] < len(counts):
        while len(kept) > 1 and rows < LEAST_PEOPLE:
            rows += int(counts[kept[-2] : kept[-1]].sum())
            kept.pop()
        kept.append(len(counts))
    return np.array(kept)


def _spread(numbers: Numbers, edges: Numbers) -> Codes:
    """Counts of whole numbers, each spread over the unit around it.

    Bars 2.2 wide would else hold two whole numbers or three, and look like a comb.
    """
    ordered = np.sort(numbers)
    nearest = np.floor(edges + 0.5)
    below, upto = np.searchsorted(ordered, nearest, "left"), np.searchsorted(ordered, nearest, "right")
    share = below + (edges + 0.5 - nearest) * (upto - below)
    share[[0, -1]] = 0, len(numbers)
    return np.diff(np.round(share)).astype("int64")


def _unit(numbers: Numbers) -> float:
    """What figures of the target are rounded to, so that none is a row's own: a five-hundredth of its usual range."""
    low, high = np.percentile(numbers, [5, 95])
    return _nice((high - low) / 500 or (numbers.max() - numbers.min()) / 500 or 1.0, _COARSE)


def _rounded(values: Numbers, unit: float) -> Numbers:
    return np.asarray(np.round(values / unit) * unit)


def _box(target: Numbers) -> _Summarise:
    """Of some rows, percentiles of the target."""
    unit = _unit(target)

    def box(part: Part, rows: Rows) -> Part:
        ends = _rounded(np.percentile(target[rows], BOX), unit)
        return replace(part, box=tuple(short(value) for value in ends))

    return box


def _shares(target: Column) -> _Summarise:
    """Of some rows, the share of each class."""

    def shares(part: Part, rows: Rows) -> Part:
        counts = np.bincount(target.values[rows], minlength=len(target.categories))
        return replace(part, shares=tuple(np.round(counts / counts.sum(), 4).tolist()))

    return shares


def _field(column: Column, summarise: _Summarise) -> Histogram | CategoryCounts:
    """A field's part of the profile."""
    distribution, groups = _categories(column) if column.categories else _histogram(column)
    missing = ~column.present
    if missing.any():
        groups.append((Part(0, missing=True), missing))
    counted = [(replace(part, rows=int(rows.sum())), rows) for part, rows in groups]
    relation = tuple(summarise(part, rows) if part.rows >= LEAST_PEOPLE else part for part, rows in counted)
    return replace(distribution, missing=int(missing.sum()), relation=relation)


def _categories(column: Column) -> tuple[CategoryCounts, list[_Rows]]:
    """How often each category occurs, and the rows of those that are listed."""
    counts = column.counts
    order = np.argsort(-counts, kind="stable")
    listed = order[: min(LISTED, int((counts >= LEAST_PEOPLE).sum()))].tolist()
    found = CategoryCounts(
        missing=0,
        values=tuple(column.categories[at] for at in listed),
        counts=tuple(counts[listed].tolist()),
        others=int(counts.sum() - counts[listed].sum()),
        relation=(),
    )
    return found, [(Part(0, value=column.categories[at]), column.values == at) for at in listed]


def _histogram(column: Column) -> tuple[Histogram, list[_Rows]]:
    """A histogram, and the rows of runs of neighbouring bars with about as many rows each."""
    present = column.values[column.present]
    edges = _bars(column, present)
    counts = np.histogram(present, edges)[0]
    kept = merged(counts)
    counts, edges = np.add.reduceat(counts, kept[:-1]), edges[kept]
    upto = np.cumsum(counts)
    cuts = np.searchsorted(upto, len(present) * np.arange(1, BANDS) / BANDS) + 1
    # What is left after the last cut may be next to nothing.
    cuts = cuts[len(present) - upto[cuts - 1] >= len(present) / BANDS / 3]
    ends = edges[np.unique([0, *cuts, len(counts)])]
    groups = []
    for first, last in zip(ends, ends[1:], strict=False):
        rows = (column.values >= first) & (column.values < (np.inf if last == ends[-1] else last))
        low, high = max(first, present.min()), min(last - 1 if column.whole else last, present.max())
        groups.append((Part(0, low=column.value(low), high=column.value(high)), rows))
    bars = tuple(column.value(edge) for edge in edges)
    hours = () if column.hours is None else _hours(column.hours)
    return Histogram(missing=0, edges=bars, counts=tuple(counts.tolist()), relation=(), hours=hours), groups


def _hours(hours: Codes) -> tuple[int, ...]:
    """The rows of each hour of the day, or of each two, three, … hours, so that none has one to four rows."""
    for each in (1, 2, 3, 4, 6, 8, 12):
        counts = np.bincount(hours // each, minlength=24 // each)
        if not np.any((counts > 0) & (counts < LEAST_PEOPLE)):
            return tuple(counts.tolist())
    return (len(hours),)


def _bars(column: Column, present: Numbers) -> Numbers:
    if column.kind == "date":
        return _calendar(present)
    return _clock(present) if column.kind == "time" else _edges(present, column.whole)


def _clock(present: Numbers) -> Numbers:
    """Full hours or parts of them, from the first to the last time of day."""
    for step in _CLOCK:
        first, last = present.min() // step, present.max() // step
        if last - first < BINS:
            break
    return np.asarray(np.arange(first, last + 2) * step)


def _edges(present: Numbers, whole: bool) -> Numbers:
    """Round edges, half-open; a tail far from all other values is one bar."""
    low, high = present.min(), present.max()
    first, last = np.quantile(present, [TAIL, 1 - TAIL], method="nearest")
    core = last - first
    if core == 0 or first - low <= core:
        first = low
    if core == 0 or high - last <= core:
        last = high
    step = (last - first) / BINS or 1.0
    step = max(1.0, _nice(step, _WHOLE)) if whole else _nice(step, _COARSE)
    start, stop = math.floor(first / step), math.floor(last / step) + 1 if whole else math.ceil(last / step)
    edges = np.arange(start, max(stop, start + 1) + 1) * step
    if low < edges[0]:
        edges = np.insert(edges, 0, math.floor(low / step) * step)
    if high > edges[-1]:
        edges = np.append(edges, (math.floor(high / step) + 1) * step)
    distinct: Numbers = np.unique(edges)
    return distinct


def _calendar(present: Numbers) -> Numbers:
    """Days, weeks, months, quarters or years, so many that all of them fit into a histogram."""
    ends = np.array([present.min(), present.max()]).astype("datetime64[D]")
    for unit, size in _CALENDAR:
        first, last = ends.astype(f"datetime64[{unit}]").astype("int64") // size
        if last - first < BINS:
            break
    starts = np.arange(first, last + 2) * size
    return starts.astype(f"datetime64[{unit}]").astype("datetime64[D]").astype("float64")
