"""Charts as plain SVG and HTML texts, in the variables of `style.css`, so that they have a light and a dark form.

Each is one image to a screen reader, whose text is the `summary`: what the chart shows, in
a sentence. Texts are given as they are and are escaped here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from slipway.i18n.formats import format_value

WIDTH, HEIGHT, SIDE, TOP, BOTTOM = 300, 120, 4, 20, 22
LETTER = 7.2
"""Width of a label's character, at most."""
AXIS = 18
"""Characters for which an axis has room."""
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Row:
    """One line of a chart: what it is of, its figures, and what is drawn.

    `ends` are one number, the end of a bar, or five, the percentiles of a box, as shares of the
    chart's width; none if there is nothing to draw.
    """

    label: str
    figures: tuple[str, ...]
    ends: tuple[float, ...] = ()


def scale(low: float, high: float, steps: int = 4) -> list[float]:
    """About so many equal round steps, from at most `low` to at least `high`."""
    least = (high - low) / steps or abs(low) or 1.0
    power = 10.0 ** math.floor(math.log10(least))
    step = next(one * power for one in _STEPS if one * power >= least * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{at * step:.10g}") for at in range(first, max(last, first + 1) + 1)]


def numbers(values: Sequence[float], units: Sequence[tuple[float, float, str]] = ()) -> list[str]:
    """The numbers of an axis in one form.

    `units` are from which number on, in what to count, and its name: `(1e6, 1e6, " M")`; the
    first that the largest number reaches is taken.
    """
    top = max(map(abs, values), default=0.0)
    size, name = next(((size, name) for least, size, name in units if top >= least), (1.0, ""))
    return [format_value(float(f"{value / size:.6g}")) + (name if value else "") for value in values]


def histogram(
    counts: Sequence[int],
    names: Sequence[str],
    ticks: Sequence[tuple[float, str]],
    summary: str,
    top: str,
    tails: Sequence[int] = (),
) -> str:
    """Bars side by side.

    Parameters
    ----------
    counts, names : sequences of shape (n_bars,)
        Heights, and what is said of each when it is pointed at.
    ticks : pairs
        Where a label stands, in bars from the left, and the label.
    top : text
        What the highest bar holds.
    tails : positions
        Bars that stand for a wider range than the others, drawn as outlines.
    """
    wide, base, most = (WIDTH - 2 * SIDE) / len(counts), HEIGHT - BOTTOM, max(counts) or 1
    bars = "".join(
        f'<rect x="{SIDE + at * wide + 0.5:.1f}" y="{base - (tall := count / most * (base - TOP)):.1f}" '
        f'width="{max(wide - 1, 0.5):.1f}" height="{tall:.1f}"{" class=slip-tail" if at in tails else ""}>'
        f"<title>{escape(name)}</title></rect>"
        for at, (count, name) in enumerate(zip(counts, names, strict=True))
    )
    labels, free = "", 0.0
    for at, text in ticks:
        x, half = SIDE + at * wide, LETTER * len(text) / 2
        # A label at the edge would stand half outside, and one too near to the last one over it.
        anchor = "start" if x < half else "end" if x > WIDTH - half else "middle"
        left = {"start": x, "middle": x - half, "end": x - 2 * half}[anchor]
        if left < free:
            continue
        free = left + 2 * half + LETTER
        labels += f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{base}" y2="{base + 4}"/>'
        labels += f'<text x="{x:.1f}" y="{HEIGHT - 5}" text-anchor="{anchor}">{escape(text)}</text>'
    return (
        f'<svg class="slip-histogram" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(summary)}">'
        f'<line x1="{SIDE}" x2="{WIDTH - SIDE}" y1="{TOP}" y2="{TOP}"/>'
        f'<text x="{WIDTH - SIDE}" y="{TOP - 5}" text-anchor="end">{escape(top)}</text>{bars}'
        f'<line x1="{SIDE}" x2="{WIDTH - SIDE}" y1="{base}" y2="{base}" class="slip-base"/>{labels}</svg>'
    )


def lines(
    rows: Sequence[Row],
    heads: Sequence[str],
    summary: str,
    ticks: Sequence[str] = (),
    mark: float | None = None,
) -> str:
    """Bars or boxes below one another, with a label at the left and figures at the right.

    Parameters
    ----------
    heads : texts
        Above the labels, the drawing and each figure.
    ticks : texts
        Labels of the axis below, at equal distances from its left end to its right.
    mark : share of the width, optional
        Where an upright line runs through all rows.
    """
    line = "" if mark is None else f'<i class="slip-mark" style="left:{mark * 100:.2f}%"></i>'
    found = "".join(
        f"<div><span>{escape(row.label)}</span><span class='slip-lane'>{line}{_drawn(row.ends)}</span>"
        f"{''.join(f'<span>{escape(text)}</span>' for text in row.figures)}</div>"
        for row in rows
    )
    head = "".join(f"<span>{escape(text)}</span>" for text in heads)
    # Where there is no room for all, every other tick has a label.
    every = 2 if sum(map(len, ticks)) > AXIS else 1
    axis = "".join(
        f'<span style="left:{at / (len(ticks) - 1) * 100:.2f}%">{escape(text)}</span>'
        for at, text in enumerate(ticks)
        if at % every == 0
    )
    return (
        f'<div class="slip-lines" role="img" aria-label="{escape(summary)}" '
        f'style="--figures:{len(heads) - 2};--steps:{max(len(ticks) - 1, 1)}">'
        f'<div class="slip-lines-head">{head}</div>{found}'
        + (
            f'<div class="slip-lines-axis"><span></span><span class="slip-axis-labels">{axis}</span></div>'
            if axis
            else ""
        )
        + "</div>"
    )


def _drawn(ends: tuple[float, ...]) -> str:
    percents = [max(0.0, min(1.0, end)) * 100 for end in ends]
    if len(percents) == 1:
        return f'<b class="slip-length" style="width:{percents[0]:.2f}%"></b>'
    if not percents:
        return ""
    low, first, middle, third, high = percents
    return (
        f'<i class="slip-whisker" style="left:{low:.2f}%;width:{high - low:.2f}%"></i>'
        f'<b class="slip-half" style="left:{first:.2f}%;width:{max(third - first, 0.5):.2f}%"></b>'
        f'<i class="slip-middle" style="left:{middle:.2f}%"></i>'
    )


def tinted(
    caption: str, heads: Sequence[tuple[str, str]], rows: Sequence[tuple[str, Sequence[tuple[str, float]]]]
) -> str:
    """A table of figures whose cells are tinted by a share from 0 to 1; the figures are what it says.

    `heads` are what stands above each column of figures and its full name; a row is its label and cells.
    """
    head = "".join(f'<th scope="col" title="{escape(name)}">{escape(text)}</th>' for text, name in heads)
    body = "".join(
        f'<tr><th scope="row"><span title="{escape(label)}">{escape(label)}</span></th>'
        + "".join(f'<td style="--share:{share:.3f}">{escape(text)}</td>' for text, share in cells)
        + "</tr>"
        for label, cells in rows
    )
    return (
        f'<div class="slip-tinted" tabindex="0" role="group" aria-label="{escape(caption)}"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def places(edges: Sequence[float], values: Sequence[float]) -> list[float]:
    """Where values lie among the bars of a histogram, in bars from the left; `edges` rise."""
    found = []
    for value in values:
        at = next((at for at, (_, end) in enumerate(pairwise(edges)) if value <= end), len(edges) - 2)
        found.append(at + (value - edges[at]) / (edges[at + 1] - edges[at]))
    return found
