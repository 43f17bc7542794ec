"""Names of columns as PyCaret sees them, where a person's own would fail there or collide with names that it makes.

PyCaret strips brackets and commas, appends `_` and a value to the name of a category, drops what ends in
`__drop__`, and adds columns of its own to predictions; LightGBM and XGBoost refuse some characters. So that any name
works, such a column has another name inside the pipeline, and people only ever see theirs.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from slipway.errors import DataError
from slipway.schema.schema import Schema

_PLAIN = re.compile(r"[^\W\d_][\w .-]{0,99}")
"""A letter, then letters, digits and a few marks."""
_WORD = re.compile(r"\w+", re.ASCII)
_CLEANED = re.compile(r"[\]\[,{}\":]")
"""What LightGBM does not take in a name, and PyCaret removes."""
_TAKEN = re.compile(r"self|index|target|data|prediction_\w*|.*__drop__.*", re.IGNORECASE)
_LISTS = ("bin_numeric_features", "data_split_stratify", "keep_features")
"""Options of `setup()` that list columns."""


def safe_names(names: Iterable[str], target: str) -> dict[str, str]:
    """For each name that PyCaret would stumble over, another one.

    Parameters
    ----------
    names : iterable of str
        Of the inputs.
    target : str
        The name of the target.

    Returns
    -------
    dict of str to str
        Names that can stay are not in it.
    """
    every = [*names, target]
    base = "column"
    while any(name.casefold().startswith(base) for name in every):
        base += "x"
    return {name: f"{base}{place}" for place, name in enumerate(every) if not _fits(name, every)}


def _fits(name: str, every: list[str]) -> bool:
    # PyCaret makes `color_red` of the color red, and `a b` and `a^2` of products.
    made = any(name != other and name.startswith((f"{other}_", f"{other} ", f"{other}^")) for other in every)
    return bool(_PLAIN.fullmatch(name)) and not _TAKEN.fullmatch(name) and not made and name == name.rstrip()


def check_fitted_names(names: Iterable[str], source: str) -> None:
    """Refuse the names of a fitted experiment that PyCaret cannot tell apart.

    Parameters
    ----------
    names : iterable of str
        Of the target and the inputs.
    source : str
        The table, for messages.

    Raises
    ------
    DataError
        With the name and what to do.
    """
    cleaned: dict[str, str] = {}
    for name in names:
        if name.endswith("__drop__"):
            raise DataError(source, f"the column name {name!r} ends in '__drop__', where PyCaret drops it; rename it")
        clean = re.sub(r"[\]\[,{}\":]+", "", name)
        if clean in cleaned or not clean:
            other = f" and {cleaned[clean]!r} differ only in" if clean in cleaned else " has nothing but"
            raise DataError(
                source, f"{name!r}{other} brackets, commas, quotes or colons, which PyCaret drops; rename it"
            )
        cleaned[clean] = name


def setup_names(schema: Schema) -> dict[str, str]:
    """By name of an input or the target, the column's name in PyCaret's `setup()`.

    Parameters
    ----------
    schema : Schema

    Returns
    -------
    dict of str to str
    """
    inputs = {field.name: field.pipeline_name for field in schema.fields}
    target = schema.target.name
    names = inputs | {target: safe_names(inputs, target).get(target, target)}
    odd_values = any(_CLEANED.search(str(value)) for field in schema.fields for value in field.categories)
    # PyCaret cleans the names that it makes of categories, but only if a name in the table has a space or another mark.
    if odd_values and all(_WORD.fullmatch(name) for name in names.values()):
        names[target] += " target"
    return names


def with_setup_names(options: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Options of PyCaret's `setup()` in which columns have their names there.

    Parameters
    ----------
    options : mapping of str to Any
        As a use case has them.
    names : mapping of str to str
        As `setup_names` gives them.

    Returns
    -------
    dict of str to Any
    """

    def listed(value: Any) -> Any:
        return [names.get(name, name) for name in value] if isinstance(value, list) else value

    changed = {key: listed(value) if key in _LISTS else value for key, value in options.items()}
    if isinstance(ordinal := changed.get("ordinal_features"), dict):
        changed["ordinal_features"] = {names.get(name, name): levels for name, levels in ordinal.items()}
    if isinstance(groups := changed.get("group_features"), dict):
        changed["group_features"] = {group: listed(columns) for group, columns in groups.items()}
    if isinstance(column := changed.get("fold_groups"), str):
        changed["fold_groups"] = names.get(column, column)
    return changed


def with_own_names(text: str, schema: Schema) -> str:
    """A message of PyCaret's with the names that people know.

    Parameters
    ----------
    text : str
    schema : Schema

    Returns
    -------
    str
    """
    own = {inside: name for name, inside in setup_names(schema).items() if inside != name}
    if not own:
        return text
    known = "|".join(map(re.escape, sorted(own, key=len, reverse=True)))
    return re.sub(rf"(?<![^\W_])({known})(?![^\W_])", lambda match: own[match[1]], text)
