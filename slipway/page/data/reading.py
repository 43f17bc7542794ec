"""How each column of the training table was read: the table of the same name, and what was decided."""

from dataclasses import dataclass

from markupsafe import Markup

from slipway.i18n import reading
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.schema.report import ColumnReport

SHOWN = 30
"""Columns that are shown at once; others when asked for."""
MOST = 1000
"""Columns that are shown at all: a browser takes long for more."""
_HTML = macros("data/reading.html")


@dataclass(frozen=True)
class Line:
    """A line of the table, as texts."""

    name: str
    role: str
    read_as: str
    examples: list[str]
    pairs: bool
    missing: str
    remarks: list[str]
    options: str


def render(page: PageContext) -> Markup:
    """What the part says, as HTML; for a version of before there was a report, with a sentence that says so."""
    report, notes = page.reading, page.metrics.reading
    around = reading.of_the_file(notes, report, page.language)
    if report is None:
        return _HTML.nothing(page, around)
    columns = [*report.columns, *([report.target_column] if report.target_column else [])][:MOST]
    lines = [_line(page, column, column is report.target_column) for column in columns]
    return _HTML.reading(page, around, len(lines), lines[:SHOWN], lines[SHOWN:])


def _line(page: PageContext, column: ColumnReport, is_target: bool) -> Line:
    share = f" ({page.percent(column.missing / page.reading.rows)})" if page.reading and column.missing else ""
    found = reading.examples(column, page.language)
    return Line(
        name=column.name,
        role=page.t("read.target") if is_target else "",
        read_as=reading.read_as(column, page.language),
        examples=found,
        pairs=bool(column.values) and found != list(column.examples),
        missing=page.whole(column.missing) + share,
        remarks=reading.remarks(column, page.metrics.reading, page.language),
        options=page.t("text.or").join(column.options),
    )
