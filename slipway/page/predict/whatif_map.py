"""What if two inputs change at once: a map of the predictions over both ranges, with everything else unchanged."""

from itertools import product
from typing import Any

from markupsafe import Markup

from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.page.predict import whatif
from slipway.schema.fields import Field, Record, json_equal

CELLS = 15
"""Along each side: 225 predictions take as long as some five answers."""
_HTML = macros("predict/whatif.html")


def values(field: Field, own: Any) -> list[Any]:
    """The values along one side: of numbers and moments the record's own takes the place of the nearest one."""
    every = whatif.values(field, own)
    if field.categories:
        others = [value for value in every if not json_equal(value, own)]
        kept = {str(value) for value in ([own] if own is not None else []) + others[: CELLS - 1]}
        return [value for value in every if str(value) in kept]
    if len(every) <= CELLS:
        return every
    spaced = [every[round(at * (len(every) - 1) / (CELLS - 1))] for at in range(CELLS)]
    if own in every and own not in spaced:
        nearest = min(range(CELLS), key=lambda at: abs(every.index(spaced[at]) - every.index(own)))
        spaced[nearest] = own
    return spaced


def records(fields: tuple[Field, Field], record: Record) -> tuple[list[Any], list[Any], list[Record]]:
    """The values of both fields, and the record with each pair of them, row by row."""
    across, down = (values(field, record[field.name]) for field in fields)
    if not fields[1].categories:
        down = down[::-1]  # the largest at the top
    pairs = product(down, across)
    return across, down, [record | {fields[0].name: x, fields[1].name: y} for y, x in pairs]


def render(
    page: PageContext,
    fields: tuple[Field, Field],
    record: Record,
    across: list[Any],
    down: list[Any],
    predictions: list[dict[str, Any]],
    now: Any,
) -> Markup:
    """The map; `predictions` are those of the pairs, row by row, and `now` the predicted class."""
    found = whatif.results(page, predictions, now)
    low, high = min(found.values), max(found.values)
    wide = len(across)
    cells = [
        [
            (found.amount(result), (result - low) / ((high - low) or 1.0) * 100)
            for result in found.values[start : start + wide]
        ]
        for start in range(0, len(found.values), wide)
    ]
    own = tuple(
        next((at for at, value in enumerate(side) if json_equal(value, record[field.name])), None)
        for side, field in ((down, fields[1]), (across, fields[0]))
    )
    sides = [
        [(page.value_text(field, value), whatif.box(page, field, value)) for value in side]
        for side, field in ((across, fields[0]), (down, fields[1]))
    ]
    ends = found.amount(low), found.amount(high)
    words = {"what": found.what, "first": page.text(fields[0].label), "second": page.text(fields[1].label)}
    for end, result in (("low", low), ("high", high)):
        row, column = divmod(found.values.index(result), wide)
        words |= {end: found.amount(result), f"{end}_at": f"{sides[0][column][0]}, {sides[1][row][0]}"}
    summary = page.t("page.whatif_map_summary", **words)
    return _HTML.whatif(found.what, _HTML.map(page, fields, *sides, cells, own, ends, summary))
