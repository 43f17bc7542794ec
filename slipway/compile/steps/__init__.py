"""Converters of the preprocessing steps; importing this registers them all."""

from slipway.compile.steps import encode, impute, scale  # noqa: F401
