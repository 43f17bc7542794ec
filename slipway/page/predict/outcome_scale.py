"""The position of an answer: among the outcomes in training, or among a hundred similar cases."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.schema.metrics import ReliabilityBin
from slipway.schema.profile import TargetNumbers

WIDTH, HEIGHT, GROUND = 400.0, 66.0, 60.0
_HTML = macros("predict/outcome_scale.html")
_SIZE = {"width": WIDTH, "height": HEIGHT, "ground": GROUND}


def outcomes(page: PageContext) -> TargetNumbers | None:
    """The distribution of the predicted number in training; None for classes and for versions without a profile."""
    target = page.profile and page.profile.target
    return target if isinstance(target, TargetNumbers) else None


def bins(page: PageContext) -> Sequence[ReliabilityBin]:
    """The reliability of two classes' probabilities, bin by bin; empty for versions without it."""
    return page.metrics.reliability


def scale(page: PageContext, prediction: dict[str, Any], outcomes: TargetNumbers) -> Markup:
    """The outcomes in training as a silhouette, with the interval as a band and the prediction as a mark.

    `outcomes` is the `target` of the version's profile.
    """
    value, edges, counts = prediction["prediction"], outcomes.edges, outcomes.counts
    around = prediction["interval"] or {"low": value, "high": value}
    low = float(min(edges[0], around["low"], value))
    high = float(max(edges[-1], around["high"], value))
    wide = high - low or 1.0
    # Bars that were joined, so that none has fewer than five rows, are wider: their area is their number of rows.
    dense = [count / (end - start) for start, end, count in zip(edges, edges[1:], counts, strict=False)]
    top = max(dense) or 1

    def x(place: float) -> float:
        return (place - low) / wide * WIDTH

    bars = [
        {"x": x(start), "width": max(x(end) - x(start) - 1, 0.5), "height": GROUND * rows / top}
        for start, end, rows in zip(edges, edges[1:], dense, strict=False)
        if rows
    ]
    band = None
    if prediction["interval"]:
        start, end = x(around["low"]), x(around["high"])
        band = {"x": start, "width": max(end - start, 1)}
    decimals = 0 if wide >= 20 else page.schema.target.decimals
    text = page.t("page.outcome_scale", share=_share_below(outcomes.percentiles, value))
    ends = [page.decimal(end, decimals, page.schema.target.decimal) for end in (low, high)]
    return _HTML.scale(_SIZE, bars, band, x(value), text, ends)


def _share_below(percentiles: Sequence[float], value: float) -> int:
    """How many of a hundred outcomes in training lie below a value: 0 to 100."""
    return max(0, bisect_right(percentiles, value) - 1)


def of_a_hundred(page: PageContext, prediction: dict[str, Any], bins: Sequence[ReliabilityBin]) -> Markup:
    """A hundred dots, of which as many are filled as similar cases came true; if not confirmed, what was observed.

    `bins` are those of the reliability: a bin has passed if, for rows that the model
    had not seen, predicted and observed frequencies agree.
    """
    positive = page.schema.target.positive
    share = prediction["probabilities"][str(positive)]
    part = next((one for one in bins if share < one.high), bins[-1])
    words = {"label": page.class_label(positive), "target": page.target}
    if part.passed:
        count = round(share * 100)
        return _HTML.hundred(count, page.t("page.of_a_hundred", count=count, **words))
    text = page.t(
        "page.of_a_hundred_not",
        rows=part.rows,
        low=page.share(part.low, 0),
        high=page.share(part.high, 0),
        predicted=round(part.predicted * 100),
        observed=round(part.observed * 100),
        **words,
    )
    return _HTML.not_confirmed(text)
