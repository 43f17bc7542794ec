"""Versions of a model in the BentoML model store: find, read, save and list them."""

from slipway.store.artifacts import FORMAT, GRAPH, PIPELINE
from slipway.store.background import read_background, write_background
from slipway.store.checksums import SUMS, by_name, sums
from slipway.store.compatible import check_compatible
from slipway.store.listing import Listed, list_models, list_versions
from slipway.store.loading import load_explainer, load_predictor
from slipway.store.summary import Summary
from slipway.store.versions import Version, find
from slipway.store.writer import save

__all__ = [
    "FORMAT",
    "GRAPH",
    "PIPELINE",
    "SUMS",
    "Listed",
    "Summary",
    "Version",
    "by_name",
    "check_compatible",
    "find",
    "list_models",
    "list_versions",
    "load_explainer",
    "load_predictor",
    "read_background",
    "save",
    "sums",
    "write_background",
]
