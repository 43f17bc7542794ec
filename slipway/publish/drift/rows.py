"""Recent rows, a part after the other, so that memory does not depend on how many there are.

A part has columns of values by field. Nothing that counts them knows whether they are from a file or from a log of requests.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slipway.errors import DataError
from slipway.inference.table import BLOCK_ROWS
from slipway.publish.shared_rows import read_rows, target_schema
from slipway.schema.matching import match_columns
from slipway.schema.schema import Schema
from slipway.schema.table import ReadColumn, TableChecker
from slipway.scoring.inputs import Source, categories_of, look_at
from slipway.scoring.parquet import batches
from slipway.store.requestlog import Row, read
from slipway.tables.bounds import UNBOUNDED
from slipway.tables.cells import TextTable
from slipway.tables.compressed import unpack
from slipway.tables.content import Content
from slipway.tables.delimited import DelimitedFile
from slipway.tables.excel import is_workbook
from slipway.tables.json_table import looks_like_json
from slipway.tables.readers import opened

_JSON = (".json", ".jsonl", ".ndjson")
_ARROW = (".feather", ".arrow", ".arrows", ".ipc")


@dataclass(frozen=True)
class Part:
    """Some rows: the columns of the fields, and the target where it is known.

    `ragged` are the positions of rows whose cells belong to no column for sure, see `TextTable`.
    """

    rows: int
    fields: Mapping[str, ReadColumn]
    target: ReadColumn | None = None
    ragged: Mapping[int, Any] = field(default_factory=dict)


def parts_of_table(schema: Schema, file: str) -> Iterator[Part]:
    """The rows of a table, in any form that training reads; delimited text and Parquet are never in memory as a whole.

    Parameters
    ----------
    schema : Schema
    file : str

    Yields
    ------
    Part

    Raises
    ------
    DataError, ScoringError, RecordsError
        If it cannot be read, or lacks columns.
    """
    path = Path(file)
    with opened(path) as (content, _):
        kind = _kind(path, content)
    if kind == "whole":
        yield from _of_texts(schema, read_rows(file))
        return
    source = look_at(path, schema)
    targets = target_schema(schema.target)
    has_target = _has(schema.target.name, source.names)
    of_target = look_at(path, targets) if has_target else None
    if kind == "parquet":
        yield from _of_parquet(schema, targets, source, of_target)
    else:
        yield from _of_delimited(schema, targets, source, of_target)


def not_logged(schema: Schema) -> list[str]:
    """The fields whose values no log of requests has."""
    return [item.name for item in schema.fields if item.private or item.kind == "text"]


def parts_of_log(schema: Schema, name: str, where: str, since: dt.datetime | None = None) -> Iterator[Part]:
    """What a server was asked, of any version of a name; the target of those whose outcome was told.

    Parameters
    ----------
    schema : Schema
    name : str
        Of the model.
    where : str
        As `SLIPWAY_REQUEST_LOG` has it.
    since : datetime with a time zone, optional
        Rows before it are left out.

    Yields
    ------
    Part

    Raises
    ------
    RequestLogError
        If there is no log, or it cannot be read.
    DataError
        If it has no row of the name.
    """
    from slipway.scoring.arrow_check import ArrowChecker

    targets = target_schema(schema.target)
    fields, target = ArrowChecker(schema), ArrowChecker(targets)
    others: set[str] = set()
    block: list[Row] = []
    count = 0

    def part() -> Part:
        inputs = fields.read_records([row["inputs"] for row in block])
        outcomes = target.read_records([{schema.target.name: row["outcome"]} for row in block])
        return Part(len(block), inputs, outcomes[schema.target.name])

    for row in read(where, since):
        if (of := row["model"].partition(":")[0]) != name:
            others.add(of)
            continue
        block.append(row)
        count += 1
        if len(block) == BLOCK_ROWS:
            yield part()
            block.clear()
    if block:
        yield part()
    if not count:
        when = f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""
        has = f"; it has some of {', '.join(sorted(others)[:5])}" if others else ""
        raise DataError(where, f"has no request to {name}{when}{has}; name the log of its servers")


def _kind(path: Path, content: Content) -> str:
    suffix = path.suffix.lower()
    if content.head.startswith(b"PAR1") or suffix in (".parquet", ".pq"):
        return "parquet"
    if content.head.startswith((b"ARROW1", b"FEA1")) or suffix in _ARROW:
        return "whole"
    head = unpack(content, str(path), UNBOUNDED)[0].head
    name = path.name.lower().removesuffix(".gz")
    if is_workbook(head) or name.endswith(_JSON) or looks_like_json(head.decode("utf-8", "replace")):
        return "whole"
    return "delimited"


def _has(target: str, names: list[str]) -> bool:
    return target in names or target in match_columns([target], names).values()


def _of_texts(schema: Schema, table: TextTable) -> Iterator[Part]:
    targets = target_schema(schema.target)
    matched = match_columns([*schema.names, schema.target.name], table.header)
    table = replace(table, header=[matched.get(name, name) for name in table.header])
    fields = TableChecker(schema, table)
    target = TableChecker(targets, table) if schema.target.name in table.header else None
    for block in table.blocks(BLOCK_ROWS):
        yield _part(block, fields, target, schema.target.name)


def _of_delimited(schema: Schema, targets: Schema, source: Source, of_target: Source | None) -> Iterator[Part]:
    text, target_text = source.text, of_target.text if of_target else None
    assert text is not None and isinstance(source.path, Path)  # noqa: S101
    matched = source.matched | (of_target.matched if of_target else {})
    header = [matched.get(name, name) for name in text.form.header]
    empty = replace(text.form.table(), header=header)
    fields = TableChecker(schema, empty, text.marks)
    target = TableChecker(targets, empty, target_text.marks) if target_text else None
    with opened(source.path) as (content, _):
        for part in DelimitedFile(content, str(source.path)).parts():
            for block in replace(part.table(text.form), header=header).blocks(BLOCK_ROWS):
                yield _part(block, fields, target, schema.target.name)


def _part(block: TextTable, fields: TableChecker, target: TableChecker | None, name: str) -> Part:
    return Part(len(block.rows), fields.read(block), target.read(block)[name] if target else None, block.ragged)


def _of_parquet(schema: Schema, targets: Schema, source: Source, of_target: Source | None) -> Iterator[Part]:
    from slipway.scoring.arrow_check import ArrowChecker

    name = schema.target.name
    fields = ArrowChecker(schema, source.matched)
    target = ArrowChecker(targets, of_target.matched) if of_target else None
    categories = categories_of(source, schema) + (categories_of(of_target, targets) if of_target else [])
    matched = source.matched | (of_target.matched if of_target else {})
    wanted = {*schema.names, *([name] if of_target else [])}
    columns = [column for column in source.names if matched.get(column, column) in wanted]
    groups = [group for part in source.groups for group in part[0]]
    for batch in batches(source.path, groups, columns, categories):
        yield Part(batch.num_rows, fields.read(batch), target.read(batch)[name] if target else None)
