"""Tables in JSON: a list of records, one record a line, columns, or one of these under a key.

Numbers stay as they are written, so that 12345678901234567890 and 1.50 lose nothing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from slipway.errors import CsvError, RequestCode
from slipway.tables.bounds import Bounds
from slipway.tables.cells import HowRead, TextTable, table_of
from slipway.tables.json_cells import Absent, JsonForm, Null, Shape, Written, cell_of
from slipway.tables.layout import Layout, lay_out, unique_names
from slipway.tables.rows import Row

_DEEPEST = 4
"""Objects around the list of records."""
_ABSENT = Absent("")
_OBJECTS = _DEEPEST + 1
"""Lists and objects that a row may have on average: it is one, and may have others in it."""
_DIFFERENT = 2**16


class _NoTableError(Exception):
    """JSON that holds no table; the text says what it holds."""


def looks_like_json(text: str) -> bool:
    """Whether a text begins as a list or an object does, and no cell of a CSV would."""
    start = text.lstrip()[:200].replace(" ", "").replace("\n", "").replace("\r", "")
    return start.startswith(("[{", "[[", '{"', "[]", "{}"))


def read_json(text: str, source: str, bounds: Bounds, encoding: str) -> TextTable:
    """The table in a JSON text.

    Parameters
    ----------
    text : str
    source : str
        The name of the file, for messages.
    bounds : Bounds
    encoding : str

    Returns
    -------
    TextTable
        Nested objects are columns such as `address.city`; its lines are those of JSON lines, and else count the records.

    Raises
    ------
    CsvError
        If it is not JSON, or holds no table.
    TableTooLargeError
        As soon as a limit is exceeded.
    """
    _check_size(text, source, bounds)
    try:
        value = json.loads(text, **_numbers())
    except RecursionError as exc:
        raise _refused(source, "is JSON with too many levels") from exc
    except ValueError as exc:
        return _lines(text, source, bounds, encoding, exc)
    try:
        path, shape, rows = _table_in(value, ())
    except _NoTableError as exc:
        expected = 'expected a list of records such as [{"a": 1}], one record a line, or columns such as {"a": [1, 2]}'
        raise _refused(source, f"is JSON that holds no table: {exc}; {expected}") from exc
    columns: tuple[tuple[str, ...], ...] = ()
    if rows and isinstance(rows[0], list):
        cells = (Row([cell_of(cell) for cell in row], line) for line, row in enumerate(rows, 1))
        found = lay_out(cells, source, bounds)
    else:
        found, columns = _records(list(enumerate(rows, 1)), source, bounds)
    form = JsonForm(shape, path, columns)
    return table_of(found, HowRead("json", encoding=encoding, sheet=".".join(path) or None, json=form), "\t")


def _numbers() -> dict[str, Any]:
    """What makes cells of numbers: of equal ones mostly one, since there may be millions."""
    written = lru_cache(_DIFFERENT)(Written)
    return {"parse_int": written, "parse_float": written, "parse_constant": Null}


def _check_size(text: str, source: str, bounds: Bounds) -> None:
    """Refuse JSON that would not fit into memory, before anything is made of it.

    Every value but the first has a comma or an opening bracket before it. (Those in texts count as well.)
    """
    objects = text.count("{") + text.count("[")
    most = replace(bounds.rows, limit=_OBJECTS * bounds.rows.limit, setting=f"{_OBJECTS} × {bounds.rows.setting}")
    if objects > most.limit:
        raise most.passed(source, objects, "lists and objects", RequestCode.TOO_MANY_ROWS)
    values = objects + text.count(",")
    if values > bounds.cells.limit + most.limit:
        raise bounds.cells.passed(source, values, "values", RequestCode.TOO_MANY_CELLS)


def _refused(source: str, problem: str) -> CsvError:
    return CsvError(source, problem, RequestCode.UNREADABLE_FILE, kind="JSON")


def _lines(text: str, source: str, bounds: Bounds, encoding: str, whole: ValueError) -> TextTable:
    """One record a line."""
    records: list[tuple[int, dict[str, Any]]] = []
    numbers = _numbers()
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            try:
                record = json.loads(content, **numbers)
            except (ValueError, RecursionError) as exc:
                why = whole if not records else f"line {line}: {exc}"
                raise _refused(source, f"is not valid JSON: {why}") from exc
            if not isinstance(record, dict):
                raise _refused(source, f"has {_kind(record)} on line {line}; expected one record a line")
            records.append((line, record))
    found, columns = _records(records, source, bounds)
    return table_of(found, HowRead("json", encoding=encoding, json=JsonForm("lines", (), columns)), "\t")


def _table_in(value: Any, path: tuple[str, ...]) -> tuple[tuple[str, ...], Shape, list[Any]]:
    """Where in a value its table is, in which shape, and the records or rows of it."""
    if isinstance(value, list):
        if value and all(isinstance(item, dict) for item in value):
            return path, "records", value
        if value and all(isinstance(item, list) for item in value):
            return path, "rows", value
        raise _NoTableError(f"a list of {_kind(value[0])}" if value else "an empty list")
    if not isinstance(value, dict):
        raise _NoTableError(_kind(value))
    if (table := _columns(value)) is not None:
        return path, *table
    inside = [
        key for key, item in value.items() if isinstance(item, list) and item and isinstance(item[0], (dict, list))
    ]
    if len(inside) > 1:
        raise _NoTableError(f"several lists, under {', '.join(map(repr, inside[:5]))}; keep one of them")
    if not inside and len(path) < _DEEPEST:
        inside = [key for key, item in value.items() if isinstance(item, dict)]
        inside = inside if len(inside) == 1 else []
    if not inside:
        raise _NoTableError("one object")
    return _table_in(value[inside[0]], (*path, inside[0]))


def _columns(value: dict[str, Any]) -> tuple[Shape, list[Any]] | None:
    """The rows of an object that has its columns by name, as pandas writes them too; None if it has not.

    All but an object of lists are answered as records.
    """
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list) and data and all(isinstance(row, list) for row in data):
        return "records", [dict(zip(map(str, columns), row, strict=False)) for row in data]
    items = list(value.values())
    if items and all(isinstance(item, list) for item in items) and len(set(map(len, items))) == 1 and items[0]:
        if not any(isinstance(cell, (dict, list)) for item in items for cell in item):
            return "columns", [dict(zip(value, row, strict=True)) for row in zip(*items, strict=True)]
    if len(items) > 1 and all(isinstance(item, dict) and item for item in items):
        keys = list(items[0])
        if all(list(item) == keys for item in items) and not any(
            isinstance(cell, (dict, list)) for item in items for cell in item.values()
        ):
            by_number = all(key.isdecimal() for key in keys)
            rows = [{name: item[key] for name, item in value.items()} for key in keys] if by_number else items
            return "records", rows
    return None


def _records(
    records: Sequence[tuple[int, dict[str, Any]]], source: str, bounds: Bounds
) -> tuple[Layout, tuple[tuple[str, ...], ...]]:
    """The records as a table, and the keys of each of its columns."""
    paths: dict[str, tuple[str, ...]] = {}
    flat = [(line, dict(_flat(record, (), paths))) for line, record in records]
    names = list(paths)
    layout = Layout(names=names)
    layout.header = unique_names([name.strip() for name in names], layout.renamed)
    for code, bound, count, what in (
        (RequestCode.TOO_MANY_COLUMNS, bounds.columns, len(names), "columns"),
        (RequestCode.TOO_MANY_ROWS, bounds.rows, len(flat), "rows"),
        (RequestCode.TOO_MANY_CELLS, bounds.cells, len(flat) * len(names), "cells"),
    ):
        if count > bound.limit:
            raise bound.passed(source, count, what, code)
    for line, record in flat:
        layout.rows.append([cell_of(record.get(name, _ABSENT)) for name in names])
        layout.lines.append(line)
    return layout, tuple(paths.values())


def _flat(
    record: dict[str, Any], before: tuple[str, ...], paths: dict[str, tuple[str, ...]]
) -> Iterator[tuple[str, Any]]:
    """The values of a record and of the objects in it, by names such as `address.city`, whose keys are added to `paths`."""
    for key, value in record.items():
        path = (*before, key)
        if isinstance(value, dict) and value and len(before) < _DEEPEST:
            yield from _flat(value, path, paths)
        else:
            name = ".".join(path)
            paths.setdefault(name, path)
            yield name, value


def _kind(value: Any) -> str:
    """What a value is, in words."""
    return {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}.get(type(value), "a value")
