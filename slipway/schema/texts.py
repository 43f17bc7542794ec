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
class Appearance:
    """The look of the page: a logo as a `data:` address, a colour as `#rrggbb`, and a sentence at its foot."""

    logo: str = ""
    colour: str | None = None
    footer: Text | None = None


@dataclass(frozen=True)
class ModelTexts:
    """Title, summary, the sentence that says a prediction, those for bands, a disclaimer, examples, the look of the page, and the owner's parts of the card."""

    title: Text = field(default_factory=lambda: {"en": ""})
    summary: Text | None = None
    answer: Text | None = None
    bands: tuple[BandText, ...] = ()
    disclaimer: Text | None = None
    examples: tuple[ExampleRecord, ...] = ()
    appearance: Appearance = field(default_factory=Appearance)
    card: dict[str, Text] = field(default_factory=dict)
