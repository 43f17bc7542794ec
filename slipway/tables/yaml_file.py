"""YAML files that a person wrote: a use case, a deployment.

Read as YAML 1.2 reads plain values: only `true` and `false` are booleans, so that `smoker: yes`
is the text "yes", as in the table. YAML 1.1 makes a boolean of `yes`, a date of `2024-05-31`, 8
of `010` and 750 of `12:30`. Each mapping remembers the lines of its keys, and pydantic checks what
it holds: `Expected` and `Shape` give a field the words for a value of the wrong type.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from slipway.errors import nearest

_OUT_OF_BOUNDS = ("greater_than_equal", "string_too_short")
"""pydantic's types of errors that have words of their own: the value is of the right type."""


class YamlError(ValueError):
    """A file cannot be read as YAML; `line` is None where it is not known."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


class Mapping(dict[Any, Any]):
    """A YAML mapping that remembers the line of each key."""

    lines: dict[Any, int]


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's plain values, the lines of keys, no duplicate keys and no merges."""


_PLAIN = {
    "bool": (r"true|false", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    "float": (r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:e[-+]?[0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag.rpartition(":")[2] not in (*_PLAIN, "timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$", re.I), list(_first))


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> Mapping:
    mapping = Mapping()
    mapping.lines = {}
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        if key_node.tag == "tag:yaml.org,2002:merge":
            raise yaml.MarkedYAMLError(problem="`<<` is not supported; write the values out", problem_mark=mark)
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, (list, dict)):
            raise yaml.MarkedYAMLError(problem="a key must be a text", problem_mark=mark)
        if key in mapping:
            raise yaml.MarkedYAMLError(problem=f"duplicate key {key!r}", problem_mark=mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
        mapping.lines[key] = mark.line + 1
    return mapping


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def load(path: Path, remedy: str) -> Any:
    """The content of a YAML file: mappings as `Mapping`, lists, and plain values.

    Parameters
    ----------
    path : Path
    remedy : str
        What to do if there is no such file, such as "give the path of a use-case YAML file".

    Raises
    ------
    YamlError
        If the file cannot be opened, is not UTF-8 or not valid YAML, has a duplicate key, or
        holds a value that cannot be read.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except OSError as exc:
        raise YamlError(f"cannot be read ({exc.strerror}); {remedy}") from exc
    except UnicodeDecodeError as exc:
        raise YamlError("is not UTF-8 text; save it as UTF-8") from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        problem = " ".join(str(getattr(exc, "problem", None) or exc).split())
        raise YamlError(f"is not valid YAML: {problem}", mark.line + 1 if mark else None) from exc
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as exc:
        # What PyYAML lets through: a number of 5,000 digits, `!!int x`, ten thousand brackets.
        why = str(exc).partition("\n")[0] or type(exc).__name__
        raise YamlError(f"holds a value that cannot be read ({why}); put texts in quotes") from exc


def line_of(content: Any, path: Sequence[int | str]) -> int | None:
    """The line of the last key on a path, such as `("fields", "age", "minimum")`, that has one.

    Parameters
    ----------
    content : what `load` returned
    path : sequence of keys and positions in lists
        Keys as text, as pydantic has them in `loc`.
    """
    line = None
    for part in path:
        if isinstance(content, Mapping):
            key = next((key for key in content if str(key) == str(part)), None)
            if key not in content:
                break
            line, content = content.lines[key], content[key]
        elif isinstance(content, list) and isinstance(part, int) and part < len(content):
            content = content[part]
            if isinstance(content, Mapping) and content.lines:
                line = min(content.lines.values())
        else:
            break
    return line


def plain(value: Any) -> Any:
    """`value` with plain dicts, as other packages take them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def unknown(key: str, known: Sequence[str]) -> str:
    """The nearest known key as a hint, or all of them."""
    return nearest(key, known) or f"; known are {', '.join(known)}"


def short_repr(value: Any) -> str:
    """`repr(value)` in at most 80 characters."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "a huge number"
    return text if len(text) <= 80 else text[:79] + "…"


def fault(problem: str, key: str | None = None) -> PydanticCustomError:
    """What a validator raises to say a whole sentence; `key` is where inside the value."""
    return PydanticCustomError("fault", "{problem}", {"problem": problem, "key": key})


def expected(what: str) -> PydanticCustomError:
    """What a validator raises so that the message is "`key` is value, expected `what`"."""
    return PydanticCustomError("expected", "expected {what}", {"what": what})


@dataclass(frozen=True)
class Expected:
    """Metadata of a plain value: `text` is what is expected, in the message and the reference.

    With `choices`, the message has the nearest of them instead.
    """

    text: str
    choices: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as exc:
            if any(error["type"] in _OUT_OF_BOUNDS for error in exc.errors()):
                raise
            if self.choices:
                raise PydanticCustomError(
                    "unknown_choice", "{hint}", {"hint": unknown(str(value), self.choices)}
                ) from None
            raise expected(self.text) from None


@dataclass(frozen=True)
class Shape:
    """Metadata of a value with something inside it: its type, and what makes pydantic's input of it.

    With `shorthand`, a text stands for a mapping with this one key.
    """

    text: str
    type: type
    convert: Callable[[Any], Any] = lambda value: value
    shorthand: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        either = core_schema.union_schema([core_schema.str_schema(), inner]) if self.shorthand else None
        return core_schema.no_info_before_validator_function(self._check, inner, json_schema_input_schema=either)

    def _check(self, value: Any) -> Any:
        if self.shorthand and isinstance(value, str):
            return {self.shorthand: value}
        if not isinstance(value, self.type):
            raise expected(self.text)
        return self.convert(value)


def by_text(mapping: dict[Any, Any]) -> dict[str, Any]:
    """A mapping by its keys as text: classes and categories may look like numbers."""
    return {str(key): value for key, value in mapping.items()}


def written_out(mapping: dict[Any, Any]) -> dict[str, Any]:
    """A mapping without the keys that have no value: `training:` with nothing under it has the defaults."""
    return {str(key): value for key, value in mapping.items() if value is not None}
