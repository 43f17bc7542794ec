"""How the columns of a table were read, in words: for the output of training, the model card and the Data tab."""

from collections.abc import Sequence
from itertools import groupby, zip_longest

from slipway.i18n import sentences
from slipway.i18n.catalogues import catalogue
from slipway.i18n.formats import format_value
from slipway.schema.metrics import ReadingNote
from slipway.schema.report import ColumnReport, OddCell, TableReport, Value

_PARTS = {
    "%d": "DD",
    "%m": "MM",
    "%Y": "YYYY",
    "%y": "YY",
    "%b": "MMM",
    "%B": "MMMM",
    "%H": "hh",
    "%I": "hh",
    "%M": "mm",
}
"""Parts of a date as spreadsheets call them."""
_ALERTS = ("leak", "target_copy")
"""Notes that the Data tab has among what stands out."""


def date_pattern(pattern: str) -> str:
    """How dates are written, as spreadsheets have it: `DD.MM.YYYY` for `%d.%m.%Y`."""
    for part, letters in _PARTS.items():
        pattern = pattern.replace(part, letters)
    return pattern.replace("%S", "ss").replace("%p", "AM/PM")


def format_words(column: ColumnReport, language: str) -> str:
    """How the cells of a column are written: `decimal comma, in €`; empty where that is plain."""
    t = catalogue(language).text
    parts = [date_pattern(column.pattern)] if column.pattern else []
    if column.decimal:
        parts.append(t("read.decimal_comma" if column.decimal == "," else "read.decimal_point"))
    if column.unit:
        parts.append(t("read.unit", unit=column.unit))
    return t("text.comma").join(parts)


def read_as(column: ColumnReport, language: str) -> str:
    """The kind of a column and how its cells are written: `number, decimal comma, in €`, or `left out`."""
    t = catalogue(language).text
    if column.kind is None:
        return t("read.left_out")
    words = [t(f"kinds.{column.kind}"), format_words(column, language)]
    if column.different and column.kind == "category":
        words.append(t("read.different", count=column.different))
    return t("text.comma").join(filter(None, words))


def examples(column: ColumnReport, language: str) -> list[str]:
    """The example cells of a column, each with its value where that is written in another way: `1.234,5 € = 1,234.5`."""
    found = []
    for cell, value in zip_longest(column.examples, column.values[: len(column.examples)]):
        text = "" if value is None else _value(column, value, language)
        plain = value is None or cell in (text, str(value), f"{value:g}" if isinstance(value, float) else text)
        found.append(cell if plain else catalogue(language).text("read.value", cell=cell, value=text))
    return found


def _value(column: ColumnReport, value: Value, language: str) -> str:
    """A value that a cell was read as; dates as ISO has them, which nobody can mistake."""
    if column.kind == "datetime":
        return str(value).replace("T", " ").removesuffix(":00")
    return format_value(value, language)


def odd_cells(column: ColumnReport, language: str) -> str:
    """The odd cells of a column with their lines: `“n/a” (lines 21, 45)`; empty if there are none."""
    t = catalogue(language).text
    found = []
    for value, cells in groupby(sorted(column.odd, key=_by_value(column.odd)), key=lambda cell: cell.value):
        lines = [str(cell.line) for cell in cells if cell.line is not None]
        listed = t("text.comma").join(lines)
        found.append(t("read.odd_lines", cell=value, lines=listed) if lines else t("read.odd", cell=value))
    text = t("text.comma").join(found)
    more = column.odd_total - len(column.odd)
    return text + (t("read.and_more", count=more) if more > 0 else "")


def _by_value(odd: Sequence[OddCell]):  # type: ignore[no-untyped-def]
    order = {value: place for place, value in enumerate(dict.fromkeys(cell.value for cell in odd))}
    return lambda cell: order[cell.value]


def remarks(column: ColumnReport, notes: Sequence[ReadingNote], language: str) -> list[str]:
    """What was decided of a column, in sentences: why it is left out, each decision, odd cells.

    Parameters
    ----------
    column : ColumnReport
    notes : sequence of ReadingNote
        On the table.
    language : str

    Returns
    -------
    list of str
    """
    t = catalogue(language).text
    found = []
    if column.left_out:
        found.append(t("read.why", field=column.name, reason=sentences.left_out(column.left_out, language)))
    own = [note for note in notes if note.field == column.name and note.kind not in _ALERTS]
    found += [sentences.note(note, language) for note in own]
    if any(cell.line is not None for cell in column.odd):
        found.append(t("text.term", term=t("read.lines"), value=odd_cells(column, language)))
    return found


def of_the_file(notes: Sequence[ReadingNote], report: TableReport | None, language: str) -> list[str]:
    """The notes that are about no column of the report."""
    columns = report.columns if report else ()
    names = {column.name for column in columns}
    if report and report.target:
        names.add(report.target)
    return [sentences.note(note, language) for note in notes if note.field not in names and note.kind not in _ALERTS]
