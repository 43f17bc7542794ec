"""What a use case says in its own words: the texts of a model, each in the languages that it gives."""

from dataclasses import dataclass, field

from slipway.schema.fields import Record
from slipway.schema.types import Text


@dataclass(frozen=True)
class BandText:
    """What is said of probabilities below a bound, and not below the band before it."""

    below: float | int
    text: Text


@dataclass(frozen=True)
class ExampleRecord:
    """A whole record that the page offers, and what its button says."""

    label: Text
    values: Record


@dataclass(frozen=True)
class ModelTexts:
    """Title and summary; the sentence that says a prediction, and those for bands; a disclaimer; examples."""

    title: Text = field(default_factory=lambda: {"en": ""})
    summary: Text | None = None
    answer: Text | None = None
    bands: tuple[BandText, ...] = ()
    disclaimer: Text | None = None
    examples: tuple[ExampleRecord, ...] = ()
