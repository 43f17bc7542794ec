"""Where a table is, and what its reader has to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DataSource:
    """Where the table is: a file, or a file inside an installed package.

    `decimal` is the decimal mark, "," or ".", where numbers such as `1.030` can be read in two ways.
    """

    file: str
    package: str | None = None
    sha256: str | None = None
    decimal: str | None = None


@dataclass(frozen=True)
class ReadingOptions:
    """What was said of the cells of a table.

    `missing` has, for each column, the values that mean "not measured"; columns in `ignore` are
    read without a doubt being raised; `target` is the column to predict.
    """

    target: str = ""
    missing: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
