"""What is counted of the model: predictions, faults, warnings, explanations, refusals, and which version it is."""

import time

from slipway import __version__
from slipway.errors import WarningCode
from slipway.schema.schema import Schema
from slipway.service.metrics import DURATION, Counts, Labels, Metric
from slipway.service.observation import Observation
from slipway.service.paths import OTHER
from slipway.store import Version

MOST_FIELDS = 500
"""Fields that faults are counted by; those of any further one, and of names that are none, are `other`."""

INFO = Metric(
    "gauge",
    "slipway_model_info",
    "The version that is served; always 1",
    ("model", "version", "engine", "task", "slipway"),
    "livemax",
)
STARTED = Metric("gauge", "slipway_start_time_seconds", "When the oldest worker started, in Unix time", (), "livemin")
LAST_STARTED = Metric(
    "gauge", "slipway_last_worker_start_time_seconds", "When the newest worker started, in Unix time", (), "livemax"
)
WORKERS = Metric("gauge", "slipway_workers", "Workers that run", (), "livesum")
EXPECTED = Metric("gauge", "slipway_workers_expected", "Workers that there should be", (), "livemax")
IN_WORK = Metric("gauge", "slipway_requests_in_work", "Requests that have come and are not answered", (), "livesum")
PREDICTIONS = Metric("counter", "slipway_predictions_total", "Predictions, by where they were asked for", ("source",))
ROWS = Metric("counter", "slipway_rows_total", "Records and rows that came, valid or not", ("source",))
EXPLANATIONS = Metric("counter", "slipway_explanations_total", "Explanations of a prediction", ("source",))
FAULTS = Metric(
    "counter",
    "slipway_faults_total",
    "Faults of records and rows, the first 100 of a refused request; `field` is empty for a whole row, `other` for an unknown name",
    ("code", "field"),
)
WARNINGS = Metric("counter", "slipway_warnings_total", "Warnings of predictions", ("code",))
REFUSED = Metric("counter", "slipway_requests_refused_total", "Requests that were refused", ("status", "code"))
LOG_ROWS = Metric("counter", "slipway_request_log_rows_total", "Rows written to the request log")
LOG_DROPPED = Metric(
    "counter",
    "slipway_request_log_dropped_total",
    "Rows that the request log had no room for, or that it could not write",
)

METRICS = (
    *(PREDICTIONS, ROWS, FAULTS, WARNINGS, EXPLANATIONS, REFUSED, DURATION, IN_WORK),
    *(LOG_ROWS, LOG_DROPPED, INFO, WORKERS, EXPECTED, STARTED, LAST_STARTED),
)
"""All of ours, as docs/operations.md lists them."""
_IN_WORK: tuple[Metric, Labels] = (IN_WORK, ())
SOURCES = ("json", "file", "page")


class ModelMetrics:
    """Counts what the requests of one worker come to.

    Parameters
    ----------
    counts : Counts
    version : Version
    schema : Schema
    workers : int
        That there should be.
    """

    def __init__(self, counts: Counts, version: Version, schema: Schema, workers: int) -> None:
        self._counts = counts
        self._fields = {*schema.names[:MOST_FIELDS], ""}
        self._sources = {source: ((PREDICTIONS, (source,)), (ROWS, (source,))) for source in SOURCES}
        model = (version.name, version.version, version.engine, schema.task, __version__)
        counts.set(INFO, *model, value=1)
        counts.set(WORKERS, value=1)
        counts.set(EXPECTED, value=workers)
        for metric in (STARTED, LAST_STARTED):
            counts.set(metric, value=time.time())
        # A rate is known from the first one on only if it was 0 before.
        for source in SOURCES:
            for metric in (PREDICTIONS, ROWS, EXPLANATIONS):
                counts.add(metric, source, amount=0)
        for code in WarningCode:
            counts.add(WARNINGS, code.value, amount=0)
        self.count_log(written=0, dropped=0)

    def begin(self) -> None:
        """A request has come."""
        self._counts.values[_IN_WORK] += 1

    def count_log(self, written: int, dropped: int) -> None:
        """Count what has become of rows of the request log."""
        self._counts.add(LOG_ROWS, amount=written)
        self._counts.add(LOG_DROPPED, amount=dropped)

    def count(self, noted: Observation) -> None:
        """Count what was noted of a request that is answered."""
        values = self._counts.values
        values[_IN_WORK] -= 1
        if noted.source:
            predictions, rows = self._sources[noted.source]
            values[predictions] += noted.predictions
            values[rows] += noted.rows
            if noted.explanations:
                self._counts.add(EXPLANATIONS, noted.source, amount=noted.explanations)
        if noted.code:
            self._counts.add(REFUSED, str(noted.status), noted.code)
        if noted.faults:
            for (code, field), amount in noted.faults.items():
                known = (field or "") if (field or "") in self._fields else OTHER
                self._counts.add(FAULTS, code, known, amount=amount)
        if noted.warnings:
            for code, amount in noted.warnings.items():
                self._counts.add(WARNINGS, code, amount=amount)
