"""BentoML's metrics of HTTP requests, under its names and labels, and our own durations.

BentoML's own middleware is not used: it labels them with whatever path comes, so that random paths fill memory and disk,
and what is answered in front of it is not counted.
"""

import time

from bentoml import server_context

from slipway.service.metrics import DURATION, Counts, Labels, Metric, Times
from slipway.service.paths import PROBES
from slipway.store._bentoml import http_metrics

_LABELS = ("endpoint", "runner_name", "service_name", "service_version")


class HttpMetrics:
    """The metrics of the requests of one worker.

    Parameters
    ----------
    counts : Counts
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        namespace, buckets = http_metrics()
        coded = (*_LABELS, "http_response_code")
        self._total = Metric("counter", f"{namespace}_request_total", "Total number of HTTP requests", coded)
        self._duration = Metric(
            "histogram",
            f"{namespace}_request_duration_seconds",
            "HTTP request duration in seconds",
            coded,
            buckets=buckets,
        )
        self._in_progress = Metric(
            "gauge", f"{namespace}_request_in_progress", "HTTP requests in progress now", _LABELS, "livesum"
        )
        self._last = Metric(
            "gauge",
            f"{namespace}_last_request_timestamp_seconds",
            "Timestamp of the last request that was no probe",
            _LABELS[1:],
            "max",
        )
        self._service = (
            str(server_context.service_name),
            str(server_context.bento_name),
            str(server_context.bento_version),
        )
        self._ended: dict[tuple[str, int], tuple[tuple[Metric, Labels], Times, Times]] = {}
        self._begun: dict[str, tuple[Metric, Labels]] = {}
        for status in (200, 500):  # so that a rate can be told from the first call on
            counts.values[self._at("/predict", status)[0]] += 0

    def begin(self, route: str) -> None:
        """A request for a route has come."""
        if (key := self._begun.get(route)) is None:
            key = self._begun[route] = self._in_progress, (route, *self._service)
        self._counts.values[key] += 1
        if route not in PROBES:
            self._counts.values[self._last, self._service] = time.time()

    def end(self, route: str, status: int, seconds: float) -> None:
        """It has been answered."""
        self._counts.values[self._begun[route]] -= 1
        total, times, own = self._ended.get((route, status)) or self._at(route, status)
        self._counts.values[total] += 1
        times.add(seconds)
        own.add(seconds)

    def _at(self, route: str, status: int) -> tuple[tuple[Metric, Labels], Times, Times]:
        labels = (route, *self._service, str(status))
        times = self._counts.timer(self._duration, *labels)
        found = (self._total, labels), times, self._counts.timer(DURATION, route)
        self._ended[route, status] = found
        return found
