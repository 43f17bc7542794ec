"""The answer to a file: the same rows with predictions, in the form in which they came."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import takewhile
from threading import Event

from starlette.responses import Response

from slipway.errors import CsvError, ExplanationError, RecordsError, TableTooLargeError
from slipway.inference.predictor import Predictor
from slipway.inference.table import TableAnswer, predict_table
from slipway.schema.schema import Checked, Schema
from slipway.schema.suggestions import choose_columns
from slipway.service.model import LoadedModel
from slipway.service.observation import current
from slipway.service.requests import RequestError, gc_paused
from slipway.tables.cells import TextTable
from slipway.tables.excel_writer import ExcelWriter
from slipway.tables.files import read_upload
from slipway.tables.json_cells import json_of
from slipway.tables.json_writer import JsonWriter
from slipway.tables.numbers import taken_apart
from slipway.tables.writers import Column, TableWriter, TextForm, TextWriter, form_of

HEADER_LIMIT = 2000
"""Characters of names in a header: nginx refuses an answer whose headers together exceed 4,096 bytes."""


@dataclass(frozen=True)
class Wanted:
    """What a client wants of a file.

    With `reasons`, also the contribution of each field. With a `threshold`, classes are decided by it instead of the version's. `columns` has the
    field of each column that was chosen for one, by its name in the file. With `for_spreadsheets`, nothing in it runs as a formula. With
    `as_form`, a form of two parts: `table`, the answer as comma-separated UTF-8, and `file`, the answer in the file's form.
    `language` is that of the columns `warnings` and `problems`.
    """

    reasons: bool = False
    threshold: float | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    for_spreadsheets: bool = False
    as_form: bool = False
    language: str = "en"


async def answer_file(served: LoadedModel, data: bytes, wanted: Wanted, unwanted: Event) -> Response:
    """The contract's answer to a file: the same rows with predictions, and their reasons if asked for.

    Reasons take their time; once the event is set no more of them are looked for.

    Raises
    ------
    RequestError
        400 for no such table, or 413 for too many rows.
    """

    def explained(checked: Checked) -> Iterator[list[float] | None]:
        return takewhile(lambda _: not unwanted.is_set(), served.explainer.shares(checked))

    def work(predictor: Predictor) -> tuple[TextTable, str, TableWriter, TableAnswer]:
        if wanted.threshold is not None:
            predictor = predictor.at_threshold(wanted.threshold)
        with nullcontext() if wanted.reasons else gc_paused():
            table = read_upload(data, served.limits.file(served.most_reasons if wanted.reasons else None))
            matched = choose_columns(predictor.schema.names, table.header, wanted.columns)
            decimal = decimal_of(predictor.schema, table.renamed(matched))
            writer = _writer(table, decimal, wanted, predictor.schema)
            reasons = explained if wanted.reasons else None
            answer = predict_table(predictor, table, writer, reasons, served.limits.answer, wanted.language, matched)
            return table, decimal, writer, answer

    try:
        table, decimal, writer, answer = await served.run(work)
    except TableTooLargeError as exc:
        raise RequestError.of(413, exc) from exc
    except (CsvError, ExplanationError, RecordsError) as exc:
        raise RequestError.of(400, exc) from exc
    _note(answer, len(table.rows), wanted)
    headers = {
        "X-Rows": str(len(table.rows)),
        "X-Faulty-Rows": str(answer.faulty),
        "X-Form": json.dumps(_described(table, decimal)),
    }
    if not wanted.as_form:
        headers["Content-Disposition"] = f'attachment; filename="predictions.{writer.extension}"'
    if writer.escaped:
        headers["X-Escaped-Rows"] = str(writer.escaped)
    if answer.matched:
        headers["X-Matched-Columns"] = _in_header(answer.matched)
    return Response(answer.content, media_type=writer.media_type, headers=headers)


def _note(answer: TableAnswer, rows: int, wanted: Wanted) -> None:
    noted, predicted = current(), rows - answer.faulty
    noted.asked("file", rows, predicted, predicted if wanted.reasons else 0)
    noted.faults, noted.warnings = answer.faults, answer.warnings


def _writer(table: TextTable, decimal: str, wanted: Wanted, schema: Schema) -> TableWriter:
    own: TableWriter
    if table.read.kind == "excel":
        own = ExcelWriter(table.read.sheet)
    elif table.read.json:
        own = JsonWriter(table.read.json, {str(label): json_of(label) for label in schema.target.classes})
    else:
        own = TextWriter(form_of(table, decimal, wanted.for_spreadsheets))
    return _FormWriter(own) if wanted.as_form else own


def decimal_of(schema: Schema, table: TextTable) -> str:
    """The decimal mark of a file's numbers: a comma if one of them has it."""
    if not table.decimal_comma:
        return "."
    numbers = [item.name for item in schema.fields if item.kind in ("number", "integer") and item.name in table.header]
    with_comma = {cell for cells in table.different_cells(numbers).values() for cell in cells if "," in cell}
    found = (taken_apart(cell) for cell in with_comma)
    return "," if any(number is not None and number.mark == "," for number in found) else "."


def _described(table: TextTable, decimal: str) -> dict[str, str | None]:
    """The form of a file, for whoever shows it."""
    read = table.read
    return {
        "kind": read.kind,
        "separator": table.separator if read.kind == "text" else None,
        "decimal": decimal,
        "encoding": read.encoding,
        "compression": read.compression,
        "sheet": read.sheet,
    }


def _in_header(matched: dict[str, str]) -> str:
    """As many of the names as fit, as JSON in ASCII."""
    kept: dict[str, str] = {}
    size = 0
    for column, name in matched.items():
        size += len(json.dumps({column: name}))
        if size > HEADER_LIMIT:
            break
        kept[column] = name
    return json.dumps(kept)


class _FormWriter:
    """Writes a table twice, as the parts of a form: to be shown, and in the form of its file."""

    extension = ""

    @property
    def escaped(self) -> int:
        return self._file.escaped

    def __init__(self, file: TableWriter) -> None:
        self._table = TextWriter(TextForm())
        self._file = file
        self._boundary = secrets.token_hex(16)

    @property
    def media_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary}"

    def begin(self, header: Sequence[str]) -> None:
        self._table.begin(header)
        self._file.begin(header)

    def add(self, rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> int:
        return self._table.add(rows, columns) + self._file.add(rows, columns)

    def finish(self) -> bytes:
        parts = [
            ('name="table"', self._table.media_type, self._table.finish()),
            (f'name="file"; filename="predictions.{self._file.extension}"', self._file.media_type, self._file.finish()),
        ]
        lines = []
        for disposition, media_type, content in parts:
            head = f"--{self._boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {media_type}\r\n\r\n"
            lines += [head.encode(), content, b"\r\n"]
        return b"".join([*lines, f"--{self._boundary}--\r\n".encode()])
