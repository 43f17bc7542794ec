"""One version as it is served by a process."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from threading import Lock
from typing import Any

from slipway import store
from slipway.errors import ExplanationError, RecordsError, RequestCode
from slipway.inference.counterfactual import counterfactual
from slipway.inference.decision import threshold_of
from slipway.inference.predictor import Predictor
from slipway.inference.shapley import DEFAULT_CLASS, Explainer
from slipway.schema.metrics import CalibrationMetrics
from slipway.service.limits import Limits
from slipway.service.requests import RequestError
from slipway.service.settings import DEFAULTS, Settings
from slipway.store import Version
from slipway.store.artifacts import to_json
from slipway.store.requestlog import RowWriter, open_log

INLINE_LIMIT = 16
"""Records of a call that a compiled version answers on the event loop: well below a millisecond."""


class LoadedModel:
    """One version as it is served by a process: found at import, its pipeline loaded once.

    Work runs on threads beside the event loop, so that probes are answered meanwhile.

    Parameters
    ----------
    version : Version
    settings : Settings, optional
        By default, those of a server with an empty environment.
    """

    def __init__(self, version: Version, settings: Settings = DEFAULTS) -> None:
        store.check_compatible(version)
        self.version = version
        self.schema = version.schema()
        self.limits = Limits(settings)
        self.most_values = self.limits.values(self.schema)
        self.request_log = open_log(settings.request_log) if settings.request_log else None
        self.log_rows = RowWriter(version.tag, self.schema).rows if self.request_log else None
        self._image = settings.image
        self._lock = Lock()

    @cached_property
    def _loaded(self) -> Predictor:
        return store.load_predictor(self.version)

    @property
    def predictor(self) -> Predictor:
        """The loaded predictor; the first call loads it."""
        with self._lock:
            return self._loaded

    def check_files(self) -> None:
        """Check that the version is still what it was when it was found.

        Raises
        ------
        ModelMissingError, ModelDamagedError
            If it is not.
        """
        store.open_version(self.version.tag)

    def load(self) -> None:
        """Read all that is needed: later changes to the version's files do not affect any answer, nor the page."""
        self.version.read()
        self.predictor, self.explainer, self.description  # noqa: B018

    @cached_property
    def _explaining(self) -> Explainer:
        return store.load_explainer(self.version, self._loaded)

    @property
    def explainer(self) -> Explainer:
        """What explains the predictor's answers; the first call reads the background."""
        with self._lock:
            return self._explaining

    @property
    def most_reasons(self) -> int:
        """Rows of a file with reasons."""
        return self.limits.most_reasons(self.explainer.is_fast)

    def check_golden(self) -> None:
        """Reproduce the golden predictions.

        Raises
        ------
        GoldenMismatchError
            If they differ.
        """
        self.predictor.check_golden(self.version.golden())

    async def run(self, work: Callable[[Predictor], Any]) -> Any:
        """`work(predictor)`, on a thread."""
        return await asyncio.to_thread(lambda: work(self.predictor))

    async def answer(self, records: Any) -> dict[str, Any]:
        """The contract's answer to `records`; its warnings are `Fault` objects.

        Raises
        ------
        RequestError
            400 with every fault, or 413 for too many records.
        """
        if not isinstance(records, list):
            raise RequestError(400, RequestCode.RECORDS_NOT_A_LIST)
        if not records:
            raise RequestError(400, RequestCode.NO_RECORDS)
        if len(records) > self.limits.records:
            limit = self.limits.records
            raise RequestError(413, RequestCode.TOO_MANY_RECORDS, found=len(records), limit=limit)
        try:
            if self._is_quick(records):
                return self.predictor.answer(records)
            return await self.run(lambda predictor: predictor.answer(records))  # type: ignore[no-any-return]
        except RecordsError as exc:
            raise RequestError.of(400, exc) from exc

    def _is_quick(self, records: list[Any]) -> bool:
        """Whether answering takes less time than moving to another thread and back."""
        few = self.version.engine == "onnx" and len(records) <= INLINE_LIMIT
        return few and all(isinstance(record, dict) and len(record) < 2 * len(self.schema.fields) for record in records)

    async def explain(self, record: Any, wanted: Any = DEFAULT_CLASS) -> dict[str, Any]:
        """The contract's explanation of one record, for classes of the class `wanted`; warnings as `Fault` objects.

        Raises
        ------
        RequestError
            400 with every fault, or with what the model cannot explain.
        """
        try:
            return await asyncio.to_thread(lambda: self.explainer.explain(record, wanted))
        except (RecordsError, ExplanationError) as exc:
            raise RequestError.of(400, exc) from exc

    async def counterfactual(self, record: Any, wanted: Any) -> dict[str, Any]:
        """The contract's smallest changes of a record that lead to the prediction `wanted`; warnings as `Fault` objects.

        Raises
        ------
        RequestError
            400 with every fault, or if no field can be changed.
        """
        try:
            return await self.run(lambda predictor: counterfactual(predictor, record, wanted))  # type: ignore[no-any-return]
        except RecordsError as exc:
            raise RequestError.of(400, exc) from exc

    @property
    def threshold(self) -> float | None:
        """The probability from which a case is positive; None if the most probable class is predicted."""
        return threshold_of(self.schema.target, self.has_probabilities)

    @cached_property
    def has_probabilities(self) -> bool:
        """Whether the model gives the probabilities of its classes."""
        if not self.schema.target.classes:
            return False
        (answered,) = self.predictor.answer([self.schema.example()])["predictions"]
        return bool(answered["probabilities"])

    @cached_property
    def description(self) -> dict[str, Any]:
        """What `GET /model` says."""
        measured = self.version.metrics()
        described: dict[str, Any] = {
            "model": self.version.tag,
            "task": self.schema.task,
            "target": self.schema.target.name,
            "engine": self.version.engine,
            "created": self.version.created.isoformat(),
            "packages": self.version.summary.packages,
            "estimator": measured.estimator,
            "metric": measured.metric,
            "folds": {name: asdict(fold) for name, fold in measured.folds.items()},
            "holdout": measured.holdout,
            "rows": asdict(measured.rows),
            "importance": measured.importance,
            "training_rows": {
                "in_background": measured.training_rows_kept,
                "in_model": measured.rows_in_model and list(measured.rows_in_model),
            },
        }
        if self.schema.target.classes:
            described["threshold"] = self.threshold
        if costs := self.schema.target.costs:
            names = list(map(str, self.schema.target.classes))
            described["costs"] = {
                name: dict(zip(names, row, strict=True)) for name, row in zip(names, costs, strict=True)
            }
        if measured.interval:
            described["interval"] = to_json(measured.interval)
        if measured.support:
            described["support"] = to_json(measured.support)
        if measured.calibration:
            described["calibration"] = _described_calibration(measured.calibration)
        if provenance := self.version.provenance():
            described["provenance"] = {name: part for name, part in to_json(provenance).items() if name != "packages"}
        if self._image:
            described["image"] = self._image
        if reading := self.version.reading():
            described["reading"] = to_json(reading)
        return described

    @property
    def cards(self) -> dict[str, str]:
        """The model card by language."""
        return self.version.cards()


def _described_calibration(calibration: CalibrationMetrics) -> dict[str, Any]:
    """The calibration as the API has always named it, whatever the files do."""
    described = {name: value for name, value in asdict(calibration).items() if value is not None}
    if calibration.brier:
        described["brier"] = {"before": calibration.brier.uncalibrated, "after": calibration.brier.served}
    return {"method": calibration.method, **described}
