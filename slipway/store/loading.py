"""From a version in the store to its predictor and explainer."""

from slipway.inference.onnx_engine import CompiledEngine
from slipway.inference.predictor import Engine, Predictor
from slipway.inference.shapley import Explainer
from slipway.store.versions import Version


def load_predictor(version: Version) -> Predictor:
    """The predictor of a version.

    Parameters
    ----------
    version : Version
        As `find` returns it, its files checked.

    Returns
    -------
    Predictor

    Raises
    ------
    ModelIncompatibleError
        If its pipeline cannot be read with the installed packages.
    """
    schema = version.schema()
    if version.engine == "onnx":
        engine: Engine = CompiledEngine.load(version.graph, schema)
    else:
        # Only here: a server of a compiled version has neither PyCaret nor anything to unpickle.
        from slipway.inference.pipeline_engine import NativeEngine

        engine = NativeEngine.load(version.pipeline, schema)
    return Predictor(version.tag, schema, engine, version.interval(), version.support())


def load_explainer(version: Version, predictor: Predictor) -> Explainer:
    """The explainer of a version, with the version's own background rows.

    Parameters
    ----------
    version : Version
    predictor : Predictor
        Of the same version.

    Returns
    -------
    Explainer
    """
    return Explainer(predictor, version.background())
