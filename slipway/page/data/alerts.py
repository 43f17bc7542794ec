"""The alerts of the training table, in words, with what to do."""

from typing import Any

from markupsafe import Markup

from slipway.page.data.profile_view import ProfileView
from slipway.page.html import macros

SHOWN = 8
"""Alerts that are shown at once; others when asked for."""
NAMED = 3
"""Rare categories that are named."""
_HTML = macros("data/alerts.html")


def render(view: ProfileView) -> Markup:
    """The section, as HTML."""
    alerts = [_alert(view, alert) for alert in view.profile["alerts"]]
    return _HTML.alerts(view.page, alerts[:SHOWN], alerts[SHOWN:])


def _alert(view: ProfileView, alert: dict[str, Any]) -> Markup:
    """One alert: a text in which names are emphasised."""
    name = alert["field"]
    page = view.page
    values: dict[str, Any] = {"target": _HTML.strong(page.target), "field": _HTML.strong(view.name(name))}
    values |= {key: page.percent(alert[key]) for key in ("share", "largest") if key in alert}
    if "rows" in alert:
        values["rows"] = page.rows(alert["rows"])
    if "below" in alert:
        values["below"] = alert["below"]
    if "value" in alert:
        values["value"] = _HTML.strong(f"“{view.value(name, alert['value'])}”")
    if "values" in alert:
        values["values"] = _named(view, alert)
    if "other" in alert:
        values |= {
            "other": _HTML.strong(view.name(alert["other"])),
            "association": page.decimal(alert["association"], 2),
        }
    if "skewness" in alert:
        values["side"] = page.t("data.above" if alert["skewness"] > 0 else "data.under")
    return page.html(f"alert.{alert['kind']}", **values)


def _named(view: ProfileView, alert: dict[str, Any]) -> str:
    named = [f"“{view.value(alert['field'], value)}”" for value in alert["values"][:NAMED]]
    more = alert["count"] - len(named)
    return view.page.t("text.comma").join(named) + (view.page.t("data.and_more", count=more) if more else "")
