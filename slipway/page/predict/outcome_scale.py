"""Where an answer stands: among the outcomes of training, or among a hundred cases alike."""

from bisect import bisect_right
from html import escape
from typing import Any

from slipway.i18n.formats import class_label, format_number
from slipway.i18n.texts import PAGE, translate
from slipway.schema.schema import Schema

WIDTH, HEIGHT, GROUND = 400.0, 66.0, 60.0


def scale(schema: Schema, prediction: dict[str, Any], outcomes: dict[str, Any], language: str) -> str:
    """The outcomes of training as a silhouette; on it the interval as a band and the prediction as a mark.

    `outcomes` is the `target` of the version's `profile.json`.
    """
    value, edges, counts = prediction["prediction"], outcomes["edges"], outcomes["counts"]
    around = prediction["interval"] or {"low": value, "high": value}
    low = float(min(edges[0], around["low"], value))
    high = float(max(edges[-1], around["high"], value))
    wide = high - low or 1.0
    top = max(counts) or 1

    def x(place: float) -> float:
        return (place - low) / wide * WIDTH

    bars = "".join(
        f'<rect x="{x(start):.1f}" width="{max(x(end) - x(start) - 1, 0.5):.1f}" '
        f'y="{GROUND - GROUND * count / top:.1f}" height="{GROUND * count / top:.1f}"/>'
        for start, end, count in zip(edges, edges[1:], counts, strict=False)
        if count
    )
    band = ""
    if prediction["interval"]:
        start, end = x(around["low"]), x(around["high"])
        band = (
            f'<rect class="slip-band-rect" x="{start:.1f}" width="{max(end - start, 1):.1f}" y="0" height="{GROUND}"/>'
        )
    decimals = 0 if wide >= 20 else schema.target.decimals
    text = translate(PAGE["standing"], language).format(share=_share_below(outcomes["percentiles"], value))
    return (
        f'<figure class="slip-standing"><svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(text)}">'
        f'<g class="slip-outcomes">{bars}</g>{band}'
        f'<line class="slip-mark" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="-4" y2="{GROUND + 6}"/>'
        f'<line class="slip-axis" x1="0" x2="{WIDTH:g}" y1="{GROUND}" y2="{GROUND}"/>'
        f'</svg><div class="slip-standing-ends" aria-hidden="true"><span>{format_number(low, decimals)}</span>'
        f"<span>{format_number(high, decimals)}</span></div><figcaption>{escape(text)}</figcaption></figure>"
    )


def _share_below(percentiles: list[float], value: float) -> int:
    """How many of a hundred outcomes of training lie below a value: 0 to 100."""
    return max(0, bisect_right(percentiles, value) - 1)


def of_a_hundred(schema: Schema, prediction: dict[str, Any], bins: list[dict[str, Any]], language: str) -> str:
    """A hundred dots, so many filled as cases like this one came true; where that was not confirmed, what was found.

    `bins` are the reliability's of `metrics.json`: a bin has passed if, of rows that the model
    had not seen, as many came true as it had said.
    """
    share = prediction["probabilities"][str(schema.target.positive)]
    found = next((one for one in bins if share < one["high"]), bins[-1])
    count = round(share * 100)
    words = {
        "label": class_label(schema, schema.target.positive, language),
        "target": translate(schema.target.label, language),
    }
    if not found["passed"]:
        text = translate(PAGE["of_a_hundred_not"], language).format(
            rows=f"{found['rows']:,}",
            low=f"{found['low']:.0%}",
            high=f"{found['high']:.0%}",
            predicted=round(found["predicted"] * 100),
            observed=round(found["observed"] * 100),
            **words,
        )
        return f'<p class="slip-hundred-not slip-small">{escape(text)}</p>'
    text = translate(PAGE["of_a_hundred"], language).format(count=count, **words)
    dots = "".join(f'<i class="{"slip-dot-on" if number < count else ""}"></i>' for number in range(100))
    return (
        f'<figure class="slip-hundred"><div class="slip-dots" aria-hidden="true">{dots}</div>'
        f"<figcaption>{escape(text)}</figcaption></figure>"
    )
