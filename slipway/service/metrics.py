"""What a worker counts, and how it is called in Prometheus.

Counting costs a request a few look-ups in dictionaries. What was counted is written to files of the worker at most once a
second (`slipway.service.metric_files`), from which any process answers `/metrics` for all workers.
"""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

INFINITY = float("inf")

Labels = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric, with all its labels.

    Parameters
    ----------
    kind : {"counter", "gauge", "histogram"}
    name : str
        As it is scraped, a counter with its `_total`.
    help : str
    labels : tuple of str
    mode : str
        How the values of several workers become one. Of a gauge: `livesum`, `livemin`, `livemax` (of workers that run),
        or `max`. Others are added up, those of ended workers included.
    buckets : tuple of float
        Of a histogram: the upper bounds in seconds, the last of them infinite.
    """

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    help: str
    labels: Labels = ()
    mode: str = ""
    buckets: tuple[float, ...] = ()


SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, INFINITY)
"""A prediction takes half a millisecond, a large file several seconds."""

DURATION = Metric(
    "histogram",
    "slipway_request_duration_seconds",
    "Seconds from the headers of a request to the end of its answer",
    ("route",),
    buckets=SECONDS,
)


class Times:
    """How long something took: how often between two bounds, and in total."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * len(bounds)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


class Counts:
    """What a worker has counted since it started, to be used on its event loop alone."""

    def __init__(self) -> None:
        self.values: dict[tuple[Metric, Labels], float] = defaultdict(float)
        self.times: dict[tuple[Metric, Labels], Times] = {}

    def add(self, metric: Metric, *labels: str, amount: float = 1) -> None:
        """Add to a counter or a gauge."""
        self.values[metric, labels] += amount

    def set(self, metric: Metric, *labels: str, value: float) -> None:
        """Set a gauge."""
        self.values[metric, labels] = value

    def timer(self, metric: Metric, *labels: str) -> Times:
        """Where the times of a histogram with these labels are counted."""
        if (found := self.times.get((metric, labels))) is None:
            found = self.times[metric, labels] = Times(metric.buckets)
        return found
