"""What would have to change for another prediction: the smallest changes of the inputs that can be changed."""

from typing import Any

from markupsafe import Markup

from slipway.inference.counterfactual import changeable
from slipway.page.context import PageContext
from slipway.page.html import macros

SHARE = 0.1
"""By how much a number is to be lower, or higher."""
CLASSES = 2
"""So many other classes are looked for, the most probable ones."""
_HTML = macros("predict/changes.html")

Goal = tuple[str, Any]


def goals(page: PageContext, prediction: dict[str, Any]) -> list[Goal]:
    """The other predictions that are looked for: each in words, and as `POST /counterfactual` takes it."""
    target, now = page.schema.target, prediction["prediction"]
    if not target.classes:
        step = SHARE * (abs(now) or target.std or 1.0)
        return [
            (page.t("page.changes_at_most", amount=page.amount(now - step)), {"maximum": now - step}),
            (page.t("page.changes_at_least", amount=page.amount(now + step)), {"minimum": now + step}),
        ]
    shares = prediction["probabilities"] or {}
    others = [value for value in target.classes if value != now]
    likeliest = sorted(others, key=lambda value: -shares.get(str(value), 0.0))[:CLASSES]
    return [(page.t("page.changes_class", label=page.class_label(value)), value) for value in likeliest]


def render(page: PageContext, answers: list[tuple[str, dict[str, Any]]]) -> Markup:
    """The panel: for each goal in words the answer of `POST /counterfactual`."""
    rows = []
    for words, answer in answers:
        found = [_line(page, one) for one in answer["alternatives"]]
        nearest = None if found or not answer["closest"] else _line(page, answer["closest"])
        rows.append((words, found, nearest))
    names = page.t("text.comma").join(page.field_label(field) for field in changeable(page.schema))
    return _HTML.changes(page, rows, page.t("page.changes_note", fields=names))


def _line(page: PageContext, change: dict[str, Any]) -> tuple[str, str]:
    """The changes, `Smoker: Yes → No`, and the prediction with them, `4,200 US dollars`."""
    parts = []
    for one in change["changes"]:
        field = page.schema.by_name[one["field"]]
        before, after = (page.value_text(field, one[end]) for end in ("from", "to"))
        parts.append(page.t("page.changes_one", field=page.field_label(field), before=before, after=after))
    target, prediction = page.schema.target, change["prediction"]
    changed, named = page.t("text.comma").join(parts), prediction["prediction"]
    if not target.classes:
        return changed, page.amount(named)
    if not prediction["probabilities"]:
        return changed, page.class_label(named)
    share = page.percent(prediction["probabilities"][str(named)])
    return changed, page.t("page.changes_share", label=page.class_label(named), share=share)
