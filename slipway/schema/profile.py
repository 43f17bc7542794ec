"""What a training table looks like: the types of `profile.json`, which the Data tab shows.

It holds figures of many rows and no training row, see `slipway.training.profile`, which makes it.
"""

from dataclasses import dataclass
from typing import Literal

from slipway.schema.fields import Value

Edge = float | int | str
"""An end of a bar: a number, or a date as ISO text."""


@dataclass(frozen=True)
class TargetNumbers:
    """A number target: a histogram, and its percentiles from 0 to 100 %."""

    counts: tuple[int, ...]
    edges: tuple[float, ...]
    percentiles: tuple[float, ...]


@dataclass(frozen=True)
class TargetClasses:
    """A class target: rows of each class, in the order of `Target.classes`."""

    counts: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """The target in a part of a field's range.

    The part is from `low` to `high`, or the category `value`, or where the field is `missing`. Of enough
    `rows` there are percentiles of the target (`box`: 5, 25, 50, 75, 95) or the `shares` of its classes.
    """

    rows: int
    value: Value = None
    low: Edge | None = None
    high: Edge | None = None
    missing: bool = False
    box: tuple[float, ...] | None = None
    shares: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Histogram:
    """How a number, a date, a time or the length of a text is distributed, and the target in parts of its range.

    The edges of times are minutes. Dates with a time of day also have the rows of each hour of the day (`hours`), or, where an
    hour has fewer than five, of equal parts of a day.
    """

    missing: int
    edges: tuple[Edge, ...]
    counts: tuple[int, ...]
    relation: tuple[Part, ...]
    hours: tuple[int, ...] = ()


@dataclass(frozen=True)
class CategoryCounts:
    """How often each category occurs, most frequent first; `others` counts the rows of those not listed, such as all of fewer
    than five rows."""

    missing: int
    values: tuple[Value, ...]
    counts: tuple[int, ...]
    others: int
    relation: tuple[Part, ...]


@dataclass(frozen=True)
class Associations:
    """How strongly columns are related, from 0 to 1: `matrix` has shape (n, n), and the target comes last."""

    names: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Alert:
    """What a person should know of a field or the target before trusting the model; each kind has its figures."""

    kind: Literal["leak", "imbalance", "missing", "twins", "constant", "rare", "skewed"]
    field: str
    share: float | None = None
    largest: float | None = None
    value: Value = None
    values: tuple[Value, ...] = ()
    rows: int | None = None
    count: int | None = None
    below: int | None = None
    other: str | None = None
    association: float | None = None
    skewness: float | None = None


@dataclass(frozen=True)
class Profile:
    """What `profile.json` holds."""

    rows: int
    target: TargetNumbers | TargetClasses
    fields: dict[str, Histogram | CategoryCounts]
    associations: Associations
    alerts: tuple[Alert, ...]
