"""Where a table is, and what its reader has to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, with_config

from slipway.tables.address import is_address, shown_address
from slipway.tables.yaml_file import Expected

PathText = Annotated[str, Field(min_length=1), Expected("a path")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$"), Expected("64 hexadecimal digits")]
DecimalMark = Annotated[Literal[",", "."], Expected("`,` or `.`", choices=(",", "."))]


@dataclass(frozen=True)
class FileOptions:
    """What is known of a file, and need not be found in it.

    `sheet` is the name or number of a sheet of a workbook; `encoding`, `separator` and `header` are for a text file, and
    `header` says whether it has names of columns.
    """

    sheet: str | int | None = None
    encoding: str | None = None
    separator: str | None = None
    header: bool | None = None


@with_config(extra="forbid")
@dataclass(frozen=True)
class DataSource:
    """Where the table is: a file, or a file inside an installed package."""

    file: Annotated[
        PathText,
        Field(
            description="The table: CSV and other delimited text, Excel, JSON, Parquet, Feather, packed or not; or the address "
            "of a database, with `query`. The path is relative to the use-case file, or with `package` to where packages "
            "are installed."
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
    sheet: Annotated[
        Annotated[str, Expected("the name or number of a sheet")] | int | None,
        Field(description="The sheet of a workbook, by its name or number; the first with a table otherwise."),
    ] = None
    query: Annotated[
        Annotated[str, Expected("a SELECT")] | None,
        Field(
            description="One SELECT, if `file` is the address of a database. `$NAME` in the address is taken from the environment."
        ),
    ] = None
    encoding: Annotated[
        Annotated[str, Expected("an encoding such as utf-8, cp1252 or shift_jis")] | None,
        Field(description="The encoding of a text file, where the one that was found is wrong."),
    ] = None
    separator: Annotated[
        Annotated[str, Field(min_length=1, max_length=1), Expected("one character")] | None,
        Field(description="What separates the cells of a text file, where what was found is wrong."),
    ] = None
    header: Annotated[
        Annotated[bool, Expected("true or false")] | None,
        Field(description="Whether a text file or sheet has names of columns, where what was found is wrong."),
    ] = None

    @property
    def options(self) -> FileOptions:
        """What is known of the file."""
        return FileOptions(self.sheet, self.encoding, self.separator, self.header)

    @property
    def shown(self) -> str:
        """Where the table is, for people: an address without its password."""
        return shown_address(self.file) if is_address(self.file) else self.file


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
