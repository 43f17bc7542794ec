"""Converters of the estimators; importing this registers them all."""

from slipway.compile.estimators import dummy, gaussian, kernels, lightgbm, linear, neural, trees, vectors  # noqa: F401
