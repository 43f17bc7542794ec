"""Converters of the preprocessing steps; importing this package registers them all."""

from slipway.compile.steps import (  # noqa: F401
    bins,
    components,
    dates,
    encode,
    group,
    impute,
    iterative,
    polynomial,
    scale,
    select,
    shape,
)
