"""What is added to checked rows, whatever they were read from, and what is said of the rows that cannot be scored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from slipway.errors import Fault, FaultCode, RecordsError
from slipway.i18n import faults
from slipway.inference.equality import Answers
from slipway.inference.predictor import Predictor
from slipway.inference.table import added_names, codes_of, prediction_columns, with_names
from slipway.schema.schema import Checked
from slipway.scoring.reasons import Reasons


class FaultyCell(NamedTuple):
    """A fault of a row that has no prediction; `row` is its line in a text file, or its number from 1 in another."""

    row: int
    code: str
    field: str
    value: str
    problem: str


@dataclass(frozen=True)
class Scored:
    """The rows that have a prediction, by their positions, and what is added to them; the faults of the others.

    `predictions` are as of `prediction_columns`, and the reasons, if they are wanted; `codes` and `warnings` are texts, empty for most rows.
    """

    kept: Sequence[int]
    predictions: list[npt.NDArray[Any]]
    codes: list[str]
    warnings: list[str]
    faults: Mapping[int, list[Fault]]


def output_names(predictor: Predictor, kept: Sequence[str], reasons: bool = False) -> list[str]:
    """The columns of the output: those that are kept of the input, and ours.

    Parameters
    ----------
    predictor : Predictor
    kept : sequence of str
    reasons : bool, default=False
        Whether the contributions are among them.

    Returns
    -------
    list of str
    """
    return with_names(kept, [name for name in added_names(predictor, reasons) if name != "problems"])


def score_rows(
    predictor: Predictor,
    good: list[int],
    checked: Checked,
    found: Mapping[int, list[Fault]],
    reasons: Reasons | None = None,
) -> Scored:
    """The predictions of the valid rows; those for which the model has no finite answer are faulty, too.

    Parameters
    ----------
    predictor : Predictor
    good : list of int
        The positions of the valid rows.
    checked : Checked
        Of them.
    found : mapping
        The faults of the other rows.
    reasons : Reasons, optional
        Explains the rows.

    Returns
    -------
    Scored
    """
    good, checked, all_faults, answers = _answered(predictor, good, checked, dict(found))
    codes, warnings = [""] * len(good), [""] * len(good)
    if any(found_warnings := predictor.warnings(answers, checked)):
        said: dict[int, str] = {}  # equal cells of a column share their warning
        for row, warned in enumerate(found_warnings):
            if warned:
                for one in warned:
                    said.setdefault(id(one), faults.describe(one, "en"))
                codes[row], warnings[row] = codes_of(warned), faults.join((said[id(one)] for one in warned), "en")
    predictions = [
        *prediction_columns(predictor, answers, checked.columns),
        *(reasons.columns(checked) if reasons else ()),
    ]
    return Scored(good, predictions, codes, warnings, all_faults)


def _answered(
    predictor: Predictor, good: list[int], checked: Checked, found: dict[int, list[Fault]]
) -> tuple[list[int], Checked, dict[int, list[Fault]], Answers]:
    while True:
        try:
            return good, checked, found, predictor.predict_arrays(checked)
        except RecordsError as exc:
            bad = sorted({fault.record for fault in exc.details if fault.record is not None})
            if not bad:
                raise
            for fault in exc.details:
                found.setdefault(good[fault.record or 0], []).append(replace(fault, record=None))
            left = np.delete(np.arange(len(good)), bad)
            columns = {name: column[left] for name, column in checked.columns.items()}
            checked = Checked(columns, [checked.warnings[row] for row in left.tolist()])
            good = [good[row] for row in left.tolist()]


def faulty_cells(found: Mapping[int, Iterable[Fault]], rows: Sequence[int]) -> Iterator[FaultyCell]:
    """The faults of rows, as they are written beside the output.

    Parameters
    ----------
    found : mapping
        By the position of the row.
    rows : sequence of int
        The line or number of each row.

    Yields
    ------
    FaultyCell
    """
    for row, of_row in sorted(found.items()):
        for fault in of_row:
            value = "" if fault.value is None else fault.value if isinstance(fault.value, str) else _text(fault)
            yield FaultyCell(rows[row], fault.code.value, fault.field or "", value, faults.describe(fault, "en"))


def _text(fault: Fault) -> str:
    if fault.code is FaultCode.WRONG_CELL_COUNT:
        return str(fault.value.cells)
    return orjson.dumps(fault.value, default=str).decode()
