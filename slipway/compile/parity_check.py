"""The parity check: what is served gives the same answers as the fitted pipeline, or it is rejected.

The pipeline is given rows as a user's frame holds them, and the graph the same rows as a client
would send them: anything lost on the way from one to the other counts as a difference. Both
answer every training row, rows with each value missing that may be and with the empty text where that is a
category, rows drawn from the schema, rows outside of the training's ranges as far as the hard bounds let through, and, for every node of every tree and every bin edge, the nearest values on both sides
of it, in the number type in which the fitted estimator compares.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pandas as pd

from slipway.compile.boundary_rows import Ints, Moved, tree_splits
from slipway.compile.errors import CannotCompileError
from slipway.errors import FaultCode, RecordsError, TrainingError
from slipway.i18n.faults import describe
from slipway.inference import frames
from slipway.inference.equality import TOLERANCE, Answers, difference, joined
from slipway.inference.onnx_engine import CompiledEngine
from slipway.inference.pipeline_engine import NativeEngine
from slipway.schema import arrays
from slipway.schema.arrays import Columns
from slipway.schema.metrics import Parity
from slipway.schema.sampling import draw_outside, draw_records
from slipway.schema.schema import Schema
from slipway.training._pycaret import columns_of
from slipway.training.schema_inference import InferredDataset

DRAWN = 10_000
OUTSIDE = 2_000
MISSING = 200
ALONE = 20
BLOCK = 20_000


@dataclass(frozen=True)
class Rows:
    """The rows to compare, in two forms: as serving reads them, and in frames as a user would hold them.

    Together, the frames have as many rows as the columns, in the same order.
    """

    columns: Columns
    frames: list[pd.DataFrame]

    def one(self, row: int) -> pd.DataFrame:
        """A frame with a single row.

        Parameters
        ----------
        row : int
            Its position among all rows.

        Returns
        -------
        DataFrame of shape (1, n_fields)

        Raises
        ------
        IndexError
            If there are not so many rows.
        """
        for frame in self.frames:
            if row < len(frame):
                return frame.iloc[[row]].reset_index(drop=True)
            row -= len(frame)
        raise IndexError(row)


def check_parity(
    pipeline: Any, model: onnx.ModelProto, learnt: InferredDataset, progress: Callable[[str], None] = lambda text: None
) -> Parity:
    """Compare the graph with the fitted pipeline.

    Parameters
    ----------
    pipeline : fitted PyCaret 3 pipeline
    model : onnx.ModelProto
        Its graph.
    learnt : InferredDataset
        The schema and the training rows.
    progress : callable, optional
        Called with a line of text.

    Returns
    -------
    Parity

    Raises
    ------
    CannotCompileError
        With the size of the difference and the number of rows, and whether the pipeline agrees
        with itself there.
    """
    started = time.monotonic()
    schema = learnt.schema
    rows = gate_rows(pipeline, model, learnt)
    count = sum(map(len, rows.frames))
    progress(f"comparing the compiled graph with the pipeline on {count:,} rows …")
    native = NativeEngine(pipeline, schema)
    fitted = _fitted(native, rows)
    ours = _served(CompiledEngine(model.SerializeToString(), schema), rows.columns)
    off = difference(ours, fitted, schema.target)
    largest = float(off.max())
    if largest > TOLERANCE:
        why = _why(native, rows, fitted, off, schema)
        first = rows.frames[0]
        lost = _lost(native, first, rows.columns, _at(fitted, 0, len(first)), schema)
        raise CannotCompileError(f"{why}; {lost}" if lost else why)
    return Parity(count, largest, round(time.monotonic() - started, 1))


def gate_rows(pipeline: Any, model: onnx.ModelProto, learnt: InferredDataset) -> Rows:
    """The rows to compare: the training rows first, then rows derived from them, then drawn ones.

    Parameters
    ----------
    pipeline : fitted PyCaret 3 pipeline
    model : onnx.ModelProto
    learnt : InferredDataset

    Returns
    -------
    Rows
    """
    schema = learnt.schema
    own, trained = served_rows(learnt)
    moved = [*_missing(trained, schema), *_bins(pipeline, trained, schema), *tree_splits(model, trained, schema)]
    drawn = [*draw_records(schema, DRAWN, seed=2), *draw_outside(schema, OUTSIDE, seed=5)]
    parts = [trained, *({name: trained[name][rows] for name in schema.names} | new for rows, new in moved)]
    parts.append(schema.check_records(drawn).columns)
    others = [*(_changed(own, rows, new, schema) for rows, new in moved), frames.of_records(schema, drawn)]
    return Rows({name: np.concatenate([part[name] for part in parts]) for name in schema.names}, _blocks(own, others))


def served_rows(learnt: InferredDataset) -> tuple[pd.DataFrame, Columns]:
    """The training rows as the pipeline saw them, and as serving reads them when a client sends them.

    Rows outside the hard bounds, which no client can send, are left out.

    Parameters
    ----------
    learnt : InferredDataset

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_fields)
    columns : Columns
        One array of shape (n_rows,) per field.

    Raises
    ------
    CannotCompileError
        If serving rejects a row for any other reason.
    """
    schema, own = learnt.schema, frames.of_person(learnt.fitted_on)
    records = frames.records(own, [field.name for field in schema.fields if field.kind == "time"])
    try:
        return own, schema.check_records(records).columns
    except RecordsError:
        pass  # the error lists only the first faults
    kept, values = [], []
    for position, record in enumerate(records):
        value, _, faults = schema.check_record(record, position)
        serious = [fault for fault in faults if fault.code not in (FaultCode.OUT_OF_BOUNDS, FaultCode.TEXT_TOO_LONG)]
        if serious:
            raise CannotCompileError(f"training row {position} would be rejected by the server: {describe(serious[0])}")
        if not faults:
            kept.append(position)
            values.append(value)
    return own.iloc[kept].reset_index(drop=True), schema.columns(values)


def check_reading(pipeline: Any, learnt: InferredDataset) -> None:
    """Compare a pipeline that is served uncompiled with itself: rows as sent with rows as it saw them.

    Rows for which it has no answer at all are ignored here.

    Parameters
    ----------
    pipeline : fitted PyCaret 3 pipeline
    learnt : InferredDataset

    Raises
    ------
    TrainingError
        If serving rejects a training row, or gives another answer to it; the message names the column.
    """
    schema = learnt.schema
    try:
        own, trained = served_rows(learnt)
    except CannotCompileError as exc:
        raise TrainingError(str(exc)) from exc
    native = NativeEngine(pipeline, schema)
    frame = own.iloc[:BLOCK]
    fitted = native.predict_frame(frame)
    lost = _lost(native, frame, trained, fitted, schema)
    if lost:
        raise TrainingError(
            f"{lost}; convert what is read differently to plain numbers, texts, booleans or days before setup(), and train again"
        )


def _lost(native: NativeEngine, frame: pd.DataFrame, trained: Columns, fitted: Answers, schema: Schema) -> str | None:
    """On how many of the frame's rows the pipeline's answer changes through serving, and because of which columns.

    None if on no row, or if the model is ill-conditioned and differs from itself however it is called.
    """
    read = frames.frame(schema, {name: column[: len(frame)] for name, column in trained.items()})

    def off(asked: pd.DataFrame) -> npt.NDArray[np.float64]:
        return difference(native.predict_frame(asked), fitted, schema.target)

    wrong = np.flatnonzero(off(read) > TOLERANCE)
    if not len(wrong):
        return None
    row = int(wrong[0])
    alone = native.predict_frame(frame.iloc[[row]].reset_index(drop=True))
    if difference(alone, _at(fitted, row), schema.target)[0] > TOLERANCE:
        return None
    names = [name for name in schema.names if off(frames.with_columns(frame, {name: read[name]})).max() > TOLERANCE]
    pairs = [f"{name!r}, where {frame[name][row]!r} is read as {read[name][row]!r}" for name in names[:3]]
    return (
        f"as a client sends them, {len(wrong):,} of {len(frame):,} training rows get a different answer from the fitted "
        f"pipeline's, because of {'; '.join(pairs) or 'several columns together'}"
    )


def _at(answers: Answers, start: int, count: int = 1) -> Answers:
    """The answers for some of the rows."""
    block, scores = slice(start, start + count), answers.probabilities
    return Answers(answers.values[block], None if scores is None else scores[block])


def _blocks(own: pd.DataFrame, others: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Frames of at most `BLOCK` rows, the user's own with its own dtypes: PyCaret copies a frame at every step."""
    whole = [own, pd.concat(others, ignore_index=True)]
    return [
        frame.iloc[start : start + BLOCK].reset_index(drop=True)
        for frame in whole
        for start in range(0, len(frame), BLOCK)
    ]


def _changed(own: pd.DataFrame, rows: Ints, new: Columns, schema: Schema) -> pd.DataFrame:
    """Rows of the user's frame with new values in some columns."""
    frame = own.iloc[rows].reset_index(drop=True)
    return frames.with_columns(
        frame, {name: frames.series(schema.by_name[name], column) for name, column in new.items()}
    )


def _missing(trained: Columns, schema: Schema) -> Iterator[Moved]:
    """Training rows with each nullable value missing, one at a time and all together, and with empty texts."""
    rng = np.random.default_rng(3)
    some = rng.permutation(len(trained[schema.names[0]]))[:MISSING]
    absent = {field.name: arrays.array(field, [None] * len(some)) for field in schema.fields if field.nullable}
    for name, column in absent.items():
        yield some, {name: column}
    if len(absent) > 1:
        yield some, absent
    for field in schema.fields:
        if "" in field.categories:  # beside missing values it is easily taken for one
            yield some, {field.name: arrays.array(field, [""] * len(some))}


def _bins(pipeline: Any, trained: Columns, schema: Schema) -> Iterator[Moved]:
    """The nearest numbers around every edge of a `KBinsDiscretizer`, put into a few training rows."""
    fields = {field.pipeline_name: field.name for field in schema.fields}
    for _, wrapper in pipeline.steps[:-1]:
        edges = getattr(getattr(wrapper, "transformer", None), "bin_edges_", None)
        for column, inner in zip(columns_of(wrapper) or (), edges, strict=True) if edges is not None else ():
            if (name := fields.get(column, column)) in trained and trained[name].dtype == np.float64:
                around = np.concatenate([np.nextafter(inner, -np.inf), inner, np.nextafter(inner, np.inf)])
                yield np.arange(3).repeat(len(around)) % len(trained[name]), {name: np.tile(around, 3)}


def _fitted(native: NativeEngine, rows: Rows) -> Answers:
    """The pipeline's own answers."""
    try:
        parts = [native.predict_frame(frame) for frame in rows.frames]
    except Exception as exc:  # PyCaret's steps raise anything
        raise CannotCompileError(
            f"the fitted pipeline has no answer for some rows that its schema allows ({type(exc).__name__}: {exc})"
        ) from exc
    return joined(parts)


def _served(engine: CompiledEngine, columns: Columns) -> Answers:
    """The graph's answers; a thread of its own computes a block of rows, since a server's graph uses one core."""
    count = len(next(iter(columns.values())))
    blocks = [
        {name: column[start : start + BLOCK] for name, column in columns.items()} for start in range(0, count, BLOCK)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return joined([*pool.map(engine.predict, blocks)])


def _why(native: NativeEngine, rows: Rows, fitted: Answers, off: npt.NDArray[np.float64], schema: Schema) -> str:
    """One line: how large the difference is, on how many rows, and whether the pipeline agrees with itself."""
    wrong = np.flatnonzero(off > TOLERANCE)
    worst = wrong[np.argsort(-off[wrong])][:ALONE]
    far = "another class" if np.isinf(off.max()) else f"by up to {off.max():.1g}"
    text = f"the graph differs from the pipeline on {len(wrong):,} of {len(off):,} rows ({far}; allowed: {TOLERANCE:g})"
    swing = 0.0
    for row in worst:
        alone = native.predict_frame(rows.one(int(row)))
        swing = max(swing, float(difference(alone, _at(fitted, row), schema.target)[0]))
    if swing > TOLERANCE:
        size = "another class" if np.isinf(swing) else f"by up to {swing:.1g}"
        text += (
            f"; the fitted model itself is ill-conditioned: the answer to a row changes ({size}) when other rows are added "
            "(collinear inputs cause this: leave out polynomials, or use a regularised estimator)"
        )
    return text
