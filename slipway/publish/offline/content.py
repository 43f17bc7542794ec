"""What an exported page knows of a version: the schema and its texts, how answers are made, the golden predictions, the graph."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import onnx

from slipway.i18n.catalogues import catalogue, languages
from slipway.inference.decision import decide
from slipway.inference.equality import Answers
from slipway.inference.golden import Golden
from slipway.inference.onnx_engine import MISSING_KEY
from slipway.inference.shapley_methods import EXACT_FIELDS, Sampled
from slipway.publish.offline.graph import portable
from slipway.publish.offline.packing import Packer
from slipway.schema.arrays import Columns
from slipway.schema.cells import key
from slipway.schema.metrics import FEW
from slipway.schema.schema import Schema
from slipway.store import Version

_TEXTS = ("text", "page", "form", "expected", "ranges", "offline")
"""The sections of the catalogues that the page's scripts use."""
_LEFT_OUT = ("dtype", "column", "private", "changeable", "monotone", "format")
"""Attributes of a field that only training and serving need."""


def content(version: Version, with_rows: bool = True) -> str:
    """All that the scripts of the page read, as a text that stands in an element of it.

    Parameters
    ----------
    version : Version
        A compiled one.
    with_rows : bool, default=True
        Whether the rows that explanations compare with are part of it; without them there are no explanations.

    Raises
    ------
    UnsupportedGraphError
        If the page cannot evaluate the graph.
    ModelDamagedError
    """
    model, schema, packer = onnx.load_from_string(version.graph.read_bytes()), version.schema(), Packer()
    properties = {one.key: one.value for one in model.metadata_props}
    interval, support, metrics = version.interval(), version.support(), version.metrics()
    found: dict[str, Any] = {
        "tag": version.tag,
        "estimator": version.summary.estimator,
        "trained": version.created.date().isoformat(),
        "languages": {language: _texts(language) for language in languages()},
        "fields": [_field(schema, name) for name in schema.names],
        "target": asdict(schema.target) | {"threshold": schema.target.decision_threshold},
        "keys": [str(value) for value in schema.target.classes],
        "positive": schema.target.classes.index(schema.target.positive) if len(schema.target.classes) == 2 else None,
        "texts": asdict(schema.texts),
        "example": schema.example(),
        "missing": properties.get(MISSING_KEY, ""),
        "interval": interval and _with_keys(asdict(interval), schema),
        "support": support and _with_keys(asdict(support), schema),
        "similar_fields": metrics.support and metrics.support.fields,
        "few": FEW,
        "golden": _golden(version.golden(), schema),
        "background": _rows(version.background()) if with_rows else None,
        "orders": _orders(version.background()) if with_rows else None,
        "graph": portable(model, packer),
    }
    return packer.text(found)


def _texts(language: str) -> dict[str, Any]:
    known = catalogue(language)
    texts = {key: text for section in _TEXTS for key, text in known.section(section).items()}
    return {"code": language, "tag": known.tag, "name": known.name, "texts": texts}


def _field(schema: Schema, name: str) -> dict[str, Any]:
    field = schema.by_name[name]
    kept = {name: value for name, value in asdict(field).items() if name not in _LEFT_OUT}
    return kept | {"keys": [str(value) for value in field.categories], "is_text": field.is_text}


def _with_keys(part: Any, schema: Schema) -> Any:
    """The same with the texts of the values of each term, which JavaScript would write in another way."""
    if isinstance(part, Mapping):
        found = {name: _with_keys(value, schema) for name, value in part.items()}
        if found.get("field") is not None and found.get("values") is not None:
            is_text = schema.by_name[found["field"]].is_text
            found["keys"] = [key(value, is_text) for value in found["values"]]
        return found
    if isinstance(part, (list, tuple)):
        return [_with_keys(value, schema) for value in part]
    return part


def _golden(golden: Golden, schema: Schema) -> list[dict[str, Any]]:
    """The golden predictions, classes as positions: decided from the stored probabilities, as older versions stored the most probable class."""
    target = schema.target
    saved = [{"prediction": one.prediction, "probabilities": one.probabilities} for one in golden.predictions]
    wanted = decide(Answers.of(saved, target), target)
    shares = [None] * len(saved) if wanted.probabilities is None else wanted.probabilities.tolist()
    return [
        {
            "record": record,
            "prediction": value,
            "probabilities": share,
            "interval": one.interval and [one.interval.low, one.interval.high],
        }
        for record, one, value, share in zip(
            golden.records, golden.predictions, wanted.values.tolist(), shares, strict=True
        )
    ]


def _rows(background: Columns) -> list[list[Any]]:
    """The columns of the background; a missing number is null, as JSON has no NaN."""
    return [
        [None if value is None or value != value else value for value in column.tolist()]
        for column in background.values()
    ]


def _orders(background: Columns) -> list[list[Any]] | None:
    """Pairs of a background row and an order of the fields, where there are too many fields for all subsets: those of the server."""
    if len(background) <= EXACT_FIELDS:
        return None
    sampled = Sampled(len(background), len(next(iter(background.values()))))
    return [[row, order.tolist()] for row, order in sampled.orders]
