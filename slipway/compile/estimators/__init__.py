"""Converters of the estimators; importing this package registers them all."""

from slipway.compile.estimators import (  # noqa: F401
    adaboost,
    catboost,
    dummy,
    gaussian,
    kernels,
    lightgbm,
    linear,
    neighbors,
    neural,
    svm,
    trees,
    wrappers,
    xgboost,
)
