"""The error that compiling can raise."""

from slipway.errors import SlipwayError


class CannotCompileError(SlipwayError):
    """A step or estimator for which there is no exact graph; the text says which and why."""
