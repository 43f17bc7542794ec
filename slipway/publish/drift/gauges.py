"""A comparison of recent rows with training as gauges, in the text format of Prometheus.

For the textfile collector of the node exporter, or a push gateway: who compares is a job that ends, and no server.
"""

import datetime as dt

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from slipway.publish.drift.report import DriftReport

_MODEL = ("model", "version")
_LEVELS = {"none": 0, "moderate": 1, "large": 2}


def gauges(report: DriftReport) -> str:
    """The lines of a file that is scraped.

    Parameters
    ----------
    report : DriftReport

    Returns
    -------
    str
    """
    registry = CollectorRegistry()
    model = report.model.split(":")

    def gauge(name: str, help: str, *labels: str) -> Gauge:
        return Gauge(f"slipway_drift_{name}", help, (*_MODEL, *labels), registry=registry)

    gauge("detected", "1 if recent rows differ from training, else 0").labels(*model).set(report.drift)
    gauge("rows", "Recent rows that were compared").labels(*model).set(report.rows)
    made = dt.datetime.fromisoformat(report.time).timestamp()
    gauge("time_seconds", "When they were compared, in seconds since 1970").labels(*model).set(made)
    level = gauge("level", "0 if a column is as in training, 1 if it moved, 2 if it moved far", "column", "of")
    index = gauge("stability_index", "Population stability index of a column", "column", "of")
    for column in report.columns:
        level.labels(*model, column.name, column.of).set(_LEVELS[column.worst])
        if column.stability_index is not None:
            index.labels(*model, column.name, column.of).set(column.stability_index)
    error = gauge("error", "A measure of the error: estimated, measured or that of training", "measure", "source")
    for source, changes in (("estimated", report.estimated), ("measured", report.measured)):
        for change in changes:
            error.labels(*model, change.measure, source).set(change.value)
            error.labels(*model, change.measure, "training").set(change.training)
    return generate_latest(registry).decode("utf-8")
