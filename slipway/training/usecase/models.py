"""What a use-case file may say: every key with its type, default and meaning.

pydantic checks a file by the annotations, and docs/usecase.md and slipway/training/samples/usecase.schema.json are
generated from them. Everything is optional but the name: `train.py --data FILE --target COLUMN`
makes the smallest use case there is. An object made in code is not checked.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, with_config
from pydantic_core.core_schema import ValidationInfo

from slipway.schema.types import KINDS, TASKS, Kind, Task
from slipway.tables.source import DataSource, ReadingOptions
from slipway.tables.yaml_file import Expected, Shape, by_text, fault, plain, written_out
from slipway.training.usecase.values import (
    Answer,
    AtLeastTwo,
    BandLimit,
    Count,
    Flag,
    Labels,
    LocalizedText,
    Marks,
    ModelName,
    Names,
    Number,
    Probability,
    below_maximum,
)


@with_config(extra="forbid")
@dataclass(frozen=True)
class FieldSpec:
    """What the table does not say about one input."""

    kind: Annotated[
        Annotated[Kind, Expected(f"one of {', '.join(KINDS)}", KINDS)] | None,
        Field(description="What the column holds, instead of what its values suggest."),
    ] = None
    label: Annotated[LocalizedText | None, Field(description="The name on the page. Default: the column's name.")] = (
        None
    )
    unit: Annotated[LocalizedText | None, Field(description="The unit of the values, such as `kg/m²`.")] = None
    help: Annotated[LocalizedText | None, Field(description="A sentence under the input.")] = None
    minimum: Annotated[
        Number | None, Field(description="A smaller value is refused. Without it, only warned of as unlike training.")
    ] = None
    maximum: Annotated[Number | None, Field(description="A larger value is refused. It must be above `minimum`.")] = (
        None
    )
    format: Annotated[
        Annotated[str, Expected("a date format such as '%d/%m/%Y'")] | None,
        Field(description="How the dates of the column are written, as in Python's `strptime`."),
    ] = None
    categories: Annotated[
        Labels, Field(description="Texts for the values of the column, in place of the values themselves.")
    ] = field(default_factory=dict)

    private: Annotated[
        Flag, Field(description="Leave its values out of the request log of a server ([requests](requests.md)).")
    ] = False

    _bounds = field_validator("maximum")(below_maximum)


@with_config(extra="forbid", json_schema_extra={"required": ["column"]})
@dataclass(frozen=True)
class TargetSpec:
    """The column to predict, and how a prediction is worded."""

    column: Annotated[
        Annotated[str, Field(min_length=1), Expected("a column's name")],
        Field(description="The column to predict. Required."),
    ] = ""
    label: Annotated[LocalizedText | None, Field(description="The name on the page. Default: the column's name.")] = (
        None
    )
    unit: Annotated[LocalizedText | None, Field(description="The unit of a predicted number.")] = None
    minimum: Annotated[Number | None, Field(description="Predictions below it are raised to it.")] = None
    maximum: Annotated[
        Number | None, Field(description="Predictions above it are lowered to it. It must be above `minimum`.")
    ] = None
    decimals: Annotated[
        Count | None,
        Field(description="Decimals of a predicted number. Default: those of the table, at most 2."),
    ] = None
    positive: Annotated[
        Any, Field(description="Of two classes, the one whose probability is shown. Default: the last one.")
    ] = None
    threshold: Annotated[
        Probability | None,
        Field(
            description="Of two classes: the probability, between 0 and 1, at or above which `positive` is predicted. Default: 0.5."
        ),
    ] = None
    classes: Annotated[Labels, Field(description="Texts for the classes, in place of the values themselves.")] = field(
        default_factory=dict
    )

    _bounds = field_validator("maximum")(below_maximum)


@with_config(extra="forbid")
@dataclass(frozen=True)
class Band:
    """A sentence for probabilities of the positive class below `below`."""

    below: Annotated[
        BandLimit,
        Field(description="The sentence is for probabilities below it; above 0 and at most 1."),
    ]
    text: Annotated[LocalizedText, Field(description="The sentence.")]


@with_config(extra="forbid")
@dataclass(frozen=True)
class Example:
    """A made-up record to click on the page."""

    label: Annotated[LocalizedText, Field(description="What the button says.")]
    values: Annotated[
        dict[str, Any],
        Field(min_length=1, description="A value for each field; `null` where it was not measured."),
        Shape("keys with values", dict, lambda values: plain(by_text(values))),
    ]


@with_config(extra="forbid")
@dataclass(frozen=True)
class TrainingSpec:
    """How PyCaret compares and chooses."""

    metric: Annotated[
        Annotated[str, Expected("a metric's name")] | None,
        Field(description="Choose by this metric of PyCaret. Default: `R2`; for classes `Log loss`."),
    ] = None
    include: Annotated[Names | None, Field(description="Compare only these estimators of PyCaret.")] = None
    exclude: Annotated[
        Names | None, Field(description="Compare all estimators but these. Not together with `include`.")
    ] = None
    folds: Annotated[
        AtLeastTwo,
        Field(description="Folds of the cross-validation."),
    ] = 10
    tune: Annotated[Flag, Field(description="Search the hyperparameters of the best estimator, too.")] = False
    seed: Annotated[
        Count,
        Field(description="Seed of all random draws: the same seed gives the same model."),
    ] = 123
    limit_rows: Annotated[
        AtLeastTwo | None,
        Field(description="Train on this many rows, drawn at random. Default: all rows."),
    ] = None
    keep_rows: Annotated[
        Flag,
        Field(
            description="Keep 64 training rows, without target, with the version: explanations compare with them. Without it "
            "such rows are drawn, and none is one person's."
        ),
    ] = False

    @field_validator("exclude")
    @classmethod
    def _not_both(cls, exclude: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        if exclude and info.data.get("include"):
            raise fault("give `include` or `exclude`, not both")
        return exclude


def _has_column(target: TargetSpec) -> TargetSpec:
    if not target.column:
        raise fault("`target` needs `column:`, the column to predict")
    return target


def _rising(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    limits = [band.below for band in bands]
    if bands and (limits != sorted(set(limits)) or limits[-1] != 1):
        raise fault("bands must rise in `below` and end with 1")
    return bands


@with_config(extra="forbid", json_schema_extra={"required": ["target"]})
@dataclass(frozen=True)
class UseCase:
    """One table, its target, its texts and the PyCaret options to train with."""

    name: Annotated[
        ModelName,
        Field(description="The model's name in the store. Default: the name of the file."),
    ]
    target: Annotated[
        TargetSpec,
        Field(description="The column to predict, and how a prediction is worded. Required."),
        Shape("a column's name, or {column: …}", dict, written_out, shorthand="column"),
        AfterValidator(_has_column),
    ] = field(default_factory=TargetSpec)
    data: Annotated[
        Annotated[DataSource, Shape("a path, or {file: …, package: …}", dict, written_out, shorthand="file")] | None,
        Field(description="Where the table is. Without it, it is given with `--data FILE`."),
    ] = None
    title: Annotated[LocalizedText | None, Field(description="The heading of the page. Default: the name.")] = None
    summary: Annotated[LocalizedText | None, Field(description="A sentence or two under the heading.")] = None
    task: Annotated[
        Annotated[Task, Expected(f"one of {', '.join(TASKS)}", TASKS)] | None,
        Field(description="What to train, instead of what the target suggests."),
    ] = None
    fields: Annotated[
        dict[str, Annotated[FieldSpec, Shape("keys with values", dict, written_out)]],
        Field(description="For each column that needs it: what the table does not say about it."),
        Shape("keys with values", dict, lambda fields: {name: spec or {} for name, spec in by_text(fields).items()}),
    ] = field(default_factory=dict)
    missing: Annotated[
        dict[str, Marks],
        Field(description='For each column that has them: a value, or a list of values, that mean "not measured".'),
        Shape("keys with values", dict, by_text),
    ] = field(default_factory=dict)
    ignore: Annotated[Names, Field(description="Columns to leave out.")] = ()
    groups: Annotated[
        Annotated[str, Field(min_length=1), Expected("a column's name")] | None,
        Field(
            description="A column whose rows with the same value stay together: all in the hold-out or none, all in one "
            "fold. It is not an input, unless `fields` names its kind."
        ),
    ] = None
    time: Annotated[
        Annotated[str, Field(min_length=1), Expected("a column's name")] | None,
        Field(
            description="A column of dates or numbers: the newest rows are the hold-out, and each fold is later than what "
            "it is trained on."
        ),
    ] = None
    training: Annotated[
        TrainingSpec,
        Field(description="How PyCaret compares and chooses."),
        Shape("keys with values", dict, written_out),
    ] = field(default_factory=TrainingSpec)
    setup: Annotated[
        dict[str, Any],
        Field(description="Any option of PyCaret's `setup()`, such as `normalize: true`."),
        Shape("keys with values", dict, lambda options: plain(by_text(options))),
    ] = field(default_factory=dict)
    answer: Annotated[
        Answer | None,
        Field(description="The sentence of a prediction, with `{prediction}`, `{probability}` and `{target}`."),
    ] = None
    bands: Annotated[
        tuple[Annotated[Band, Shape("{below: …, text: …}", dict, written_out)], ...],
        Field(description="Sentences for probabilities, rising in `below`; the last `below` is 1."),
        Shape("a list of {below: …, text: …}", list),
        AfterValidator(_rising),
    ] = ()
    disclaimer: Annotated[LocalizedText | None, Field(description="A sentence under every prediction.")] = None
    examples: Annotated[
        tuple[Annotated[Example, Shape("{label: …, values: …}", dict, written_out)], ...],
        Field(description="Made-up records to click on the page."),
        Shape("a list of {label: …, values: …}", list),
    ] = ()

    @property
    def reading(self) -> ReadingOptions:
        """What a reader of the table has to know."""
        kinds = {name: spec.kind for name, spec in self.fields.items() if spec.kind}
        return ReadingOptions(self.target.column, self.missing, self.ignore, kinds)
