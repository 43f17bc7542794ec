"""Why: the contribution of each field to one prediction, from the training average to the answer, largest first."""

from typing import Any

from markupsafe import Markup

from slipway.page.context import PageContext
from slipway.page.html import macros

SMALL = 0.01
"""Contributions below this share of the largest stand together as one."""
MOST = 12
"""Nor are more than these named: `/explain` has them all."""
_HTML = macros("predict/why.html")


def render(page: PageContext, explained: dict[str, Any]) -> Markup:
    """The waterfall, as HTML.

    Parameters
    ----------
    page : PageContext
    explained : dict
        As `Explainer.explain` returns it.

    Returns
    -------
    Markup
    """
    steps = _steps(page, explained)
    decimals = page.effect_decimals([share for _, share in steps])
    ends = [explained["base"]]
    for _, share in steps:
        ends.append(ends[-1] + share)
    low, span = min(ends), max(ends) - min(ends) or 1.0
    rows = [
        {
            "label": label,
            "amount": _signed(page, share, decimals),
            "left": (min(start, end) - low) / span * 100,
            "width": max(abs(share) / span * 100, 0.4),
            "is_up": share >= 0,
        }
        for (label, share), start, end in zip(steps, ends, ends[1:], strict=False)
    ]
    marks = {name: (explained[name] - low) / span * 100 for name in ("base", "prediction")}
    words = {name: _amount(page, explained[name], decimals) for name in ("base", "prediction")}
    if "class" in explained:
        lead = page.t("page.why_class", **{"class": page.class_label(explained["class"])})
    else:
        lead = page.t("page.why_number", unit=page.unit_in_brackets)
    return _HTML.why(page, lead, rows, words, marks)


def nothing(page: PageContext) -> Markup:
    """In place of the waterfall while there is no answer to explain."""
    return _HTML.nothing(page)


def _steps(page: PageContext, explained: dict[str, Any]) -> list[tuple[str, float]]:
    """Label and contribution of each field, largest first; tiny ones, and those beyond `MOST`, are summed last."""
    ranked = sorted(explained["contributions"], key=lambda one: -abs(one["contribution"]))
    least = SMALL * abs(ranked[0]["contribution"])
    kept = [one for one in ranked if abs(one["contribution"]) > least][:MOST]
    if len(kept) == len(ranked) - 1:  # one alone can as well be named
        kept = ranked
    steps = []
    for one in kept:
        field = page.schema.by_name[one["field"]]
        label = page.term(page.text(field.label), page.value_text(field, one["value"]))
        steps.append((label, one["contribution"]))
    rest = ranked[len(kept) :]
    if rest:
        steps.append((page.t("page.why_rest", count=len(rest)), sum(one["contribution"] for one in rest)))
    return steps


def _amount(page: PageContext, value: float, decimals: int) -> str:
    return page.percent(value) if page.schema.target.classes else page.number(value, decimals)


def _signed(page: PageContext, value: float, decimals: int) -> str:
    text = page.decimal(abs(value) * 100, 1) if page.schema.target.classes else page.number(abs(value), decimals)
    return f"{'+' if value >= 0 else '−'}{text}"
