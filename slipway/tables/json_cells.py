"""Cells of JSON, which are texts as all cells are, and know how they were written.

`5` and `"5"`, null and "" are the same to whoever reads a cell, and come back as they were.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["records", "lines", "columns", "rows"]


class Written(str):
    """A cell that is no text in JSON: a number, true, a list, as it is written there."""

    __slots__ = ()


class Null(str):
    """A cell that is null in JSON, or NaN, which JSON has not."""

    __slots__ = ()


class Absent(str):
    """A cell that its record does not have."""

    __slots__ = ()


@dataclass(frozen=True)
class JsonForm:
    """How a table stands in JSON.

    `shape` is "records" (a list of objects), "lines" (one object a line), "columns" (an object of lists) or "rows" (a list
    of lists, the header first); `path` has the keys of the objects around it, and `columns` the keys of each column: more
    than one for those of objects in a record.
    """

    shape: Shape
    path: tuple[str, ...] = ()
    columns: tuple[tuple[str, ...], ...] = ()


def cell_of(value: Any) -> str:
    """A value of JSON, whose numbers are `Written`, as a cell."""
    if isinstance(value, str):
        return value
    if value is None:
        return Null("")
    return Written(json_of(value))


def json_of(value: Any) -> str:
    """A cell, or lists and objects of cells, as JSON."""
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, Null) or value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        parts = (f"{json_of(str(key))}: {json_of(item)}" for key, item in value.items())
        return f"{{{', '.join(parts)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(json_of, value))}]"
    return json.dumps(value, ensure_ascii=False)
