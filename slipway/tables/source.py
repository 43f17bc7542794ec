"""Where a table is, and what its reader has to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, with_config

from slipway.tables.yaml_file import Expected

PathText = Annotated[str, Field(min_length=1), Expected("a path")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$"), Expected("64 hexadecimal digits")]
DecimalMark = Annotated[Literal[",", "."], Expected("`,` or `.`", choices=(",", "."))]


@with_config(extra="forbid")
@dataclass(frozen=True)
class DataSource:
    """Where the table is: a file, or a file inside an installed package."""

    file: Annotated[
        PathText,
        Field(
            description="The table: CSV or Parquet. The path is relative to the use-case file, or with `package` to "
            "where packages are installed."
        ),
    ]
    package: Annotated[
        Annotated[str, Expected("the name of an installed package")] | None,
        Field(description="An installed Python package that holds the file."),
    ] = None
    sha256: Annotated[Sha256 | None, Field(description="Checksum of the file; a file with another one is refused.")] = (
        None
    )
    decimal: Annotated[
        DecimalMark | None,
        Field(description="The decimal mark, where numbers such as `1.030` can be read in two ways."),
    ] = None


@dataclass(frozen=True)
class ReadingOptions:
    """What a use case says about the cells of a table.

    `missing` has, for each column, the values that mean "not measured"; columns in `ignore` are
    read without any question being raised; `target` is the column to predict; `kinds` has the kinds
    that were named.
    """

    target: str = ""
    missing: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
