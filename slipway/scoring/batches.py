"""Record batches with predictions: what any engine needs, which moves batches and knows nothing of models.

scorer = BatchScorer(store.load_predictor(store.find("insurance")), kept=["id"])
scored, faulty = scorer.score(batch)
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from slipway.inference.predictor import Predictor
from slipway.scoring.arrow_check import ArrowChecker
from slipway.scoring.reasons import Reasons
from slipway.scoring.rows import FaultyCell, Scored, faulty_cells, output_names, score_rows


class BatchScorer:
    """Scores record batches.

    Parameters
    ----------
    predictor : Predictor
    kept : sequence of str
        The columns that the output has before ours.
    matched : mapping, optional
        The field of each column whose name is spelt otherwise.
    reasons : Reasons, optional
        Explains the rows.
    """

    def __init__(
        self,
        predictor: Predictor,
        kept: Sequence[str],
        matched: Mapping[str, str] = {},
        reasons: Reasons | None = None,
    ) -> None:
        self._predictor = predictor
        self._kept = kept
        self._reasons = reasons
        self._checker = ArrowChecker(predictor.schema, matched)

    def score(self, batch: pa.RecordBatch, first_row: int = 1) -> tuple[pa.RecordBatch, list[FaultyCell]]:
        """The valid rows with their predictions, in order, and the faults of the others.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            With a column for each field and each of `kept`.
        first_row : int, default=1
            The number of its first row, for faults.

        Returns
        -------
        scored : pyarrow.RecordBatch
            With the columns of `output_schema`.
        faulty : list of FaultyCell
        """
        scored = score_rows(self._predictor, *self._checker.check(batch), self._reasons)
        columns = [_plain(batch.column(name)) for name in self._kept]
        if len(scored.kept) < batch.num_rows:
            places = pa.array(scored.kept, pa.int64())
            columns = [column.take(places) for column in columns]
        names = output_names(self._predictor, self._kept, self._reasons is not None)
        found = pa.RecordBatch.from_arrays([*columns, *added_arrays(self._predictor, scored)], names=names)
        return found, list(faulty_cells(scored.faults, range(first_row, first_row + batch.num_rows)))


def output_schema(predictor: Predictor, kept: Sequence[tuple[str, pa.DataType]], reasons: bool = False) -> pa.Schema:
    """The columns of the output and their types.

    Parameters
    ----------
    predictor : Predictor
    kept : sequence of (str, pyarrow.DataType)
        The columns of the input that are kept, with their types there.
    reasons : bool, default=False
        As of `output_names`.

    Returns
    -------
    pyarrow.Schema
    """
    names = output_names(predictor, [name for name, _ in kept], reasons)
    classes = predictor.schema.target.classes
    first = pa.array(_labels(classes)).type if classes else pa.float64()
    ours = len(names) - len(kept) - 3
    types = [first, *[pa.float64()] * ours, pa.string(), pa.string()]
    return pa.schema([*zip(names, [*(plain_type(kind) for _, kind in kept), *types], strict=True)])


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of a column in the output: of categories, that of their values, as each part may have others."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def added_arrays(predictor: Predictor, scored: Scored) -> list[pa.Array]:
    """Our columns, in the order of `output_schema`.

    Parameters
    ----------
    predictor : Predictor
    scored : Scored

    Returns
    -------
    list of pyarrow.Array
    """
    first, *numbers = scored.predictions
    classes = predictor.schema.target.classes
    predictions = pa.array(_labels(classes)).take(pa.array(first)) if classes else pa.array(first)
    texts = [_texts(of) for of in (scored.codes, scored.warnings)]
    return [predictions, *(pa.array(column, from_pandas=True) for column in numbers), *texts]


def _texts(cells: Sequence[str]) -> pa.Array:
    return pa.array([cell or None for cell in cells], pa.string()) if any(cells) else pa.nulls(len(cells), pa.string())


def _labels(classes: Sequence[Any]) -> list[Any]:
    """Classes of one type."""
    return [*classes] if len({*map(type, classes)}) == 1 else [*map(str, classes)]


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
