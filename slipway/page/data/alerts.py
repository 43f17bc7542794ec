"""What stands out in the training table, in words, with what to do."""

from html import escape
from typing import Any

from slipway.i18n.formats import percent
from slipway.i18n.texts import DATA, translate
from slipway.page.data.summaries import Summaries

SHOWN = 8
"""Alerts that are shown at once; others when asked for."""
NAMED = 3
"""Rare categories that are named."""


def render(found: Summaries) -> str:
    """The section, as HTML."""
    items = [f"<li>{_alert(found, alert)}</li>" for alert in found.profile["alerts"]]
    first, rest = items[:SHOWN], items[SHOWN:]
    body = f"<ul>{''.join(first)}</ul>" if items else f"<p>{escape(found.t('alerts_none'))}</p>"
    if rest:
        summary = escape(found.t("more", count=len(rest)))
        body += f"<details><summary>{summary}</summary><ul>{''.join(rest)}</ul></details>"
    return f'<div class="slip-alerts"><h2>{escape(found.t("alerts"))}</h2>{body}</div>'


def _alert(found: Summaries, alert: dict[str, Any]) -> str:
    """One alert as HTML: the text is escaped first, then filled with what is escaped already."""
    name = alert["field"]
    values = {"target": _strong(found.target), "field": _strong(found.name(name))}
    values |= {key: percent(alert[key]) for key in ("share", "largest") if key in alert}
    values |= {key: f"{alert[key]:,}" for key in ("rows", "below") if key in alert}
    if "value" in alert:
        values["value"] = _strong(f"“{found.value(name, alert['value'])}”")
    if "values" in alert:
        values["values"] = _named(found, alert)
    if "other" in alert:
        values |= {"other": _strong(found.name(alert["other"])), "association": f"{alert['association']:.2f}"}
    if "skewness" in alert:
        values["side"] = escape(found.t("above" if alert["skewness"] > 0 else "under"))
    return escape(translate(DATA[f"alert_{alert['kind']}"], found.language)).format(**values)


def _strong(text: str) -> str:
    return f"<b>{escape(text)}</b>"


def _named(found: Summaries, alert: dict[str, Any]) -> str:
    named = [f"“{found.value(alert['field'], value)}”" for value in alert["values"][:NAMED]]
    text = found.t("comma").join(named)
    more = alert["count"] - len(named)
    return escape(text + (found.t("and_more", count=more) if more else ""))
