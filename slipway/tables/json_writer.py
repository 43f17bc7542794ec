"""A table as JSON, in the form in which one came: records, one record a line, columns, or rows."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from slipway.tables.json_cells import Absent, JsonForm, json_of
from slipway.tables.writers import Column, number_texts


class JsonWriter:
    """Writes JSON in UTF-8. Values of the file come back as they were written there.

    Parameters
    ----------
    form : JsonForm
    labels : mapping of str to str
        Texts of the first added column that have another form in JSON: `1` for a class that is a number.
    """

    escaped = 0

    def __init__(self, form: JsonForm, labels: Mapping[str, str]) -> None:
        self._form = form
        self._labels = labels
        self._nested = any(len(path) > 1 for path in form.columns)
        self._paths: list[tuple[str, ...]] = []
        self._keys: list[str] = []
        self._parts: list[str] = []
        self._lists: list[list[str]] = []
        self._size = 0

    @property
    def media_type(self) -> str:
        return "application/x-ndjson" if self._form.shape == "lines" else "application/json"

    @property
    def extension(self) -> str:
        return "jsonl" if self._form.shape == "lines" else "json"

    def begin(self, header: Sequence[str]) -> None:
        own = self._form.columns
        self._paths = [path or (name,) for path, name in zip_longest(own, header)]
        self._keys = [json_of(path[-1]) for path in self._paths]
        if self._form.shape == "columns":
            self._lists = [[] for _ in header]
        if self._form.shape == "rows":
            self._add(json_of([*header]))

    def add(self, rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> int:
        added = list(zip(*(self._added(column, place) for place, column in enumerate(columns)), strict=True))
        for row, more in zip(rows, added, strict=True):
            if self._form.shape == "columns":
                self._add_to_lists([*map(json_of, row), *more])
            elif self._form.shape == "rows":
                self._add(f"[{', '.join([*map(json_of, row), *more])}]")
            else:
                self._add(self._record(row, more))
        return self._size

    def finish(self) -> bytes:
        if self._form.shape == "lines":
            return "".join(f"{part}\n" for part in self._parts).encode("utf-8", "replace")
        if self._form.shape == "columns":
            lists = (f"{key}: [{', '.join(cells)}]" for key, cells in zip(self._keys, self._lists, strict=True))
            text = "{" + ",\n".join(lists) + "}"
        else:
            text = "[" + ",\n".join(self._parts) + "]"
        around = "".join(f"{{{json_of(key)}: " for key in self._form.path)
        return f"{around}{text}{'}' * len(self._form.path)}\n".encode("utf-8", "replace")

    def _add(self, part: str) -> None:
        self._parts.append(part)
        self._size += len(part) + 2

    def _add_to_lists(self, cells: Sequence[str]) -> None:
        for place, cell in zip(self._lists, cells, strict=True):
            place.append(cell)
            self._size += len(cell) + 2

    def _record(self, row: Sequence[str], added: Sequence[str]) -> str:
        if self._nested:
            parts = list(_parts(_tree(self._paths, row)))
        else:
            parts = [
                f"{key}: {json_of(cell)}"
                for key, cell in zip(self._keys, row, strict=False)
                if not isinstance(cell, Absent)
            ]
        parts += [f"{key}: {text}" for key, text in zip(self._keys[len(row) :], added, strict=True)]
        return f"{{{', '.join(parts)}}}"

    def _added(self, column: Column, place: int) -> Sequence[str]:
        """The cells of a column that is added, as JSON; null for an empty one."""
        if isinstance(column, np.ndarray):
            return [text or "null" for text in number_texts(column[:, None])]
        known = {"": "null", **(self._labels if place == 0 else {})}
        return [known.get(text) or json_of(text) for text in column]


def _tree(paths: Sequence[tuple[str, ...]], row: Sequence[str]) -> dict[str, Any]:
    """A record with the objects in it."""
    tree: dict[str, Any] = {}
    for path, cell in zip(paths, row, strict=False):
        if isinstance(cell, Absent):
            continue
        place = tree
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = cell
    return tree


def _parts(tree: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tree.items():
        yield f"{json_of(key)}: {json_of(value)}"
