"""What compiling can end with."""

from slipway.errors import SlipwayError


class CannotCompileError(SlipwayError):
    """A step or an estimator for which the compiler has no exact graph; the text says which and why."""
