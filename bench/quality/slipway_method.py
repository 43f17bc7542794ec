"""Slipway on one table, as a person trains: `python -m bench.quality.slipway_method TRAIN TEST TARGET SEED OUT OPTION…`.

The version goes into a store of its own. Rows are given to what serves, the compiled graph; a category that training has not
seen, which the API refuses, is answered as the graph does.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.quality import losses
from slipway.schema.metrics import AVERAGE

ASKED = 50
"""Single records that are answered one by one, as the API does."""


def main(train: str, test: str, target: str, seed: str, out: str, *options: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["BENTOML_HOME"] = home  # before BentoML is imported
        _measure(train, test, target, seed, out, options)


def _measure(train: str, test: str, target: str, seed: str, out: str, options: tuple[str, ...]) -> None:
    import pandas as pd

    from slipway import store
    from slipway.cli.main import build_parser
    from slipway.cli.train import resolve
    from slipway.publish.train import fit

    command = ["train", "--data", train, "--target", target, "--name", "measured", "--seed", seed, *options]
    began = time.perf_counter()
    tag = fit(resolve(build_parser().parse_args(command)))
    seconds = time.perf_counter() - began
    version = store.find(tag)
    predictor = store.load_predictor(version)
    table = pd.read_csv(test)
    asked = table[[*predictor.schema.names]].astype(object)
    records = asked.where(asked.notna(), None).to_dict("records")
    columns, actual = predictor.schema.columns(records), table[target].to_numpy()
    answers = predictor.engine.predict(columns)
    given = predictor.bounded(answers.values) if answers.probabilities is None else answers.probabilities
    each = by_row(given, actual, predictor.schema)
    result = {
        "loss": losses.total(each, bool(predictor.schema.target.classes)),
        **without_each_other(version, columns, actual),
        "train_s": seconds,
        "answer_ms": median_ms(predictor, records[:ASKED]),
        "model": version.metrics().estimator,
        "chosen": version.metrics().chosen,
    }
    losses.write(Path(out), result, each)


def by_row(given: Any, actual: Any, schema: Any) -> losses.Losses:
    """Of numbers, or of probabilities in the order of the schema's classes."""
    if not schema.target.classes:
        return losses.of_numbers(given, actual)
    if given.ndim == 1:
        raise ValueError("the model gives no probabilities")
    return losses.of_classes(given, actual.tolist(), schema.target.classes)


def without_each_other(version: Any, columns: Any, actual: Any) -> dict[str, float | None]:
    """The losses of the best estimator before it was averaged, and of the bag, without calibration; None where they were not averaged."""
    from slipway.inference import frames
    from slipway.inference.pipeline_engine import NativeEngine, classes_of

    if version.metrics().chosen != AVERAGE:
        return {"alone": None, "bag": None}
    schema = version.schema()
    pipeline = NativeEngine.load(version.pipeline, schema).pipeline
    last = pipeline.steps[-1][1]
    last = last.calibrated_classifiers_[0].estimator if hasattr(last, "calibrated_classifiers_") else last
    rows = pipeline[:-1].transform(frames.for_pipeline(schema, frames.frame(schema, columns)))
    ask = "predict_proba" if schema.target.classes else "predict"
    order = [classes_of(pipeline).index(value) for value in schema.target.classes]
    first, *bag = [getattr(one, ask)(rows) for one in last.estimators_]

    def loss(given: Any) -> float:
        return losses.total(by_row(given[:, order] if order else given, actual, schema), bool(order))

    return {"alone": loss(first), "bag": loss(sum(bag) / len(bag))}


def median_ms(predictor: Any, records: list[Any]) -> float:
    """Milliseconds for one record, of those that are not refused."""
    from slipway.errors import RecordsError

    times = []
    for record in records:
        began = time.perf_counter()
        try:
            predictor.answer([record])
        except RecordsError:
            continue
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


if __name__ == "__main__":
    main(*sys.argv[1:])
