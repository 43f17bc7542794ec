"""What may be wrong with a catalogue or with the code that uses it, as sentences: none if all is well.

Keys are never put together from more than a fixed beginning and one name, so that what the code asks for can be read
off its text: a whole key as a string, or `f"note.{kind}"`, whose names are in `FAMILIES`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import get_args

from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from slipway.errors import ExpectedType, FaultCode, RequestCode, WarningCode
from slipway.i18n.catalogues import LOCALES
from slipway.publish.drift.report import Measure, MissingReason, ShareName
from slipway.publish.technical import POINTS, TO_WRITE
from slipway.schema.metrics import ExclusionReason
from slipway.schema.types import KINDS, TASKS
from slipway.store.history import Action
from tests.conftest import ROOT

FAMILIES: dict[str, tuple[str, ...]] = {
    "kinds.": KINDS,
    "tasks.": TASKS,
    "history.": get_args(Action),
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
    "worse.": ("mae", "covered", "accuracy", "brier", "recall"),
    "note.": (
        *(
            "taken_for_missing",
            "numbers_as_text",
            "commas_as_text",
            "decimal_comma",
            "decimal_point",
        ),
        *("unit", "mixed_units", "negative", "strays", "kept_as_value", "long_codes"),
        *("mixed_codes", "day_first", "month_first", "time_dropped", "short_years", "local_time"),
        *("class_left_out", "folds_for_class", "folds_for_rows", "leak"),
        *("codes_by_name", "codes_by_values", "lines_around", "sheet", "no_header", "header_lines"),
        *("names_changed", "ragged_rows", "cut_otherwise", "encoding", "odd_bytes", "split_copies", "empty_texts"),
        *("split_groups", "split_time", "target_copy", "split_without_value", "folds_for_time"),
    ),
    "left_out.": tuple(ExclusionReason),
    "alert.": ("leak", "imbalance", "missing", "twins", "constant", "rare", "skewed"),
    "monotone.": ("up_kept", "down_kept", "up_broken", "down_broken"),
    "threshold.": ("found", "missed", "spared", "alarms"),
    "engine.": ("onnx", "native"),
    "reliability.": ("served", "uncalibrated"),
    "calls.": ("curl", "requests", "bentoml"),
    "problem.": (*FaultCode, *WarningCode),
    "form.": tuple(
        sorted(
            {*FaultCode, *WarningCode}
            - {"unknown_field", "unknown_class", "unknown_request", "wrong_cell_count", "missing_column"}
        )
    ),
    "expected.": tuple(one.name.lower() for one in ExpectedType),
    "bounds.": ("both", "minimum", "maximum"),
    "ranges.": ("both", "minimum", "maximum"),
    "refusal.": tuple(RequestCode),
    "drift_level.": ("moderate", "large"),
    "drift_of.": ("prediction", "target"),
    "drift_share.": get_args(ShareName),
    "drift_measure.": get_args(Measure),
    "drift_missing.": get_args(MissingReason),
    "annex_part.": tuple(POINTS),
    "annex_item.": tuple(item for items in POINTS.values() for _, item in items),
    "annex_fact.": (
        *("version", "software", "forms", "interface", "instructions", "architecture", "oversight", "planned_changes"),
        *("validation", "security", "limits", "accuracy", "interpretation", "input_data", "changes", "monitoring"),
    ),
    "annex_write.": tuple(TO_WRITE),
    "group.": ("mae", "bias", "covered", "accuracy", "brier", "recall"),
}
"""Beginnings of keys that the code completes with a name, and all names that there are."""
FILES = (".js", ".css", ".json", ".md", ".onnx", ".yaml")
"""Endings of file names, which look like keys: `model.json`."""
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
        wanted, names = _values(source), [placeholders(text) for text in texts]
    except ValueError as exc:
        yield f"has a broken placeholder: {exc}"
        return
    # A form for one may leave words out: `1 prediction: 5,000`.
    is_own = forms(source) == ("{text}",)
    if (names[-1] != wanted and not is_own) or not all(name <= wanted for name in names):
        yield f"has the placeholders {sorted(set().union(*names))}, expected {sorted(wanted)}"
    if message.pluralizable and "count" not in wanted:
        yield "has plural forms and no {count}"


def _values(source: Message) -> set[str]:
    """The placeholders that a text may have: the English one's, and where that is an exception's own, those it lists."""
    listed = [comment.removeprefix("values: ") for comment in source.auto_comments if comment.startswith("values: ")]
    return placeholders(forms(source)[-1]) | set(" ".join(listed).split()) - {"none"}


def asked() -> tuple[set[str], set[str]]:
    """The keys that modules, templates and scripts ask for, and the beginnings that they complete."""
    spaces = "|".join({key.partition(".")[0] for key in entries(read(LOCALES / "en.po"))})
    whole, begun = re.compile(rf"({spaces})\.[\w. ]+"), re.compile(rf"({spaces})\.\w*")
    constants, beginnings = set[str](), set[str]()
    for tree in _modules():
        constants |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        joined = [node.values for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        parts = [[str(part.value) if isinstance(part, ast.Constant) else "" for part in values] for values in joined]
        beginnings |= {texts[0] for texts in parts if not texts[-1].endswith(FILES)}
    for template in _templates():
        constants |= {node.value for node in template.find_all(nodes.Const) if isinstance(node.value, str)}
        joined = [node.nodes[0] for node in template.find_all(nodes.Concat)]
        beginnings |= {str(first.value) for first in joined if isinstance(first, nodes.Const)}
    for script in _scripts():
        constants |= {key for key, _ in re.findall(rf'"(({spaces})\.[^"]+)"', script)}
    constants = {text for text in constants if not text.endswith(FILES)}
    return set(filter(whole.fullmatch, constants)), set(filter(begun.fullmatch, beginnings))


def calls() -> Iterator[tuple[str, set[str]]]:
    """The key of each call that fills in a text, and the names of the values that it gives."""
    for tree in _modules():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            names = [one.arg for one in call.keywords]
            key = call.args[0]
            if name in ("t", "html", "text") and isinstance(key, ast.Constant) and None not in names:
                yield str(key.value), set(map(str, names))
    for template in _templates():
        for call in template.find_all(nodes.Call):
            if getattr(call.node, "attr", "") in ("t", "html") and isinstance(call.args[0], nodes.Const):
                yield call.args[0].value, {one.key for one in call.kwargs}
    for script in _scripts():
        for key, values in re.findall(r'(?<!\w)t\("([\w.]+)"(?:, \{([^{}]*)\})?\)', script):
            values = _without_calls(values)
            yield key, {one.partition(":")[0].strip() for one in values.split(",") if one.strip()}


def _without_calls(text: str) -> str:
    """A script's text without what stands in brackets, one in another or not: the commas in them separate nothing."""
    plain = re.sub(r"\([^()]*\)", "", text)
    return plain if plain == text else _without_calls(plain)


def _modules() -> Iterator[ast.Module]:
    for file in [*(ROOT / "slipway").rglob("*.py"), *ROOT.glob("*.py")]:
        yield ast.parse(file.read_text(encoding="utf-8"))


def _templates() -> Iterator[nodes.Template]:
    for file in (ROOT / "slipway").rglob("*.html"):
        yield Environment(autoescape=True).parse(file.read_text(encoding="utf-8"))


def _scripts() -> Iterator[str]:
    for file in (ROOT / "slipway").rglob("*.js"):
        if not file.name.endswith(".min.js"):
            yield file.read_text(encoding="utf-8")
