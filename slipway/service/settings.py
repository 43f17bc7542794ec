"""An operator's settings: each is an environment variable, read when a server starts."""

import os
import re

from slipway.errors import SlipwayError
from slipway.schema.fields import Field
from slipway.schema.schema import Schema
from slipway.tables.bounds import Bound, Bounds


def setting(variable: str, default: int) -> int:
    """An integer from the environment.

    Parameters
    ----------
    variable : str
    default : int

    Returns
    -------
    int

    Raises
    ------
    SlipwayError
        If the value is not a positive integer.
    """
    text = os.environ.get(variable, str(default))
    if not re.fullmatch(r"0*[1-9][0-9]{0,11}", text, re.ASCII):
        raise SlipwayError(f"{variable} is {text[:40]!r}; expected a whole number of at least 1")
    return int(text)


LEAST_VALUES = 500_000
"""What any JSON body may have of commas and brackets, however few the fields and records."""
TEXT_MARKS = 50
"""Commas that a free text may have on average."""


def _marks(field: Field) -> int:
    """The commas and brackets that a field may have in a record: one after it, and those in its text."""
    if field.kind == "text":
        return 1 + TEXT_MARKS
    return 1 + max((len(re.findall(r"[,{[]", str(value))) for value in field.categories), default=0)


class Limits:
    """The limits on one request; each is an environment variable."""

    def __init__(self) -> None:
        self.records = setting("SLIPWAY_MAX_RECORDS", 10_000)
        self.bytes = setting("SLIPWAY_MAX_MEGABYTES", 25) * 1024 * 1024
        self.rows = setting("SLIPWAY_MAX_ROWS", 200_000)
        self.reasons = setting("SLIPWAY_MAX_REASONS", 500)
        self.columns = setting("SLIPWAY_MAX_COLUMNS", 10_000)
        self.cells = setting("SLIPWAY_MAX_CELLS", 5_000_000)
        self.cell = setting("SLIPWAY_MAX_CELL_CHARACTERS", 1_000_000)
        self.unpacked = Bound(
            setting("SLIPWAY_MAX_UNPACKED_MEGABYTES", 100) * 1024 * 1024,
            "SLIPWAY_MAX_UNPACKED_MEGABYTES",
            "split the file",
        )
        self.answer = Bound(
            setting("SLIPWAY_MAX_ANSWER_MEGABYTES", 150) * 1024 * 1024, "SLIPWAY_MAX_ANSWER_MEGABYTES", "split the file"
        )

    def values(self, schema: Schema) -> int:
        """The commas and brackets allowed in a JSON body: twice those of the most records, as texts may hold some."""
        most = 2 + sum(map(_marks, schema.fields))
        return max(LEAST_VALUES, 2 * self.records * most)

    def file(self, reasons: bool) -> Bounds:
        """The limits on a CSV. With reasons it may have fewer rows, because each takes long."""
        rows = Bound(self.rows, "SLIPWAY_MAX_ROWS", "split it")
        if reasons and self.reasons < self.rows:
            remedy = "send it without `reasons`, or split it"
            rows = Bound(self.reasons, "SLIPWAY_MAX_REASONS", remedy, "with reasons ")
        return Bounds(
            rows,
            Bound(self.columns, "SLIPWAY_MAX_COLUMNS", "leave out columns that the model does not use"),
            Bound(self.cells, "SLIPWAY_MAX_CELLS", "split it, or leave out columns that the model does not use"),
            Bound(self.cell, "SLIPWAY_MAX_CELL_CHARACTERS", "shorten it; is a quote never closed?"),
            self.unpacked,
        )
