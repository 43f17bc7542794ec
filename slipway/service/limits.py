"""The limits on one request, from the operator's settings."""

import re

from slipway.schema.fields import Field
from slipway.schema.schema import Schema
from slipway.service.settings import Settings
from slipway.tables.bounds import Bound, Bounds

LEAST_VALUES = 500_000
"""What any JSON body may have of commas and brackets, however few the fields and records."""
TEXT_MARKS = 50
"""Commas that a free text may have on average."""


def _marks(item: Field) -> int:
    """The commas and brackets that a field may have in a record: one after it, and those in its text."""
    if item.kind == "text":
        return 1 + TEXT_MARKS
    return 1 + max((len(re.findall(r"[,{[]", str(value))) for value in item.categories), default=0)


SLOWER = 40
"""How many times as long a reason takes where mixed rows are predicted for it."""


class Limits:
    """The limits on one request.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self.records = settings.max_records
        self.bytes = settings.max_megabytes * 1024 * 1024
        self.rows = settings.max_rows
        self.reasons = settings.max_reasons
        self.columns = settings.max_columns
        self.cells = settings.max_cells
        self.cell = settings.max_cell_characters
        unpacked, answer = settings.max_unpacked_megabytes, settings.max_answer_megabytes
        self.unpacked = Bound(unpacked * 1024 * 1024, "SLIPWAY_MAX_UNPACKED_MEGABYTES", "split the file")
        self.answer = Bound(answer * 1024 * 1024, "SLIPWAY_MAX_ANSWER_MEGABYTES", "split the file")

    def values(self, schema: Schema) -> int:
        """The commas and brackets allowed in a JSON body: twice those of the most records, as texts may hold some."""
        most = 2 + sum(map(_marks, schema.fields))
        return max(LEAST_VALUES, 2 * self.records * most)

    def most_reasons(self, fast: bool) -> int:
        """Rows of a file with reasons; `fast` says whether one takes milliseconds (`Explainer.is_fast`)."""
        return self.reasons if fast else max(1, self.reasons // SLOWER)

    def file(self, most_reasons: int | None = None) -> Bounds:
        """The limits on a CSV. With reasons it may have fewer rows, because each takes long."""
        rows = Bound(self.rows, "SLIPWAY_MAX_ROWS", "split it")
        if most_reasons is not None and most_reasons < self.rows:
            remedy = "send it without `reasons`, or split it"
            name = "SLIPWAY_MAX_REASONS" if most_reasons == self.reasons else f"SLIPWAY_MAX_REASONS / {SLOWER}"
            rows = Bound(most_reasons, name, remedy, "with reasons ")
        return Bounds(
            rows,
            Bound(self.columns, "SLIPWAY_MAX_COLUMNS", "leave out columns that the model does not use"),
            Bound(self.cells, "SLIPWAY_MAX_CELLS", "split it, or leave out columns that the model does not use"),
            Bound(self.cell, "SLIPWAY_MAX_CELL_CHARACTERS", "shorten it; is a quote never closed?"),
            self.unpacked,
        )
