"""A use case as a typed object: what a YAML file says about a table and its model.

Everything is optional but the name: `train.py --data FILE --target COLUMN` makes the
smallest use case there is. Only `true` and `false` are booleans in these files, so that
`smoker: yes` is the text "yes", as it stands in the table.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

from slipway.errors import UseCaseError, nearest
from slipway.schema.types import KINDS, TASKS, Kind, Task, Text
from slipway.tables.source import DataSource, ReadingOptions

NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")


@dataclass(frozen=True)
class FieldSpec:
    """What the use case knows of one input that the table does not say."""

    kind: Kind | None = None
    label: Text | None = None
    unit: Text | None = None
    help: Text | None = None
    minimum: float | None = None
    maximum: float | None = None
    format: str | None = None
    categories: dict[str, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class TargetSpec:
    """The column to predict, and how an answer is worded."""

    column: str = ""
    label: Text | None = None
    unit: Text | None = None
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    positive: Any = None
    threshold: float | None = None
    classes: dict[str, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class Band:
    """A sentence for probabilities of the positive class below `below`."""

    below: float
    text: Text


@dataclass(frozen=True)
class Example:
    """A made-up person to click on the page."""

    label: Text
    values: dict[str, Any]


@dataclass(frozen=True)
class TrainingSpec:
    """How PyCaret compares and chooses."""

    metric: str | None = None
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    folds: int = 10
    tune: bool = False
    seed: int = 123
    limit_rows: int | None = None


@dataclass(frozen=True)
class UseCase:
    """One table, its target, its texts and the PyCaret options to train with."""

    name: str
    target: TargetSpec = field(default_factory=TargetSpec)
    data: DataSource | None = None
    title: Text | None = None
    summary: Text | None = None
    task: Task | None = None
    fields: dict[str, FieldSpec] = field(default_factory=dict)
    missing: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    training: TrainingSpec = field(default_factory=TrainingSpec)
    setup: dict[str, Any] = field(default_factory=dict)
    answer: Text | None = None
    bands: tuple[Band, ...] = ()
    disclaimer: Text | None = None
    examples: tuple[Example, ...] = ()

    @property
    def reading(self) -> ReadingOptions:
        """What a reader of the table has to know."""
        return ReadingOptions(self.target.column, self.missing, self.ignore)


def check_name(name: str, where: str | Path) -> str:
    """`name`, if the BentoML store takes it as a model name."""
    if not NAME.fullmatch(name) or len(name) > 50:
        raise UseCaseError(
            where,
            f"{name!r} is no model name; use up to 50 lower-case letters, digits, '-', '_' and '.', "
            "with a letter or digit at both ends",
        )
    if name.endswith("-pipeline"):
        raise UseCaseError(where, f"{name!r} is no model name; '-pipeline' is for the fitted pipelines of others")
    return name


def pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    """What a repeated option such as `--format COLUMN=%d/%m/%Y` says of each column."""
    found = {}
    for text in given:
        name, equals, value = text.rpartition("=")
        if not equals or not name:
            raise UseCaseError(option, f"{text!r} is not COLUMN=VALUE")
        found[name] = value
    return found


class _Mapping(dict[Any, Any]):
    """A YAML mapping that remembers the line of each key."""

    lines: dict[Any, int]


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's plain values, the lines of keys, and no doubled keys.

    YAML 1.1 makes a boolean of `yes`, a date of `2024-05-31`, 8 of `010` and 750 of `12:30`.
    """


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


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> _Mapping:
    mapping = _Mapping()
    mapping.lines = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if isinstance(key, (list, dict)):
            raise yaml.MarkedYAMLError(problem="a key must be a text", problem_mark=key_node.start_mark)
        if key in mapping:
            raise yaml.MarkedYAMLError(problem=f"the key {key!r} is there twice", problem_mark=key_node.start_mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
        mapping.lines[key] = line
    return mapping


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def read(path: str | Path) -> UseCase:
    """The use case that a YAML file describes.

    Raises
    ------
    UseCaseError
        If the file cannot be read, is no YAML, or has an unknown key or a value of the
        wrong type: with the line, and the nearest known key.
    """
    path = Path(path)
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except OSError as exc:
        raise UseCaseError(path, f"cannot be read ({exc.strerror}); give the path of a use-case YAML file") from exc
    except UnicodeDecodeError as exc:
        raise UseCaseError(path, "is not UTF-8 text; save it as UTF-8") from exc
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else None
        raise UseCaseError(path, f"is no valid YAML: {exc.problem}", line) from exc
    except yaml.YAMLError as exc:
        raise UseCaseError(path, f"is no valid YAML: {exc}") from exc
    if not isinstance(raw, _Mapping):
        raise UseCaseError(path, "holds no use case; expected keys such as `name:`, `data:` and `target:`")
    return _Reader(path).use_case(raw)


class _Reader:
    """Turns the mappings of one file into the dataclasses above, or says which line is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, mapping: _Mapping, key: Any, problem: str) -> UseCaseError:
        return UseCaseError(self.path, problem, mapping.lines.get(key))

    def keys(self, mapping: _Mapping, allowed: Mapping[str, Any], what: str) -> None:
        for key in mapping:
            if key not in allowed:
                hint = nearest(str(key), allowed) or f"; known are {', '.join(allowed)}"
                raise self.fail(mapping, key, f"unknown key {key!r} in {what}{hint}")

    def get(self, mapping: _Mapping, key: str, types: type | tuple[type, ...], expected: str) -> Any:
        value = mapping.get(key)
        wrong_bool = isinstance(value, bool) and types is not bool
        if value is not None and (wrong_bool or not isinstance(value, types)):
            raise self.fail(mapping, key, f"`{key}` is {value!r}, expected {expected}")
        return value

    def mapping(self, parent: _Mapping, key: str) -> _Mapping:
        value = self.get(parent, key, _Mapping, "keys with values")
        if value is None:
            value = _Mapping()
            value.lines = {}
        return value  # type: ignore[no-any-return]

    def text(self, mapping: _Mapping, key: str) -> Text | None:
        value = self.get(mapping, key, (str, _Mapping), "a text, or {en: …, zh: …}")
        if value is None:
            return None
        if isinstance(value, str):
            return {"en": value}
        self.keys(value, {"en": str, "zh": str}, f"`{key}`")
        if "en" not in value or not all(isinstance(text, str) for text in value.values()):
            raise self.fail(mapping, key, f"`{key}` needs a text for `en` (and may have one for `zh`)")
        return dict(value)

    def number(self, mapping: _Mapping, key: str) -> float | None:
        return self.get(mapping, key, (int, float), "a number")  # type: ignore[no-any-return]

    def bounds(self, spec: _Mapping) -> tuple[float | None, float | None]:
        low, high = self.number(spec, "minimum"), self.number(spec, "maximum")
        if low is not None and high is not None and low >= high:
            raise self.fail(spec, "minimum", f"`minimum` {low} is not below `maximum` {high}")
        return low, high

    def whole(self, mapping: _Mapping, key: str, default: int | None, least: int) -> int | None:
        value = self.get(mapping, key, int, "a whole number")
        if value is not None and value < least:
            raise self.fail(mapping, key, f"`{key}` is {value}, expected at least {least}")
        return default if value is None else value

    def choice(self, mapping: _Mapping, key: str, choices: tuple[str, ...]) -> Any:
        value = mapping.get(key)
        if value is not None and value not in choices:
            hint = nearest(str(value), choices) or f"; known are {', '.join(choices)}"
            raise self.fail(mapping, key, f"`{key}` is {value!r}{hint}")
        return value

    def names(self, mapping: _Mapping, key: str) -> tuple[str, ...] | None:
        value = self.get(mapping, key, list, "a list of names")
        if value is None:
            return None
        if not value or not all(isinstance(item, str) for item in value):
            raise self.fail(mapping, key, f"`{key}` is {value!r}, expected a list of names")
        return tuple(value)

    def use_case(self, raw: _Mapping) -> UseCase:
        self.keys(raw, UseCase.__dataclass_fields__, "the use case")
        name = self.get(raw, "name", str, "a text") or self.path.stem
        if raw.get("target") is None:
            raise UseCaseError(self.path, "has no `target:`; name the column to predict")
        return UseCase(
            name=check_name(name, self.path),
            target=self.target(raw),
            data=self.data(raw),
            title=self.text(raw, "title"),
            summary=self.text(raw, "summary"),
            task=self.choice(raw, "task", TASKS),
            fields={str(key): self.field_spec(self.mapping(raw, "fields"), key) for key in self.mapping(raw, "fields")},
            missing=self.missing(raw),
            ignore=self.names(raw, "ignore") or (),
            training=self.training(raw),
            setup=_plain(self.mapping(raw, "setup")),
            answer=self.answer(raw),
            bands=self.bands(raw),
            disclaimer=self.text(raw, "disclaimer"),
            examples=self.examples(raw),
        )

    def data(self, raw: _Mapping) -> DataSource | None:
        spec = self.get(raw, "data", (str, _Mapping), "a path, or {file: …, package: …}")
        if spec is None:
            return None
        if isinstance(spec, str):
            return DataSource(str(self.path.parent / spec))
        self.keys(spec, DataSource.__dataclass_fields__, "`data`")
        file = self.get(spec, "file", str, "a path")
        if not file:
            raise self.fail(raw, "data", "`data` needs `file:`, the path of the table")
        package = self.get(spec, "package", str, "the name of an installed package")
        sha256 = self.get(spec, "sha256", str, "64 hexadecimal digits")
        if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
            raise self.fail(spec, "sha256", f"`sha256` is {sha256!r}, expected 64 hexadecimal digits")
        return DataSource(
            file=file if package else str(self.path.parent / file),
            package=package or None,
            sha256=sha256,
            decimal=self.choice(spec, "decimal", (",", ".")),
        )

    def target(self, raw: _Mapping) -> TargetSpec:
        spec = self.get(raw, "target", (str, _Mapping), "a column's name, or {column: …}")
        if isinstance(spec, str):
            return TargetSpec(spec)
        self.keys(spec, TargetSpec.__dataclass_fields__, "`target`")
        column = self.get(spec, "column", str, "a column's name")
        if not column:
            raise self.fail(raw, "target", "`target` needs `column:`, the column to predict")
        low, high = self.bounds(spec)
        threshold = self.number(spec, "threshold")
        if threshold is not None and not 0 < threshold < 1:
            raise self.fail(spec, "threshold", f"`threshold` is {threshold}, expected a probability between 0 and 1")
        return TargetSpec(
            column=column,
            label=self.text(spec, "label"),
            unit=self.text(spec, "unit"),
            minimum=low,
            maximum=high,
            decimals=self.whole(spec, "decimals", None, 0),
            positive=spec.get("positive"),
            threshold=threshold,
            classes=self.labels(spec, "classes"),
        )

    def field_spec(self, fields: _Mapping, name: Any) -> FieldSpec:
        spec = self.mapping(fields, name)
        self.keys(spec, FieldSpec.__dataclass_fields__, f"the field {name!r}")
        low, high = self.bounds(spec)
        return FieldSpec(
            kind=self.choice(spec, "kind", KINDS),
            label=self.text(spec, "label"),
            unit=self.text(spec, "unit"),
            help=self.text(spec, "help"),
            minimum=low,
            maximum=high,
            format=self.get(spec, "format", str, "a date format such as '%d/%m/%Y'"),
            categories=self.labels(spec, "categories"),
        )

    def labels(self, spec: _Mapping, key: str) -> dict[str, Text]:
        values = self.mapping(spec, key)
        return {str(value): self.text(values, value) or {} for value in values}

    def missing(self, raw: _Mapping) -> dict[str, tuple[Any, ...]]:
        values = self.mapping(raw, "missing")
        return {str(column): tuple(found) if isinstance(found, list) else (found,) for column, found in values.items()}

    def training(self, raw: _Mapping) -> TrainingSpec:
        spec = self.mapping(raw, "training")
        self.keys(spec, TrainingSpec.__dataclass_fields__, "`training`")
        if spec.get("include") and spec.get("exclude"):
            raise self.fail(spec, "exclude", "give `include` or `exclude`, not both")
        return TrainingSpec(
            metric=self.get(spec, "metric", str, "a metric's name"),
            include=self.names(spec, "include"),
            exclude=self.names(spec, "exclude"),
            folds=self.whole(spec, "folds", 10, 2) or 10,
            tune=bool(self.get(spec, "tune", bool, "true or false")),
            seed=self.whole(spec, "seed", 123, 0) or 0,
            limit_rows=self.whole(spec, "limit_rows", None, 2),
        )

    def answer(self, raw: _Mapping) -> Text | None:
        text = self.text(raw, "answer")
        for sentence in (text or {}).values():
            try:
                fields = [name for _, name, _, _ in Formatter().parse(sentence) if name is not None]
                if unknown := set(fields) - {"prediction", "probability", "target"}:
                    raise KeyError(*unknown)
                sentence.format(prediction="1", probability="2", target="3")
            except (LookupError, ValueError, AttributeError, TypeError) as exc:
                raise self.fail(
                    raw,
                    "answer",
                    f"`answer` has a placeholder that is not known ({exc}); "
                    "known are {prediction}, {probability} and {target}",
                ) from exc
        return text

    def bands(self, raw: _Mapping) -> tuple[Band, ...]:
        bands = []
        for item in self.get(raw, "bands", list, "a list of {below: …, text: …}") or []:
            if not isinstance(item, _Mapping):
                raise self.fail(raw, "bands", f"a band is {item!r}, expected {{below: …, text: …}}")
            self.keys(item, Band.__dataclass_fields__, "a band")
            below, text = self.number(item, "below"), self.text(item, "text")
            if below is None or text is None or not 0 < below <= 1:
                raise self.fail(raw, "bands", "a band needs `below`, above 0 and at most 1, and `text`")
            bands.append(Band(below, text))
        if bands and ([band.below for band in bands] != sorted({band.below for band in bands}) or bands[-1].below != 1):
            raise self.fail(raw, "bands", "bands must rise in `below` and end with 1")
        return tuple(bands)

    def examples(self, raw: _Mapping) -> tuple[Example, ...]:
        examples = []
        for item in self.get(raw, "examples", list, "a list of {label: …, values: …}") or []:
            if not isinstance(item, _Mapping):
                raise self.fail(raw, "examples", f"an example is {item!r}, expected {{label: …, values: …}}")
            self.keys(item, Example.__dataclass_fields__, "an example")
            label, values = self.text(item, "label"), self.mapping(item, "values")
            if label is None or not values:
                raise self.fail(raw, "examples", "an example needs `label` and `values`")
            examples.append(Example(label, dict(values)))
        return tuple(examples)


def _plain(value: Any) -> Any:
    """`value` with plain dicts, as PyCaret's `setup()` takes them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
