"""What may be wrong with a catalogue or with the code that uses it, as sentences: none if all is well.

Keys are never put together from more than a fixed beginning and one name, so that what the code asks for can be read
off its text: a whole key as a string, or `f"note.{kind}"`, whose names are in `FAMILIES`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from slipway.schema.types import KINDS, TASKS
from tests.conftest import ROOT

FAMILIES: dict[str, tuple[str, ...]] = {
    "kinds.": KINDS,
    "tasks.": TASKS,
    "calibration.": ("sigmoid", "isotonic"),
    "metric.": (
        "MAE",
        "MSE",
        "RMSE",
        "R2",
        "RMSLE",
        "MAPE",
        "Log loss",
        "Accuracy",
        "AUC",
        "Recall",
        "Prec.",
        "F1",
        "Kappa",
        "MCC",
    ),
    "metric_averaged.": ("AUC", "Recall", "Prec.", "F1"),
    "worse.": ("mae", "covered", "right", "brier", "recall"),
    "group.": ("mae", "bias", "covered", "right", "brier", "recall"),
}
"""Beginnings of keys that the code completes with a name, and all names that there are."""
COUNTS = (*range(200), 10**6)


def read(file: Path) -> Catalog:
    with file.open("rb") as stream:
        return read_po(stream, abort_invalid=True)


def entries(catalog: Catalog) -> dict[str, Message]:
    return {one.id if isinstance(one.id, str) else one.id[0]: one for one in catalog if one.id}


def forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def placeholders(text: str) -> set[str]:
    """The names in braces.

    Raises
    ------
    ValueError
        If a brace is not closed, or holds anything but a name.
    """
    names = set()
    for _, name, spec, conversion in Formatter().parse(text):
        if name is not None:
            if not name.isidentifier() or spec or conversion:
                raise ValueError(f"{{{name}}} is not a bare name")
            names.add(name)
    return names


def faults(folder: Path) -> list[str]:
    """What is wrong with the catalogues of a folder, each compared with the English one."""
    source = entries(read(folder / "en.po"))
    return [fault for file in sorted(folder.glob("*.po")) for fault in _of_file(file, source)]


def _of_file(file: Path, source: dict[str, Message]) -> Iterator[str]:
    text, catalog = file.read_text(encoding="utf-8"), read(file)
    keys = re.findall(r'^msgid "(.+)"$', text, re.M)
    yield from (f"{file.name}: {key} is there twice" for key in sorted({key for key in keys if keys.count(key) > 1}))
    if get_plural(catalog.locale_identifier).num_plurals != catalog.num_plurals:
        yield f"{file.name}: Plural-Forms is not that of {catalog.locale_identifier}"
    found = entries(catalog)
    yield from (f"{file.name}: {key} is missing" for key in sorted(source.keys() - found.keys()))
    yield from (f"{file.name}: {key} is unknown" for key in sorted(found.keys() - source.keys()))
    for key in sorted(found.keys() & source.keys()):
        yield from (f"{file.name}: {key} {fault}" for fault in _of_entry(catalog, found[key], source[key]))


def _of_entry(catalog: Catalog, message: Message, source: Message) -> Iterator[str]:
    texts = forms(message)
    if message.fuzzy:
        yield "is marked fuzzy"
    if not all(texts):
        yield "is empty"
        return
    if message.pluralizable != source.pluralizable or message.pluralizable and len(texts) != catalog.num_plurals:
        yield "has not the plural forms of the language"
        return
    try:
        wanted, names = placeholders(forms(source)[-1]), [placeholders(text) for text in texts]
    except ValueError as exc:
        yield f"has a broken placeholder: {exc}"
        return
    # A form for one may leave words out: `1 prediction: 5,000`.
    if names[-1] != wanted or not all(name <= wanted for name in names):
        yield f"has the placeholders {sorted(set().union(*names))}, expected {sorted(wanted)}"
    if message.pluralizable and "count" not in wanted:
        yield "has plural forms and no {count}"


def asked() -> tuple[set[str], set[str]]:
    """The keys that the package asks for, and the beginnings that it completes."""
    spaces = {key.partition(".")[0] for key in entries(read(ROOT / "slipway/i18n/locales/en.po"))}
    key = re.compile(rf"(?:{'|'.join(spaces)})\.[\w. ]+")
    keys, beginnings = set(), set()
    for file in _sources(".py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and key.fullmatch(node.value):
                keys.add(node.value)
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                beginning = str(node.values[0].value)
                if re.fullmatch(rf"(?:{'|'.join(spaces)})\.\w*", beginning):
                    beginnings.add(beginning)
    return keys, beginnings


def _sources(suffix: str) -> Iterator[Path]:
    yield from sorted((ROOT / "slipway").rglob(f"*{suffix}"))
    yield from sorted(ROOT.glob(f"*{suffix}"))


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Each call in Python that fills in a text: where it is, the key, and the names of the values it gives."""
    for file in _sources(".py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or any(one.arg is None for one in node.keywords):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name in ("t", "text") and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield f"{file.relative_to(ROOT)}:{node.lineno}", first.value, {str(one.arg) for one in node.keywords}
