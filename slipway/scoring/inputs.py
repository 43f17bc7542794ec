"""The files that are scored: found by paths, URLs, folders and globs, and looked at before any row is."""

import glob
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import CsvError, RecordsError, ScoringError, nearest
from slipway.schema import arrays
from slipway.schema.matching import match_columns
from slipway.schema.schema import Schema
from slipway.schema.table import check_header
from slipway.scoring import arrow_file, parquet
from slipway.scoring.stores import Place, StoredFile, find_stored, is_url, stamp_of
from slipway.scoring.text import TextSource, decimal_marks_of
from slipway.tables.cells import TextTable
from slipway.tables.content import Content
from slipway.tables.delimited import DelimitedFile

_GLOB = frozenset("*?[")
TEXT, PARQUET, ARROW = "text", "Parquet", "Arrow"
"""The forms of a file."""


@dataclass(frozen=True)
class Source:
    """A file, and what is known of it before its rows are scored.

    `stamp` is that of `stamp_of`. `total` is how many characters, or rows of Parquet and Arrow, it has. `text` is None for these,
    of which `types` has the columns with their types and `groups` the row groups, or batches, that are scored together.
    """

    path: Place
    form: str
    stamp: tuple[int, int | str]
    total: int
    names: list[str]
    matched: dict[str, str]
    text: TextSource | None = None
    types: tuple[tuple[str, Any], ...] = ()
    groups: tuple[tuple[tuple[int, ...], int, int], ...] = ()

    def check_unchanged(self) -> None:
        """Refuse a file that is not the one that was looked at.

        Raises
        ------
        ScoringError
        """
        try:
            now = stamp_of(self.path)
        except OSError as exc:
            raise ScoringError(f"{self.path}: {exc.strerror} (it was there when the run began)") from exc
        if now != self.stamp:
            raise ScoringError(f"{self.path}: was changed while it was scored; start again when nothing writes to it")


def find_files(given: Sequence[str], ours: Collection[Place]) -> list[Place]:
    """The files that paths, URLs, folders and globs name, each once, in the order given and sorted in each.

    Parameters
    ----------
    given : sequence of str
    ours : collection of Path or StoredFile
        What is written: it is no input, if it lies in one of the folders.

    Returns
    -------
    list of Path or StoredFile

    Raises
    ------
    ScoringError
        If one of them names no file.
    """
    written = {one for path in ours for one in _within(path)[:1]}
    found: dict[Place, Place] = {}
    for text in given:
        files = [path for path in _named(text) if not written.intersection(_within(path))]
        if not files:
            raise ScoringError(f"--in {text}: there is no file in it; give a file, a folder of files or a pattern")
        for path in files:
            found.setdefault(_within(path)[0], path)
    return [*found.values()]


def _within(path: Place) -> tuple[Place, ...]:
    """A file as it is however it was named, and the folders that it is in."""
    return (path,) if isinstance(path, StoredFile) else (path.resolve(), *path.resolve().parents)


def _named(text: str) -> Iterator[Place]:
    if is_url(text):
        yield from find_stored(text)
        return
    path = Path(text)
    if path.is_dir():
        yield from _in_folder(path)
    elif path.exists():
        yield path
    elif _GLOB.intersection(text):
        for name in sorted(glob.glob(text, recursive=True)):
            yield from _in_folder(Path(name)) if Path(name).is_dir() else [Path(name)]
    else:
        folder = path.parent if path.parent.is_dir() else None
        hint = nearest(path.name, (one.name for one in folder.iterdir())) if folder else ""
        raise ScoringError(f"--in {text}: there is no such file or folder{hint}")


def _in_folder(folder: Path) -> list[Path]:
    """The files in a folder, but for those that engines put beside tables: `_SUCCESS`, `.part-0.crc`."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if not any(part[0] in "._" for part in path.relative_to(folder).parts))


def look_at(path: Place, schema: Schema) -> Source:
    """What a file is, and whether it has the columns of the model.

    Parameters
    ----------
    path : Path or StoredFile
    schema : Schema

    Returns
    -------
    Source

    Raises
    ------
    ScoringError
        If it cannot be read, or lacks a column.
    """
    suffix = path.suffix.lower()
    try:
        stamp = stamp_of(path)
        if suffix in parquet.SUFFIXES:
            source = _parquet(path, stamp, schema)
        elif suffix in arrow_file.SUFFIXES:
            source = _arrow(path, stamp, schema)
        else:
            source = _by_content(path, stamp, schema)
    except OSError as exc:
        raise ScoringError(f"{path}: cannot be read: {exc.strerror or exc}") from exc
    except CsvError as exc:
        raise ScoringError(str(exc)) from exc
    except RecordsError as exc:
        raise ScoringError(f"{path}: {exc}") from exc
    source.check_unchanged()
    return source


def _by_content(path: Place, stamp: tuple[int, int | str], schema: Schema) -> Source:
    with path.open("rb") as file:
        content = Content(file, stamp[0])
        if content.head.startswith(b"PAR1"):
            return _parquet(path, stamp, schema)
        if content.head.startswith(arrow_file.MAGIC):
            return _arrow(path, stamp, schema)
        return _text(path, stamp, content, schema)


def _text(path: Place, stamp: tuple[int, int | str], content: Content, schema: Schema) -> Source:
    file = DelimitedFile(content, str(path))
    matched = match_columns(schema.names, file.form.header)
    header = [matched.get(name, name) for name in file.form.header]
    check_header(schema, TextTable(header, [], [], {}, ",", read=file.form.read))
    text = TextSource(file.form, decimal_marks_of(schema, file, header), matched)
    return Source(path, TEXT, stamp, file.length, file.form.header, matched, text)


def _parquet(path: Place, stamp: tuple[int, int | str], schema: Schema) -> Source:
    with parquet.opened(path) as file:
        groups = tuple(parquet.groups_of(file))
        return _typed(path, PARQUET, stamp, file.schema_arrow, groups, schema)


def _arrow(path: Place, stamp: tuple[int, int | str], schema: Schema) -> Source:
    with arrow_file.opened(path) as file:
        groups = tuple(arrow_file.groups_of(path, file))
        return _typed(path, ARROW, stamp, file.schema, groups, schema)


def _typed(
    path: Place,
    form: str,
    stamp: tuple[int, int | str],
    columns: Any,
    groups: tuple[tuple[tuple[int, ...], int, int], ...],
    schema: Schema,
) -> Source:
    matched = match_columns(schema.names, columns.names)
    check_header(schema, TextTable([matched.get(name, name) for name in columns.names], [], [], {}, ","))
    types = tuple((column.name, column.type) for column in columns)
    _check_types(path, schema, types, matched)
    rows = sum(rows for _, _, rows in groups)
    return Source(path, form, stamp, rows, columns.names, matched, types=types, groups=groups)


def _check_types(path: Place, schema: Schema, types: Sequence[tuple[str, Any]], matched: dict[str, str]) -> None:
    from slipway.scoring.arrow_check import is_known_type

    for name, kind in types:
        if matched.get(name, name) in schema.by_name and not is_known_type(kind):
            raise ScoringError(
                f"{path}: the column {name!r} has the type {kind}; expected numbers, texts, booleans, dates or times"
            )


def categories_of(source: Source, schema: Schema) -> list[str]:
    """The columns of a typed file that hold texts of few kinds, for which a model has categories.

    Parameters
    ----------
    source : Source
    schema : Schema

    Returns
    -------
    list of str
    """
    text = {item.name for item in schema.fields if item.categories and arrays.is_text(item)}
    return [name for name, kind in source.types if source.matched.get(name, name) in text and str(kind) == "string"]


def kept_columns(sources: Sequence[Source], wanted: Sequence[str] | None) -> list[str]:
    """The columns of the input that the output has: those that were asked for, or all.

    Parameters
    ----------
    sources : sequence of Source
    wanted : sequence of str, optional

    Returns
    -------
    list of str

    Raises
    ------
    ScoringError
        If a file lacks one of them, or has others, or of other types, than the first.
    """
    first = sources[0]
    kept = [*first.names] if wanted is None else [*dict.fromkeys(wanted)]
    for source in sources:
        if source.form != first.form:
            raise ScoringError(
                f"{source.path}: is {source.form}, and {first.path} is {first.form}; score them one by one"
            )
        absent = [name for name in kept if name not in source.names]
        if absent and wanted is not None:
            raise ScoringError(
                f"--columns {absent[0]}: {source.path} has no such column{nearest(absent[0], source.names)} "
                f"(there: {', '.join(source.names[:20])})"
            )
        others = [name for name in source.names if name not in kept] if wanted is None else []
        if absent or others:
            what = f"has no column {absent[0]!r}" if absent else f"has a column {others[0]!r}"
            has = "has it" if absent else "has not"
            raise ScoringError(
                f"{source.path}: {what}, and {first.path} {has}; name with --columns what all of the files have"
            )
        _check_same_types(first, source, kept)
    return kept


def _check_same_types(first: Source, source: Source, kept: Sequence[str]) -> None:
    types, others = dict(first.types), dict(source.types)
    for name in kept if source.types else ():
        if types[name] != others[name]:
            raise ScoringError(
                f"{source.path}: its column {name!r} has the type {others[name]}, in {first.path} {types[name]}; "
                "write them with one type, or name other columns with --columns"
            )
