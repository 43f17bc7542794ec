"""The golden predictions: records with what the model said of them when it was saved, the content of `golden.json`."""

from dataclasses import dataclass

from slipway.schema.fields import Record, Value


@dataclass(frozen=True)
class GoldenInterval:
    """The ends of the interval around a predicted number."""

    low: float
    high: float


@dataclass(frozen=True)
class GoldenPrediction:
    """What was answered: a number with its interval, or a class with the probabilities of all classes."""

    prediction: Value
    probabilities: dict[str, float] | None = None
    interval: GoldenInterval | None = None


@dataclass(frozen=True)
class Golden:
    """Records drawn from the schema, and a prediction for each."""

    records: tuple[Record, ...]
    predictions: tuple[GoldenPrediction, ...]
