"""A use-case file, read: the first mistake as one line that names where, what and the nearest key."""

from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from slipway.errors import UseCaseError
from slipway.i18n.catalogues import languages
from slipway.tables.address import is_address
from slipway.tables.source import DataSource
from slipway.tables.yaml_file import Mapping, YamlError, line_of, load, short_repr, unknown
from slipway.training.usecase.appearance import PageSpec
from slipway.training.usecase.card import CardSpec
from slipway.training.usecase.models import Band, Example, FieldSpec, TargetSpec, TrainingSpec, UseCase
from slipway.training.usecase.values import BAND_NEEDS

_UNKNOWN_KEY = ("unexpected_keyword_argument", "unknown_key")
_LEFT_OUT = ("missing", "too_short", "string_too_short")
_NEEDS = {
    TargetSpec: "`target` needs `column:`, the column to predict",
    DataSource: "`data` needs `file:`, the path of the table",
    Band: BAND_NEEDS,
    Example: "an example needs `label` and `values`",
}


@cache
def adapter() -> TypeAdapter[UseCase]:
    """What checks a use case; built when the first file is read."""
    return TypeAdapter(UseCase)


def read(path: str | Path) -> UseCase:
    """The use case that a YAML file describes.

    Raises
    ------
    UseCaseError
        If the file cannot be read, is not valid YAML, or has an unknown key or a value of the
        wrong type: with the line, and the nearest known key.
    """
    path = Path(path)
    try:
        content = load(path, "give the path of a use-case YAML file")
    except YamlError as exc:
        raise UseCaseError(path, exc.problem, exc.line) from exc
    if not isinstance(content, Mapping):
        raise UseCaseError(path, "holds no use case; expected keys such as `name:`, `data:` and `target:`")
    given = {key: value for key, value in content.items() if value is not None}
    given["name"] = given.get("name") or path.stem
    try:
        case = adapter().validate_python(given)
    except ValidationError as exc:
        raise _refusal(path, content, exc) from None
    if "target" not in given:
        raise UseCaseError(path, "has no `target:`; name the column to predict")
    if case.data and not case.data.package and not is_address(case.data.file):
        case = replace(case, data=replace(case.data, file=str(path.parent / case.data.file), package=None))
    if case.page.logo:
        case = replace(case, page=replace(case.page, logo=str(path.parent / case.page.logo)))
    return case


def _refusal(path: Path, content: Mapping, exc: ValidationError) -> UseCaseError:
    """The first mistake: an unknown key before others, since it may be what a missing one was meant to be."""
    places = [(error, _place(error)) for error in exc.errors()]
    lines = {place: line_of(content, place) for _, place in places}
    error, place = min(places, key=lambda item: (item[0]["type"] not in _UNKNOWN_KEY, lines[item[1]] or 0))
    return UseCaseError(path, _sentence(error, place), lines[place])


def _place(error: ErrorDetails) -> tuple[int | str, ...]:
    key = error.get("ctx", {}).get("key")
    return (*error["loc"], key) if key is not None else error["loc"]


def _sentence(error: ErrorDetails, place: tuple[int | str, ...]) -> str:
    kind, key, context = error["type"], place[-1], error.get("ctx", {})
    if kind in _UNKNOWN_KEY:
        owner, known = _owner(place[:-1])
        return f"unknown key {key!r} in {owner}{unknown(str(key), known)}"
    where = f" ({'.'.join(map(str, place))})" if len(place) > 1 else ""
    subject = _owner(place)[0] if isinstance(key, int) else f"`{key}`"
    return _problem(error, subject, _NEEDS.get(_model(place[:-1])), context) + where


def _problem(error: ErrorDetails, subject: str, needs: str | None, context: dict[str, Any]) -> str:
    kind, value = error["type"], short_repr(error["input"])
    if kind == "fault":
        return str(context["problem"])
    if kind == "of_key":
        return f"{subject} {context['problem']}"
    if kind == "unknown_choice":
        return f"{subject} is {value}{context['hint']}"
    if kind == "expected":
        return f"{subject} is {value}, expected {context['what']}"
    if kind == "greater_than_equal":
        return f"{subject} is {value}, expected at least {context['ge']}"
    if needs and kind in _LEFT_OUT:
        return needs
    return f"{subject} is {value}: {error['msg']}"


def _owner(place: tuple[int | str, ...]) -> tuple[str, list[str]]:
    """The mapping at a place in words, and the keys that it may have."""
    model = _model(place)
    known = [item.name for item in fields(model)] if model else list(languages())
    match place:
        case ():
            return "the use case", known
        case ("fields", name):
            return f"the field {name!r}", known
        case ("bands", _):
            return "a band", known
        case ("examples", _):
            return "an example", known
    return f"`{place[-1]}`", known


def _model(place: tuple[int | str, ...]) -> Any:
    """The class of the mapping at a place; None for a text by language."""
    match place:
        case ():
            return UseCase
        case ("data",):
            return DataSource
        case ("target",):
            return TargetSpec
        case ("training",):
            return TrainingSpec
        case ("page",):
            return PageSpec
        case ("card",):
            return CardSpec
        case ("fields", _):
            return FieldSpec
        case ("bands", _):
            return Band
        case ("examples", _):
            return Example
    return None
