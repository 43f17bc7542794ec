"""From a version in the store to its predictor and explainer."""

from slipway.inference.interval import Interval
from slipway.inference.onnx_engine import CompiledEngine
from slipway.inference.predictor import Predictor
from slipway.inference.shapley import Explainer, read_background
from slipway.store.versions import Version

INTERVAL = "uncertainty.json"
BACKGROUND = "background.csv"


def load_predictor(version: Version) -> Predictor:
    """The predictor of a version that `find` has checked."""
    schema, interval = version.schema(), read_interval(version)
    if version.engine == "onnx":
        return Predictor(version.tag, schema, CompiledEngine.load(version.graph, schema), interval)
    # Only here: a server of a compiled version has neither PyCaret nor anything to unpickle.
    from slipway.inference.pipeline_engine import NativeEngine

    return Predictor(version.tag, schema, NativeEngine.load(version.pipeline, schema), interval)


def load_explainer(version: Version, predictor: Predictor) -> Explainer:
    """What explains the predictor's answers, with the version's own background rows."""
    return Explainer(predictor, read_background(version.path / BACKGROUND, predictor.schema.fields))


def read_interval(version: Version) -> Interval | None:
    """The interval around the version's predictions; none for classes and where there were too few rows."""
    stored = version.find_json(INTERVAL)
    return Interval.from_json(stored) if stored else None
