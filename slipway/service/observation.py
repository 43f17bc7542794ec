"""What is learnt of a request while it is answered, for metrics, log and traces; `observed.py` starts and reads it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from itertools import chain
from typing import Any, Literal

from slipway.errors import Fault

Source = Literal["json", "file", "page"]
"""Where predictions are asked for: `/predict`, `/predict_csv`, or the form of the page."""

Tally = Counter[tuple[str, str | None]]
"""How many faults there are of a code and a field."""


_LEARNT = ("code", "source", "rows", "predictions", "explanations", "faults", "warnings")
"""What is noted by whoever answers a request, which may be another process."""


class Observation:
    """What is known of one request. Whoever learns something notes it; only `log_rows`, for the request log, holds values that were sent."""

    __slots__ = (
        "bytes_in",
        "bytes_out",
        "code",
        "expected",
        "explanations",
        "faults",
        "id",
        "log_rows",
        "predictions",
        "rows",
        "source",
        "status",
        "trace_id",
        "warnings",
    )

    def __init__(self) -> None:
        self.id = b""
        self.log_rows = b""
        self.trace_id = ""
        self.status = 0
        self.bytes_in = -1
        self.bytes_out = 0
        self.code: str | None = None  # of its refusal
        self.expected = False  # whether a status of 5xx is no fault of the server
        self.source: Source | None = None
        self.rows = self.predictions = self.explanations = 0
        self.faults: Tally | None = None
        self.warnings: Counter[str] | None = None

    def asked(self, source: Source, rows: int, predictions: int = 0, explanations: int = 0) -> None:
        """Note for how many rows predictions are asked, and how many predictions and explanations were made."""
        self.source = source
        self.rows, self.predictions, self.explanations = rows, predictions, explanations

    def refused(self, code: str, faults: Sequence[Fault]) -> None:
        """Note why it is refused, and the faults that the answer lists."""
        self.code = code
        if faults:
            self.faults = tally(faults)

    def warned(self, warnings: Iterable[Sequence[Fault]]) -> None:
        """Note the warnings of each prediction."""
        if codes := [fault.code.value for fault in chain.from_iterable(warnings)]:
            self.warnings = Counter(codes)

    def learnt(self) -> dict[str, Any]:
        """What is noted by whoever answers, in JSON's types, as `learn` takes it."""
        noted = {name: getattr(self, name) for name in _LEARNT}
        return noted | {"faults": [(*fault, count) for fault, count in (self.faults or {}).items()]}

    def learn(self, learnt: dict[str, Any]) -> None:
        """Note what another process has noted."""
        for name in _LEARNT:
            setattr(self, name, learnt[name])
        self.faults = Counter({(code, field): count for code, field, count in learnt["faults"]})


def tally(faults: Iterable[Fault]) -> Tally:
    """The faults, counted by code and field."""
    return Counter((fault.code.value, fault.field) for fault in faults)


_CURRENT: ContextVar[Observation] = ContextVar("observation")


def begin() -> Observation:
    """That of the request whose task this is; from now on it is the current one."""
    noted = Observation()
    _CURRENT.set(noted)
    return noted


def current() -> Observation:
    """That of the request that is being answered; outside of any, one that nobody reads."""
    return _CURRENT.get(None) or Observation()
