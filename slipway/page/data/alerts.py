"""What stands out in the training table, in words, with what to do."""

from typing import Any

from markupsafe import Markup

from slipway.i18n.formats import percent
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
    """One alert: a text with names that stand out in it."""
    name = alert["field"]
    values: dict[str, str] = {"target": _HTML.strong(view.page.target), "field": _HTML.strong(view.name(name))}
    values |= {key: percent(alert[key]) for key in ("share", "largest") if key in alert}
    values |= {key: f"{alert[key]:,}" for key in ("rows", "below") if key in alert}
    if "value" in alert:
        values["value"] = _HTML.strong(f"“{view.value(name, alert['value'])}”")
    if "values" in alert:
        values["values"] = _named(view, alert)
    if "other" in alert:
        values |= {"other": _HTML.strong(view.name(alert["other"])), "association": f"{alert['association']:.2f}"}
    if "skewness" in alert:
        values["side"] = view.page.t("data.above" if alert["skewness"] > 0 else "data.under")
    return view.page.html(f"data.alert_{alert['kind']}", **values)


def _named(view: ProfileView, alert: dict[str, Any]) -> str:
    named = [f"“{view.value(alert['field'], value)}”" for value in alert["values"][:NAMED]]
    more = alert["count"] - len(named)
    return view.page.t("data.comma").join(named) + (view.page.t("data.and_more", count=more) if more else "")
