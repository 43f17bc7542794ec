"""For the page and the card until they read the typed files: these as the dicts of format 1."""

from typing import Any

from slipway.schema.figures import Figures, Group
from slipway.schema.metrics import Metrics
from slipway.schema.profile import Profile
from slipway.store.artifacts import to_json


def metrics(found: Metrics) -> dict[str, Any]:
    stored = to_json(found)
    stored["kept_rows"] = stored.pop("training_rows_kept", None)
    stored["reading"] = [{"kind": one.kind, "field": one.field, **one.values} for one in found.reading]
    if found.training_rows_kept is None:
        del stored["kept_rows"]
    stored.setdefault("chosen", None)
    if not found.averaged:
        stored.setdefault("threshold", None)
    if found.calibration:
        stored["calibration"].setdefault("method", None)
        if found.calibration.brier:
            brier = found.calibration.brier
            stored["calibration"]["brier"] = {"before": brier.uncalibrated, "after": brier.served}
    stored["reliability"] = {"bins": stored.get("reliability", [])}
    for one in stored["reliability"]["bins"]:
        one.setdefault("passed", False)
    if found.thresholds:
        names = {"true_positives": "found", "false_positives": "alarms"}
        stored["thresholds"] = {names.get(key, key): value for key, value in stored["thresholds"].items()}
    return dict(stored)


def figures(found: Figures) -> dict[str, Any]:
    stored = to_json(found)
    if found.prediction_quantiles:
        stored["boxes"] = stored.pop("prediction_quantiles")
    stored["groups"] = {
        "whole": _group(found.groups.whole),
        "fields": [{"field": one.field, "groups": list(map(_group, one.groups))} for one in found.groups.fields],
    }
    if found.roc:
        stored["roc"] = [{"class": one.positive, "points": one.points} for one in found.roc]
    if found.reliability and found.reliability.uncalibrated:
        stored["reliability"]["before"] = stored["reliability"].pop("uncalibrated")
    return dict(stored)


def _group(found: Group) -> dict[str, Any]:
    stored = to_json(found)
    if "accuracy" in stored:
        stored["right"] = stored.pop("accuracy")
    if found.worse:
        stored["worse"] = ["right" if name == "accuracy" else name for name in found.worse]
    return dict(stored)


def profile(found: Profile) -> dict[str, Any]:
    stored = to_json(found)
    for field in stored["fields"].values():
        field["relation"] = [
            {"value": None, "rows": one["rows"], **one} if one.pop("missing", False) else one
            for one in field["relation"]
        ]
    return dict(stored)
