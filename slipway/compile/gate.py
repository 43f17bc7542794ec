"""The parity gate: a graph is served only if it answers as the fitted pipeline does.

Both answer every training row, rows with each value missing that may be, rows drawn from
the schema, and, for every node of every tree and every edge of a bin, the nearest values at
both sides of it, in the number type in which the fitted estimator compares.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from slipway import columns, frames
from slipway.columns import Columns
from slipway.compile.errors import CannotCompileError
from slipway.compile.splits import tree_splits
from slipway.compiled import CompiledEngine
from slipway.draw import draw_records
from slipway.learn import Learnt
from slipway.native import NativeEngine
from slipway.parity import TOLERANCE, Answers, difference
from slipway.schema import Schema

DRAWN = 10_000
MISSING = 200
ALONE = 20
BLOCK = 20_000


@dataclass(frozen=True)
class Parity:
    """What the gate found: rows compared, the largest difference in the unit of `parity.TOLERANCE`, seconds."""

    rows: int
    largest: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """This result as `metrics.json` holds it."""
        return {"rows": self.rows, "largest": self.largest, "seconds": round(self.seconds, 1)}


def prove(
    pipeline: Any, model: onnx.ModelProto, learnt: Learnt, say: Callable[[str], None] = lambda text: None
) -> Parity:
    """Compare the graph with the fitted pipeline on the gate's rows.

    Raises
    ------
    CannotCompileError
        With how far the graph is off and on how many rows, and whether the pipeline agrees
        with itself there.
    """
    started = time.monotonic()
    schema = learnt.schema
    rows = gate_rows(pipeline, model, learnt)
    count = len(next(iter(rows.values())))
    say(f"comparing the compiled graph with the pipeline on {count:,} rows …")
    native = NativeEngine(pipeline, schema)
    fitted = _fitted(native, rows)
    ours = CompiledEngine(model.SerializeToString(), schema).predict(rows)
    off = difference(ours, fitted, schema.target)
    largest = float(off.max())
    if largest > TOLERANCE:
        raise CannotCompileError(_why(native, rows, fitted, off, schema))
    return Parity(count, largest, time.monotonic() - started)


def gate_rows(pipeline: Any, model: onnx.ModelProto, learnt: Learnt) -> Columns:
    """The rows of the gate: the training rows first, then what is made of them, then those drawn."""
    schema = learnt.schema
    trained = {field.name: frames.from_series(field, learnt.inputs[field.name]) for field in schema.fields}
    parts = [trained, *_missing(trained, schema), *_bins(pipeline, trained), *tree_splits(model, trained, schema)]
    parts.append(schema.columns(draw_records(schema, DRAWN, seed=2)))
    return {name: np.concatenate([part[name] for part in parts]) for name in schema.names}


def _missing(trained: Columns, schema: Schema) -> Iterator[Columns]:
    """Training rows with each value missing that may be, one by one and all together."""
    rng = np.random.default_rng(3)
    some = rng.permutation(len(trained[schema.names[0]]))[:MISSING]
    absent = {field.name: columns.array(field, [None] * len(some)) for field in schema.fields if field.nullable}
    base = {name: column[some] for name, column in trained.items()}
    for name, column in absent.items():
        yield base | {name: column}
    if len(absent) > 1:
        yield base | absent


def _bins(pipeline: Any, trained: Columns) -> Iterator[Columns]:
    """The nearest numbers around every edge of a `KBinsDiscretizer`, put into a few training rows."""
    for _, wrapper in pipeline.steps[:-1]:
        edges = getattr(getattr(wrapper, "transformer", None), "bin_edges_", None)
        for name, inner in zip(wrapper._include, edges, strict=True) if edges is not None else ():
            if name in trained and trained[name].dtype == np.float64:
                around = np.concatenate([np.nextafter(inner, -np.inf), inner, np.nextafter(inner, np.inf)])
                some = np.arange(3).repeat(len(around)) % len(trained[name])
                yield {other: column[some] for other, column in trained.items()} | {name: np.tile(around, 3)}


def _fitted(native: NativeEngine, rows: Columns) -> Answers:
    """The pipeline's own answers, in blocks: PyCaret copies a frame at every step."""
    count = len(next(iter(rows.values())))
    try:
        parts = [
            native.predict({name: column[start : start + BLOCK] for name, column in rows.items()})
            for start in range(0, count, BLOCK)
        ]
    except Exception as exc:  # PyCaret's steps raise anything
        raise CannotCompileError(
            f"the fitted pipeline has no answer to some rows that its schema allows ({type(exc).__name__}: {exc})"
        ) from exc
    scores = [part.probabilities for part in parts if part.probabilities is not None]
    return Answers(np.concatenate([part.values for part in parts]), np.concatenate(scores) if scores else None)


def _why(native: NativeEngine, rows: Columns, fitted: Answers, off: npt.NDArray[np.float64], schema: Schema) -> str:
    """One line: how far off, on how many rows, and whether the fitted pipeline is sure of itself."""
    wrong = np.flatnonzero(off > TOLERANCE)
    worst = wrong[np.argsort(-off[wrong])][:ALONE]
    far = "another class" if np.isinf(off.max()) else f"up to {off.max():.1g}"
    text = f"the graph is off on {len(wrong):,} of {len(off):,} rows ({far}; allowed is {TOLERANCE:g})"
    swing = 0.0
    for row in worst:
        alone = native.predict({name: column[row : row + 1] for name, column in rows.items()})
        within = Answers(
            fitted.values[row : row + 1], None if fitted.probabilities is None else fitted.probabilities[row : row + 1]
        )
        swing = max(swing, float(difference(alone, within, schema.target)[0]))
    if swing > TOLERANCE:
        size = "another class" if np.isinf(swing) else f"by up to {swing:.1g}"
        text += (
            f"; the fitted model itself is ill-conditioned: one and the same row alone and among others gets {size} "
            "a different answer (collinear inputs do that: leave out polynomials, or use a regularised estimator)"
        )
    return text
