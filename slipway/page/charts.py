"""Charts as plain SVG and HTML texts, in the variables of `style.css`, so that they have a light and a dark form.

Each is one image to a screen reader, whose text is the `summary`: what the chart shows, in
a sentence. The markup is in `charts.html`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from slipway.page.html import macros

WIDTH, HEIGHT, SIDE, TOP, BOTTOM = 300, 120, 4, 20, 22
LETTER = 7.2
"""Width of a label's character, at most."""
_HTML = macros("charts.html")
_STEPS = (1, 2, 2.5, 5, 10)
_SIZE = {
    "width": WIDTH,
    "height": HEIGHT,
    "left": SIDE,
    "right": WIDTH - SIDE,
    "top": TOP,
    "base": HEIGHT - BOTTOM,
}


@dataclass(frozen=True)
class Row:
    """One line of a chart: its label, its figures, and what is drawn.

    `ends` are one number, the end of a bar, or five, the percentiles of a box, as shares of the
    chart's width; empty if there is nothing to draw.
    """

    label: str
    figures: tuple[str, ...]
    ends: tuple[float, ...] = ()

    @property
    def percents(self) -> list[float]:
        """The ends as percentages of the width."""
        return [max(0.0, min(1.0, end)) * 100 for end in self.ends]


def scale(low: float, high: float, steps: int = 4) -> list[float]:
    """Equal round steps that cover a range.

    Parameters
    ----------
    low, high : float
    steps : int, default=4
        The approximate number of steps.

    Returns
    -------
    list of float
        From at most `low` to at least `high`.
    """
    least = (high - low) / steps or abs(low) or 1.0
    power = 10.0 ** math.floor(math.log10(least))
    step = next(one * power for one in _STEPS if one * power >= least * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{at * step:.10g}") for at in range(first, max(last, first + 1) + 1)]


def histogram(
    counts: Sequence[int],
    names: Sequence[str],
    ticks: Sequence[tuple[float, str]],
    summary: str,
    top: str,
    tails: Sequence[int] = (),
) -> Markup:
    """Bars side by side.

    Parameters
    ----------
    counts, names : sequences of shape (n_bars,)
        Heights, and the tooltip of each bar.
    ticks : sequence of pairs
        The position of each label, in bars from the left, and the label.
    summary : str
        The text for screen readers.
    top : str
        The label of the highest bar.
    tails : sequence of int, optional
        Positions of bars that cover a wider range than the others, drawn as outlines.

    Returns
    -------
    Markup
    """
    wide, base, most = (WIDTH - 2 * SIDE) / len(counts), HEIGHT - BOTTOM, max(counts) or 1
    bars = []
    for at, (count, name) in enumerate(zip(counts, names, strict=True)):
        tall = count / most * (base - TOP)
        place = {"x": SIDE + at * wide + 0.5, "y": base - tall, "width": max(wide - 1, 0.5), "height": tall}
        bars.append(place | {"name": name, "is_tail": at in tails})
    labels = fitting([(SIDE + at * wide, text) for at, text in ticks], 0.0, WIDTH)
    return _HTML.histogram(_SIZE, bars, labels, summary, top)


def fitting(ticks: Sequence[tuple[float, str]], left: float, right: float) -> list[dict[str, Any]]:
    """The labels of an axis for which there is room.

    Parameters
    ----------
    ticks : sequence of pairs
        Where each label stands, in the chart's units, and the label.
    left, right : float
        The ends of the room.

    Returns
    -------
    list of dict
        `x`, `anchor` and `text` of each that is kept.
    """
    labels, free = [], left - LETTER
    for x, text in ticks:
        half = LETTER * len(text) / 2
        # A label at the edge would stand half outside, and one too near to the last one over it.
        anchor = "start" if x - half < left else "end" if x > right - half else "middle"
        start = {"start": x, "middle": x - half, "end": x - 2 * half}[anchor]
        if start >= free:
            free = start + 2 * half + LETTER
            labels.append({"x": x, "anchor": anchor, "text": text})
    return labels


def lines(
    rows: Sequence[Row],
    heads: Sequence[str],
    summary: str,
    ticks: Sequence[str] = (),
    mark: float | None = None,
) -> Markup:
    """Bars or boxes below each other, with a label on the left and figures on the right.

    Parameters
    ----------
    rows : sequence of Row
    heads : sequence of str
        Above the labels, the drawing and each figure.
    summary : str
        The text for screen readers.
    ticks : sequence of str, optional
        Labels of the axis below, evenly spaced from left to right; `shell/axes.js` leaves out those for which there is no room.
    mark : float, optional
        Share of the width at which a vertical line runs through all rows.

    Returns
    -------
    Markup
    """
    steps = max(len(ticks) - 1, 1)
    axis = [(at / steps * 100, text) for at, text in enumerate(ticks)]
    return _HTML.lines(rows, heads, summary, len(heads) - 2, steps, axis, None if mark is None else mark * 100)


def tinted(
    caption: str, heads: Sequence[tuple[str, str]], rows: Sequence[tuple[str, Sequence[tuple[str, float]]]]
) -> Markup:
    """A table of figures whose cells are tinted by a share from 0 to 1.

    Parameters
    ----------
    caption : str
    heads : sequence of pairs
        The heading of each column of figures, and its full name.
    rows : sequence of pairs
        A label, and its cells as pairs of a text and a share.

    Returns
    -------
    Markup
    """
    return _HTML.tinted(caption, heads, rows)


def places(edges: Sequence[float], values: Sequence[float]) -> list[float]:
    """Where values lie among the bars of a histogram.

    Parameters
    ----------
    edges : sequence of n_bars + 1 floats
        Ascending.
    values : sequence of float

    Returns
    -------
    list of float
        In bars from the left.
    """
    positions = []
    for value in values:
        at = next((at for at, (_, end) in enumerate(pairwise(edges)) if value <= end), len(edges) - 2)
        positions.append(at + (value - edges[at]) / (edges[at + 1] - edges[at]))
    return positions
