"""Compares recent rows with the training of a version: the one place that knows the order of the steps."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway import store
from slipway.errors import DataError, ModelDamagedError, RecordsError, StoreError, nearest
from slipway.inference.predictor import Predictor
from slipway.publish.drift.counts import BarCounts, FieldCounts
from slipway.publish.drift.errors import ClassErrors, NumberErrors
from slipway.publish.drift.judge import Compared, column_of, judged, of_field
from slipway.publish.drift.report import Bar, DriftReport, NotCompared
from slipway.publish.drift.rows import Part, not_logged, parts_of_log, parts_of_table
from slipway.publish.shared_rows import key
from slipway.schema.cells import is_missing
from slipway.schema.expected_errors import ExpectedErrors
from slipway.schema.figures import Figures
from slipway.schema.profile import Profile, TargetNumbers
from slipway.schema.schema import Checked, Schema
from slipway.schema.table import ReadColumn, join_columns
from slipway.scoring.rows import score_rows
from slipway.store import Version

Floats = npt.NDArray[np.float64]


def drift(version: Version, data: str, ignore: Sequence[str] = ()) -> DriftReport:
    """Compare the rows of a table with the training of a version.

    Parameters
    ----------
    version : Version
    data : str
        The path of a table with the fields, in any form that training reads; with the target, errors are measured, too.
    ignore : sequence of str
        Fields that are not compared: one that grows with time always differs.

    Returns
    -------
    DriftReport

    Raises
    ------
    DataError, ScoringError
        If the table cannot be read, has no rows, or lacks columns.
    StoreError
        If the version cannot be loaded, or was saved without a profile.
    """
    schema = version.schema()
    _check_ignored(version, schema, ignore)
    try:
        return _report(version, data, parts_of_table(schema, data), ignore)
    except RecordsError as exc:
        raise DataError(data, str(exc)) from exc


def drift_of_log(
    version: Version, where: str, since: dt.datetime | None = None, ignore: Sequence[str] = ()
) -> DriftReport:
    """Compare what servers were asked with the training of a version; with outcomes, errors are measured, too.

    Parameters
    ----------
    version : Version
    where : str
        As `SLIPWAY_REQUEST_LOG` has it.
    since : datetime with a time zone, optional
        Requests before it are left out.
    ignore : sequence of str
        Fields that are not compared; private ones and free text are not in a log.

    Returns
    -------
    DriftReport

    Raises
    ------
    RequestLogError, DataError
        If there is no log, it cannot be read, or has no request to the model.
    StoreError
        If the version cannot be loaded, or was saved without a profile.
    """
    schema = version.schema()
    _check_ignored(version, schema, ignore)
    unknown = not_logged(schema)
    parts = parts_of_log(schema, version.name, where, since)
    return _report(version, where, parts, [*dict.fromkeys([*ignore, *unknown])], unknown)


def _check_ignored(version: Version, schema: Schema, ignore: Sequence[str]) -> None:
    for name in ignore:
        if name not in schema.by_name:
            raise DataError(f"--ignore {name}", f"{version.tag} has no such field{nearest(name, schema.names)}")


def _report(
    version: Version, source: str, parts: Iterable[Part], ignore: Sequence[str], unknown: Sequence[str] = ()
) -> DriftReport:
    """Of rows from `source`; without the fields that are `unknown` there are no predictions."""
    profile, figures = version.profile(), version.figures()
    if profile is None or figures is None:
        raise StoreError(
            f"{version.tag} was saved before versions had a profile of their training table, and cannot be compared with "
            f"recent rows; train it again (`slipway train {version.name}`)"
        )
    recent = _Recent(version, profile, figures, ignore, unknown)
    for part in parts:
        recent.add(part)
    if not recent.rows:
        raise DataError(source, "has no rows; give a table of recent ones")
    return recent.report(source)


class _Recent:
    """What is counted of recent rows."""

    def __init__(
        self, version: Version, profile: Profile, figures: Figures, ignore: Sequence[str], unknown: Sequence[str]
    ) -> None:
        self._version, self._profile = version, profile
        self._ignored, self._unknown = tuple(ignore), tuple(unknown)
        self._schema = version.schema()
        self._predictor: Predictor = store.load_predictor(version)
        self._predictor.check_golden(version.golden())
        fields = [item for item in self._schema.fields if item.name not in ignore]
        absent = [item.name for item in fields if item.name not in profile.fields]
        if absent:
            raise ModelDamagedError(version.tag, f"profile.json has no field {absent[0]!r}")
        self._fields = [FieldCounts(item, profile.fields[item.name]) for item in fields]
        expected = version.expected_errors()
        self._errors: NumberErrors | ClassErrors
        if self._schema.target.classes:
            self._errors = ClassErrors(figures, self._schema.target)
        else:
            self._errors = NumberErrors(self._schema, figures, expected)
        self._predictions = _Predictions(self._schema, figures, expected)
        self._targets = _Targets(self._schema, profile)
        self._lacks_estimate = not self._schema.target.classes and expected is None
        self._uncalibrated = [
            one for one in (figures.reliability.served if figures.reliability else ()) if not one.passed
        ]
        self.rows = self._scored = 0

    def add(self, part: Part) -> None:
        """Count a part."""
        self.rows += part.rows
        for field in self._fields:
            field.add(part.fields[field.item.name], part.ragged)
        if not self._unknown:
            self._add_predictions(part)
        elif part.target is not None:
            self._targets.read(part.target, part.ragged)

    def _add_predictions(self, part: Part) -> None:
        good, checked, faults = join_columns(part.fields, part.rows, part.ragged)
        # What is said of single rows is for those who predict them.
        scored = score_rows(self._predictor, good, Checked(checked.columns, [[]] * len(good)), faults)
        self._scored += len(scored.kept)
        self._predictions.add(scored.predictions)
        kept = np.asarray(scored.kept, dtype="int64")
        places = np.searchsorted(np.asarray(good, dtype="int64"), kept)
        self._errors.add({name: column[places] for name, column in checked.columns.items()}, scored.predictions)
        if part.target is None:
            return
        actual = self._targets.read(part.target, part.ragged)
        here = actual[kept]
        known = ~np.isnan(here)
        self._errors.add_actual([column[known] for column in scored.predictions], here[known])

    def report(self, source: str) -> DriftReport:
        compared = [of_field(field, self._profile.rows) for field in self._fields]
        compared += [*([] if self._unknown else self._predictions.compared()), *self._targets.compared()]
        columns, tests = judged(compared)
        estimated, measured = tuple(self._errors.estimated()), tuple(self._errors.measured())
        return DriftReport(
            model=self._version.tag,
            data=source,
            time=f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
            training_rows=self._profile.rows,
            rows=self.rows,
            scored=self._scored,
            tests=tests,
            drift=any(one.worst != "none" for one in columns) or any(one.worse for one in (*estimated, *measured)),
            columns=columns,
            ignored=self._ignored,
            estimated=estimated,
            measured=measured,
            reliability=tuple(self._errors.reliability()),
            missing=tuple(self._missing(bool(estimated))),
        )

    def _missing(self, is_estimated: bool) -> Iterable[NotCompared]:
        if self._unknown:
            yield NotCompared("log_lacks_fields", self._unknown)
        elif not self._predictions.bars:
            yield NotCompared("no_distribution")
        if self._lacks_estimate:
            yield NotCompared("no_errors_kept")
        elif not is_estimated and self._scored:
            yield NotCompared("no_probabilities")
        elif self._uncalibrated:
            yield NotCompared("not_calibrated", bins=len(self._uncalibrated))
        if not self._targets.is_known:
            yield NotCompared("no_target", (self._schema.target.name,))


class _Predictions:
    """Predictions in the bars that training kept of those out of fold."""

    def __init__(self, schema: Schema, figures: Figures, expected: ExpectedErrors | None) -> None:
        self._target = schema.target
        self.bars: list[tuple[float, float, int]] = []
        self._counts: BarCounts | None = None
        self._classes = np.zeros(len(schema.target.classes), dtype="int64")
        self._before: list[int] = []
        if figures.reliability is not None and len(schema.target.classes) == 2:
            self.bars = [(one.low, one.high, one.rows) for one in figures.reliability.served]
        elif schema.target.classes:
            self._before = [sum(column) for column in zip(*figures.confusion, strict=True)]
        else:
            kept = expected.predictions if expected else figures.prediction_quantiles
            self.bars = [(one.low, one.high, one.rows) for one in kept]
        if self.bars:
            lows = [low for low, _, _ in self.bars]
            # Rounded bins of older versions have gaps between them.
            self._counts = BarCounts([*lows, self.bars[-1][1]])
        self.bars = self.bars or [(0.0, 0.0, rows) for rows in self._before]

    def add(self, predictions: Sequence[npt.NDArray[Any]]) -> None:
        if self._counts is None:
            self._classes += np.bincount(predictions[0].astype("int64"), minlength=len(self._classes))
        elif self._target.classes:
            self._counts.add(predictions[1 + self._target.classes.index(self._target.positive)])
        else:
            self._counts.add(predictions[0])

    def compared(self) -> list[Compared]:
        if not self.bars:
            return []
        if self._counts is None:
            named = zip(self._target.classes, self._before, self._classes.tolist(), strict=True)
            bars = tuple(Bar(before, now, value=value) for value, before, now in named)
            return [Compared(column_of(self._target.name, "prediction", bars), is_ordered=False)]
        counted = zip(self.bars, self._counts.counts.tolist(), strict=True)
        bars = tuple(Bar(before, now, low=low, high=high) for (low, high, before), now in counted)
        name = self._target.name
        if self._target.classes:
            name = f"probability of {self._target.positive}"
        return [Compared(column_of(name, "prediction", bars), is_ordered=True)]


class _Targets:
    """Values of the target in the bars of training, where recent rows have some."""

    def __init__(self, schema: Schema, profile: Profile) -> None:
        self._target, self._before = schema.target, profile.target
        self._positions = {key(value): place for place, value in enumerate(schema.target.classes)}
        self._counts = np.zeros(len(self._before.counts), dtype="int64")

    @property
    def is_known(self) -> bool:
        return bool(self._counts.any())

    def read(self, column: ReadColumn, ragged: Any) -> Floats:
        """The target of each row, of classes their positions; NaN where it is not known. Counts them."""
        values = column.values
        if self._positions:
            empty = is_missing(values)
            different, inverse = np.unique(
                np.array([key(value) for value in values.tolist()], str), return_inverse=True
            )
            places = np.array([self._positions.get(str(one), np.nan) for one in different], dtype="float64")
            found = np.where(empty, np.nan, places[inverse])
        else:
            found = values.astype("float64")
        found[[row for row, (_, fault) in column.odd.items() if fault is not None]] = np.nan
        found[[*ragged]] = np.nan
        known = found[~np.isnan(found)]
        if isinstance(self._before, TargetNumbers):
            bars = BarCounts(self._before.edges)
            bars.add(known)
            self._counts += bars.counts
        else:
            self._counts += np.bincount(known.astype("int64"), minlength=len(self._counts))
        return found

    def compared(self) -> list[Compared]:
        if not self.is_known:
            return []
        now, before = self._counts.tolist(), self._before
        if isinstance(before, TargetNumbers):
            ends = zip(before.counts, now, before.edges, before.edges[1:], strict=False)
            bars = tuple(Bar(one, other, low=low, high=high) for one, other, low, high in ends)
        else:
            named = zip(before.counts, now, self._target.classes, strict=True)
            bars = tuple(Bar(one, other, value=value) for one, other, value in named)
        return [Compared(column_of(self._target.name, "target", bars), is_ordered=isinstance(before, TargetNumbers))]
