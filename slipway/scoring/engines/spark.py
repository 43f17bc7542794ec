"""Spark: `mapInArrow` of a range, one part to a partition. Spark tries a part up to four times, on any executor."""

import os
import sys

from pyspark.sql import SparkSession

from slipway.scoring.engines import DONE, Cluster, Make

_CONFIGURED = ("PYSPARK_GATEWAY_PORT", "PYSPARK_SUBMIT_ARGS", "SPARK_CONF_DIR", "SPARK_REMOTE")
"""Variables of which one is set where Spark knows its master: under `spark-submit`, in notebooks, with a configuration."""
_TRIES = 4
"""As often as clusters try a task, unless they are told otherwise; a master on this machine would try it once."""


def run(make: Make, count: int, cluster: Cluster) -> list[tuple[int, ...]]:
    """See `Engine.run`; Spark's own settings are those of `spark-submit` and of `SPARK_CONF_DIR`."""
    # Executors must have this Python's packages, not those of the first `python3` on their path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("slipway score").config("spark.ui.showConsoleProgress", "false")
    if cluster.address or not any(name in os.environ for name in _CONFIGURED):
        builder = builder.master(cluster.address or f"local[{cluster.workers},{_TRIES}]")
    session = builder.getOrCreate()
    try:
        session.sparkContext.setLogLevel("OFF")  # what failed is said in one line
        numbers = session.range(0, count, 1, count)
        columns = ", ".join(f"{name} long" for name in DONE)
        return [tuple(row) for row in numbers.mapInArrow(make, columns).collect()]
    finally:
        session.stop()
