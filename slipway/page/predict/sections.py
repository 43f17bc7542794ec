"""In which order and under which headings the form has the fields: those first on which an answer depends most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slipway.schema.fields import Field
from slipway.schema.types import Text

UNFOLDED = 12
"""With more fields than this the form would be longer than a screen, and those that matter least are folded."""


@dataclass(frozen=True)
class Section:
    """Fields that stand together. `title` is None for those that come first, and for the rest of a form without groups."""

    title: Text | None
    fields: tuple[Field, ...]
    is_folded: bool = False


def sections(fields: Sequence[Field], importance: Mapping[str, float]) -> list[Section]:
    """The sections of the form.

    Where the use case has groups, they are the sections, in the order of the table; a group is folded if the form is long and
    none of its fields is among the most important ones. Without groups a long form has the most important fields
    first and folds the others.

    Parameters
    ----------
    fields : sequence of Field
    importance : mapping of str to float
        By the name of the field: how much the error grows when its values are shuffled.

    Returns
    -------
    list of Section
    """
    ranked = sorted(fields, key=lambda field: -importance.get(field.name, 0.0))
    first, rest = ranked[:UNFOLDED], ranked[UNFOLDED:]
    if any(field.group for field in fields):
        names = {field.name for field in first}
        return [
            Section(title, group, names.isdisjoint(field.name for field in group)) for title, group in _groups(fields)
        ]
    if not rest:
        return [Section(None, tuple(fields))]
    return [Section(None, tuple(first)), Section(None, tuple(rest), is_folded=True)]


def _groups(fields: Sequence[Field]) -> list[tuple[Text | None, tuple[Field, ...]]]:
    """Groups are the same if their English titles are; fields without one are a group as well."""
    groups: dict[str, list[Field]] = {}
    for field in fields:
        groups.setdefault(field.group["en"] if field.group else "", []).append(field)
    return [(group[0].group, tuple(group)) for group in groups.values()]
