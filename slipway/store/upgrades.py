"""From format to format: what a file of a version held, as the next format holds it.

A version is never rewritten: its files go through these functions each time they are read. A
function is given what the file holds, and the folder for what another file knows. Versions that were
saved before format 1 was complete lack keys, and what their absence meant is said here and nowhere
else.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

Upgrade = Callable[[Any, Path], Any]


def _renamed(stored: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in stored.items()}


# 1 → 2: names after the glossary; a missing value is `missing`, no `value` that is null.


def _schema_2(stored: dict[str, Any], folder: Path) -> dict[str, Any]:
    # Versions from before the key was there were fitted on "" and a missing text as one value.
    names = {"low": "observed_min", "high": "observed_max"}
    return {
        "empty_is_missing": True,
        **stored,
        "fields": [_renamed(field, names) for field in stored["fields"]],
        "target": _renamed(stored["target"], {"spread": "std"}),
        "texts": {name: text for name, text in stored["texts"].items() if text is not None},
    }


def _golden_2(stored: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Warnings were kept and never compared."""
    kept = ("prediction", "probabilities", "interval")
    predictions = [{key: one[key] for key in kept if key in one} for one in stored["predictions"]]
    return {"records": stored["records"], "predictions": predictions}


def _metrics_2(stored: dict[str, Any], folder: Path) -> dict[str, Any]:
    upgraded = _renamed(stored, {"kept_rows": "training_rows_kept"})
    # Versions before `chosen` was kept all served the best of those that were tried.
    upgraded.setdefault("chosen", _best(folder))
    # Those that do not say their threshold have PyCaret's averages for two classes.
    upgraded["averaged"] = "threshold" not in stored
    upgraded["reading"] = [
        {"kind": note["kind"], "field": note["field"]}
        | {"values": {key: value for key, value in note.items() if key not in ("kind", "field")}}
        for note in stored.get("reading", ())
    ]
    if brier := stored.get("calibration", {}).get("brier"):
        names = {"before": "uncalibrated", "after": "served"}
        upgraded["calibration"] = stored["calibration"] | {"brier": _renamed(brier, names)}
    if "reliability" in stored:
        upgraded["reliability"] = stored["reliability"]["bins"]
    if "thresholds" in stored:
        names = {"found": "true_positives", "alarms": "false_positives"}
        upgraded["thresholds"] = _renamed(stored["thresholds"], names)
    return upgraded


def _best(folder: Path) -> str | None:
    with (folder / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        return next((row["id"] for row in csv.DictReader(file)), None)


def _figures_2(stored: dict[str, Any], folder: Path) -> dict[str, Any]:
    upgraded = _renamed(stored, {"boxes": "prediction_quantiles"})
    groups = stored["groups"]
    upgraded["groups"] = {
        "whole": _group_2(groups["whole"]),
        "fields": [item | {"groups": [_group_2(group) for group in item["groups"]]} for item in groups["fields"]],
    }
    if "roc" in stored:
        upgraded["roc"] = [_renamed(curve, {"class": "positive"}) for curve in stored["roc"]]
    if "reliability" in stored:
        upgraded["reliability"] = _renamed(stored["reliability"], {"before": "uncalibrated"})
    return upgraded


def _group_2(group: dict[str, Any]) -> dict[str, Any]:
    group = _renamed(group, {"right": "accuracy"})
    if "worse" in group:
        group["worse"] = ["accuracy" if name == "right" else name for name in group["worse"]]
    return group


def _profile_2(stored: dict[str, Any], folder: Path) -> dict[str, Any]:
    return stored | {
        "fields": {
            name: field | {"relation": [_part_2(part) for part in field["relation"]]}
            for name, field in stored["fields"].items()
        }
    }


def _part_2(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("value", "") is not None:
        return part
    return {key: value for key, value in part.items() if key != "value"} | {"missing": True}


# 2 → 3: why a column was left out is a code with values, no English text.


def _metrics_3(stored: dict[str, Any], folder: Path) -> dict[str, Any]:
    left_out = stored.get("left_out", {})
    return stored | {
        "left_out": {name: {"reason": "other", "values": {"text": text}} for name, text in left_out.items()}
    }


UPGRADES: dict[int, dict[str, Upgrade]] = {
    1: {
        "schema.json": _schema_2,
        "golden.json": _golden_2,
        "metrics.json": _metrics_2,
        "figures.json": _figures_2,
        "profile.json": _profile_2,
    },
    2: {
        "metrics.json": _metrics_3,
    },
}
"""Format → file → what makes its content one of the next format; a file that is not named stays as it is."""
