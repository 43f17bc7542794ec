"""A version as the page tells of it in one language: what the predict and batch tabs share."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from slipway.i18n.texts import PAGE, translate
from slipway.schema.schema import Schema
from slipway.service.model import LoadedModel


@dataclass(frozen=True)
class Page:
    """One version in one language. What an older version does not have is None, or empty."""

    served: LoadedModel
    language: str

    @property
    def schema(self) -> Schema:
        return self.served.schema

    def t(self, key: str, **values: Any) -> str:
        """A text of the page; not yet escaped."""
        return translate(PAGE[key], self.language).format(**values)

    @cached_property
    def outcomes(self) -> dict[str, Any] | None:
        """How the numbers predicted were distributed in training."""
        profile = None if self.schema.target.classes else self.served.version.find_json("profile.json")
        return profile["target"] if profile else None

    @cached_property
    def has_figures(self) -> bool:
        """Whether an answer is a number; an estimator that names a class and no probability has nothing to move."""
        return not self.schema.target.classes or self.served.has_probabilities

    @cached_property
    def _metrics(self) -> dict[str, Any]:
        found: dict[str, Any] = self.served.version.read_json("metrics.json")
        return found

    @property
    def bins(self) -> list[dict[str, Any]]:
        """The reliability of two classes' probabilities, bin by bin."""
        found: list[dict[str, Any]] = self._metrics.get("reliability", {}).get("bins", [])
        return found

    @property
    def thresholds(self) -> dict[str, Any] | None:
        """Found and alarmed for each threshold, of two classes."""
        return self._metrics.get("thresholds")

    @property
    def threshold(self) -> float | None:
        """The version's threshold; None if there is nothing to choose."""
        return self.schema.target.decision_threshold if self.thresholds else None

    @property
    def importance(self) -> dict[str, float]:
        """What each input is worth."""
        found: dict[str, float] = self._metrics["importance"]
        return found
