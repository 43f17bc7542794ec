"""Parts of text files, scored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from slipway.inference.predictor import Predictor
from slipway.inference.table import BLOCK_ROWS
from slipway.schema.schema import Schema
from slipway.schema.table import DecimalMarks, TableChecker, marks_of_cells, undecided_marks
from slipway.scoring.reasons import Reasons
from slipway.scoring.rows import FaultyCell, Scored, faulty_cells, score_rows
from slipway.tables.cells import TextTable
from slipway.tables.decimal_marks import DecimalMarkSamples
from slipway.tables.delimited import DelimitedFile, TextForm, TextPart
from slipway.tables.plain_rows import PlainRows
from slipway.tables.writers import Column, TextWriter


@dataclass(frozen=True)
class TextSource:
    """What is known of a text file before its rows are scored."""

    form: TextForm
    marks: DecimalMarks
    matched: dict[str, str]

    @property
    def header(self) -> list[str]:
        """The names as the schema has them."""
        return [self.matched.get(name, name) for name in self.form.header]


def decimal_marks_of(schema: Schema, file: DelimitedFile, header: Sequence[str]) -> DecimalMarks:
    """The decimal marks of a whole file, which is read for it once more if its numbers may have commas.

    Parameters
    ----------
    schema : Schema
    file : DelimitedFile
    header : sequence of str
        As the schema has the names.

    Returns
    -------
    DecimalMarks
    """
    empty = replace(file.form.table(), header=[*header])
    found = {name: DecimalMarkSamples() for name in undecided_marks(schema.fields, empty)}
    if found:
        for part in file.parts():
            table = replace(part.table(file.form), header=[*header])
            for block in table.blocks(BLOCK_ROWS):
                for name, telling in found.items():
                    telling.add(set(map(str.strip, block.column(name))))
    cells = {name: telling.cells for name, telling in found.items()}
    return marks_of_cells(schema.fields, empty.decimal_comma, cells)


class TextScorer:
    """Scores parts of a text file, and remembers the cells that it has read.

    Parameters
    ----------
    predictor : Predictor
    source : TextSource
    kept : sequence of str
        The columns that the output has before ours.
    reasons : Reasons, optional
        Explains the rows.
    """

    def __init__(
        self, predictor: Predictor, source: TextSource, kept: Sequence[str], reasons: Reasons | None = None
    ) -> None:
        self._predictor = predictor
        self._reasons = reasons
        self._source = source
        self._kept = None if [*kept] == source.form.header else [source.form.header.index(name) for name in kept]
        empty = replace(source.form.table(), header=source.header)
        self._checker = TableChecker(predictor.schema, empty, source.marks)

    def score(self, part: TextPart) -> Iterator[tuple[Sequence[Sequence[str]], Scored, list[FaultyCell]]]:
        """The valid rows of a part, what is added to them, and the faults of the others; a block after the other.

        Parameters
        ----------
        part : TextPart

        Yields
        ------
        rows : sequence of sequences of str
            The cells of the columns that are kept.
        scored : Scored
        faulty : list of FaultyCell
        """
        table = replace(part.table(self._source.form), header=self._source.header)
        for block in table.blocks(BLOCK_ROWS):
            checked = self._checker.check(block)
            scored = score_rows(self._predictor, checked.good, checked.checked, checked.faults, self._reasons)
            yield self._rows(block, scored.kept), scored, list(faulty_cells(scored.faults, block.lines))

    def _rows(self, block: TextTable, kept: Sequence[int]) -> Sequence[Sequence[str]]:
        rows: Sequence[Sequence[str]] = block.rows
        if self._kept is not None:
            names = [block.header[position] for position in self._kept]
            rows = list(zip(*map(block.column, names), strict=True)) if names else [()] * len(block.rows)
        if len(kept) == len(rows):
            return rows
        if isinstance(rows, PlainRows):
            return PlainRows([rows.lines[row] for row in kept], rows.separator, rows.width)
        return [rows[row] for row in kept]


def write_scored(writer: TextWriter, predictor: Predictor, rows: Sequence[Sequence[str]], scored: Scored) -> None:
    """Add scored rows to a text.

    Parameters
    ----------
    writer : TextWriter
    predictor : Predictor
    rows, scored
        As of `TextScorer.score`.
    """
    first, *numbers = scored.predictions
    labels = [*map(str, predictor.schema.target.classes)]
    predictions: Column = [labels[position] for position in first.tolist()] if labels else first
    writer.add(rows, [predictions, *numbers, scored.codes, scored.warnings])
