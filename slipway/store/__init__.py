"""Versions of a model in the BentoML model store: find, read, save and list them."""

from slipway.store.artifacts import FORMAT, GRAPH, PIPELINE
from slipway.store.background import read_background, write_background
from slipway.store.checksums import SUMS, by_name, sums
from slipway.store.compatible import check_compatible
from slipway.store.history import HISTORY, Entry, History, read_history
from slipway.store.listing import Listed, list_models, list_versions
from slipway.store.loading import load_explainer, load_predictor
from slipway.store.promotion import Change, in_use, promote, retire, roll_back
from slipway.store.summary import Summary
from slipway.store.versions import Version, find, find_any, open_version
from slipway.store.writer import save

__all__ = [
    "FORMAT",
    "GRAPH",
    "HISTORY",
    "PIPELINE",
    "SUMS",
    "Change",
    "Entry",
    "History",
    "Listed",
    "Summary",
    "Version",
    "by_name",
    "check_compatible",
    "find",
    "find_any",
    "in_use",
    "list_models",
    "list_versions",
    "load_explainer",
    "load_predictor",
    "open_version",
    "promote",
    "read_background",
    "read_history",
    "retire",
    "roll_back",
    "save",
    "sums",
    "write_background",
]
