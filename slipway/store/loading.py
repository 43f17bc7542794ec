"""From a version in the store to what answers and explains."""

from slipway.inference.onnx_engine import CompiledEngine
from slipway.inference.predictor import Predictor
from slipway.inference.shapley import Explainer
from slipway.store.versions import Version


def load_predictor(version: Version) -> Predictor:
    """The predictor of a version that `find` has checked."""
    schema, interval = version.schema(), version.interval()
    if version.engine == "onnx":
        return Predictor(version.tag, schema, CompiledEngine.load(version.graph, schema), interval)
    # Only here: a server of a compiled version has neither PyCaret nor anything to unpickle.
    from slipway.inference.pipeline_engine import NativeEngine

    return Predictor(version.tag, schema, NativeEngine.load(version.pipeline, schema), interval)


def load_explainer(version: Version, predictor: Predictor) -> Explainer:
    """What explains the predictor's answers, with the version's own background rows."""
    return Explainer(predictor, version.background())
