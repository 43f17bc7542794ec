"""What stands out in the training table, in words, with what to do."""

from typing import Any

from markupsafe import Markup

from slipway.page.data.profile_view import ProfileView
from slipway.page.html import macros
from slipway.schema.profile import Alert

SHOWN = 8
"""Alerts that are shown at once; others when asked for."""
NAMED = 3
"""Rare categories that are named."""
_HTML = macros("data/alerts.html")


def render(view: ProfileView) -> Markup:
    """The section, as HTML."""
    alerts = [_alert(view, alert) for alert in view.profile.alerts]
    return _HTML.alerts(view.page, alerts[:SHOWN], alerts[SHOWN:])


def _alert(view: ProfileView, alert: Alert) -> Markup:
    """One alert: a text with names that stand out in it."""
    name, page = alert.field, view.page
    values: dict[str, Any] = {"target": _HTML.strong(page.target), "field": _HTML.strong(view.name(name))}
    shares = {"share": alert.share, "largest": alert.largest}
    values |= {key: page.percent(share) for key, share in shares.items() if share is not None}
    if alert.rows is not None:
        values["rows"] = page.rows(alert.rows)
    if alert.below is not None:
        values["below"] = alert.below
    if alert.value is not None:
        values["value"] = _HTML.strong(f"“{view.value(name, alert.value)}”")
    if alert.values:
        values["values"] = _named(view, alert)
    if alert.other is not None:
        values |= {
            "other": _HTML.strong(view.name(alert.other)),
            "association": page.decimal(alert.association or 0.0, 2),
        }
    if alert.skewness is not None:
        values["side"] = page.t("data.above" if alert.skewness > 0 else "data.under")
    return page.html(f"alert.{alert.kind}", **values)


def _named(view: ProfileView, alert: Alert) -> str:
    named = [f"“{view.value(alert.field, value)}”" for value in alert.values[:NAMED]]
    more = (alert.count or 0) - len(named)
    return view.page.t("text.comma").join(named) + (view.page.t("data.and_more", count=more) if more else "")
