"""Converters of the estimators; importing this registers them all."""

from slipway.compile.estimators import lightgbm, linear, trees  # noqa: F401
