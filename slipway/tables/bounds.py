"""Limits on a file of a stranger, checked while it is read: what was read is in memory already."""

from dataclasses import dataclass

from slipway.errors import RequestCode, TableTooLargeError

CELLS_OF_A_ROW = 4
"""A row may have as many characters as so many of the longest cells, so that no row is read that is far too long."""


@dataclass(frozen=True)
class Bound:
    """A limit on some part of a file, the setting that defines it, and what to do about more."""

    limit: int
    setting: str
    remedy: str
    when: str = ""

    def passed(
        self, source: str, found: int, what: str, code: RequestCode, line: int | None = None
    ) -> TableTooLargeError:
        """The error for a file that has more of it: `found` at least."""
        limit = f"{self.when}the limit is {self.limit:,} ({self.setting})"
        problem = f"has at least {found:,} {what}; {limit}: {self.remedy}"
        return TableTooLargeError(source, problem, code, found=found, limit=self.limit, line=line)


_NONE = Bound(2**48, "", "")


@dataclass(frozen=True)
class Bounds:
    """What a file may have. `cells` counts those that a row lacks, too; `cell` is in characters, `unpacked` in bytes."""

    rows: Bound
    columns: Bound
    cells: Bound
    cell: Bound
    unpacked: Bound = _NONE


UNBOUNDED = Bounds(_NONE, _NONE, _NONE, _NONE)
