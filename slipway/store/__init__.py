"""Versions of a model in the BentoML model store: find, read, save and list them."""

from slipway.store.checksums import SUMS, by_name, sums
from slipway.store.compatible import check_compatible
from slipway.store.listing import Listed, listing, versions
from slipway.store.loading import BACKGROUND, INTERVAL, load_explainer, load_predictor, read_interval
from slipway.store.versions import GRAPH, PIPELINE, Version, find
from slipway.store.writer import save

__all__ = [
    "BACKGROUND",
    "INTERVAL",
    "load_explainer",
    "load_predictor",
    "read_interval",
    "GRAPH",
    "PIPELINE",
    "SUMS",
    "Listed",
    "Version",
    "by_name",
    "check_compatible",
    "find",
    "listing",
    "save",
    "sums",
    "versions",
]
