"""What a use-case file may say: every key with its type, default and meaning.

pydantic checks a file by the annotations, and docs/usecase.md and slipway/training/samples/usecase.schema.json are
generated from them. Everything is optional but the name: `train.py --data FILE --target COLUMN`
makes the smallest use case there is. An object made in code is not checked.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, with_config
from pydantic_core.core_schema import ValidationInfo

from slipway.schema.metrics import FEW
from slipway.schema.types import KINDS, TASKS, Kind, Task
from slipway.tables.source import DataSource, ReadingOptions
from slipway.tables.yaml_file import Expected, Shape, by_text, fault, plain, written_out
from slipway.training.usecase.appearance import PageSpec
from slipway.training.usecase.card import CardSpec
from slipway.training.usecase.values import (
    Answer,
    AtLeastOne,
    AtLeastTen,
    AtLeastTwo,
    BandLimit,
    Changeable,
    Cost,
    Count,
    Flag,
    Labels,
    LocalizedText,
    Marks,
    Minutes,
    ModelName,
    Names,
    Number,
    Probability,
    Width,
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
    label: Annotated[
        LocalizedText | None, Field(description="The name on the page. Default: the column's name in words.")
    ] = None
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

    changeable: Annotated[
        Changeable,
        Field(
            description="Whether a person could have another value: `true`, or of a number also `up` or `down` alone. `POST /counterfactual` "
            "and the page then say which changes lead to another prediction."
        ),
    ] = False
    monotone: Annotated[
        Annotated[Literal["up", "down"], Expected("up or down", ("up", "down"))] | None,
        Field(
            description="Of a number: whether predictions (of two classes the probability of `positive`) are expected to go `up` or `down` as "
            "it grows. Training searches for cases in which they do not, and the card names them."
        ),
    ] = None

    group: Annotated[
        LocalizedText | None,
        Field(description="A heading on the page, under which inputs with the same group stand together."),
    ] = None

    _bounds = field_validator("maximum")(below_maximum)


@with_config(extra="forbid", json_schema_extra={"required": ["column"]})
@dataclass(frozen=True)
class TargetSpec:
    """The column to predict, and how a prediction is worded."""

    column: Annotated[
        Annotated[str, Field(min_length=1), Expected("a column's name")],
        Field(description="The column to predict. Required."),
    ] = ""
    label: Annotated[
        LocalizedText | None, Field(description="The name on the page. Default: the column's name in words.")
    ] = None
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
    cost_missed: Annotated[
        Cost | None,
        Field(
            description="Of two classes: what it costs to miss a case of `positive`. With `cost_false_alarm`, in place of a "
            "`threshold`: `positive` is predicted where that costs less on average."
        ),
    ] = None
    cost_false_alarm: Annotated[
        Cost | None,
        Field(description="Of two classes: what it costs to predict `positive` for another case."),
    ] = None
    costs: Annotated[
        dict[
            str,
            Annotated[
                dict[str, Annotated[Cost, Expected("a cost above 0")]], Shape("classes with costs", dict, by_text)
            ],
        ],
        Field(
            description="Of more than two classes: what it costs to take one for another, `{actual: {predicted: cost}}`. Those that "
            "are not named cost 1, a right answer nothing. The class with the lowest expected cost is predicted; without "
            "costs, the most probable."
        ),
        Shape("classes with costs", dict, by_text),
    ] = field(default_factory=dict)
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
class AbstainSpec:
    """When a prediction says that a person is to be asked. Each rule is for itself; without any, no prediction does."""

    cases: Annotated[
        AtLeastTen | None,
        Field(description=f"With fewer similar training cases than this; fewer than {FEW} are never told apart."),
    ] = None
    width: Annotated[Width | None, Field(description="Of a number: with a wider interval, in the target's unit.")] = (
        None
    )
    classes: Annotated[
        AtLeastOne | None,
        Field(description="Of classes: with a prediction set of more classes than this."),
    ] = None
    unusual: Annotated[Flag, Field(description="With a combination of two inputs that training does not have.")] = False


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
        Field(description="Choose by this metric of PyCaret. Default: `RMSE`; for classes `Log loss`."),
    ] = None
    include: Annotated[Names | None, Field(description="Compare only these estimators of PyCaret.")] = None
    exclude: Annotated[
        Names | None, Field(description="Compare all estimators but these. Not together with `include`.")
    ] = None
    folds: Annotated[
        AtLeastTwo,
        Field(description="Folds of the cross-validation."),
    ] = 10
    tune: Annotated[
        Flag,
        Field(
            description="Search the hyperparameters of the best estimator, too. What is found is taken only if it is clearly better in the folds."
        ),
    ] = False
    average: Annotated[
        Flag | None,
        Field(
            description="Average the best estimator with CatBoost models that stop in time, if that is better in the folds, or take those alone if they "
            "are clearly better still. Default: yes, unless `include` names the estimators."
        ),
    ] = None
    minutes: Annotated[
        Minutes | None,
        Field(
            description="Time for comparing estimators, in minutes: those that would take longer than what is left are skipped and named. The first is always "
            "tried; fitting and proving what is saved come on top. Default: no limit."
        ),
    ] = None
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

    @property
    def averages(self) -> bool:
        """Whether an average is tried: who names the estimators to compare wants one of them."""
        return not self.include if self.average is None else self.average

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


def _one_decision(target: TargetSpec) -> TargetSpec:
    """A threshold, two costs or a table of costs decide on the class; two of them could contradict each other."""
    pair = {"cost_missed": target.cost_missed, "cost_false_alarm": target.cost_false_alarm}
    if lacking := [name for name, cost in pair.items() if cost is None]:
        if len(lacking) == 1:
            (given,) = pair.keys() - set(lacking)
            raise fault(f"`{given}` needs `{lacking[0]}`: only their ratio decides")
    elif target.threshold is not None:
        raise fault("give `threshold`, or `cost_missed` and `cost_false_alarm`, not both")
    if target.costs and (target.threshold is not None or not lacking):
        raise fault(
            "`costs` is for more than two classes; give it, or a `threshold` or two costs for two classes, not both"
        )
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
        AfterValidator(_one_decision),
    ] = field(default_factory=TargetSpec)
    data: Annotated[
        Annotated[DataSource, Shape("a path, or {file: …, package: …}", dict, written_out, shorthand="file")] | None,
        Field(description="Where the table is. Without it, it is given with `--data FILE`."),
    ] = None
    title: Annotated[
        LocalizedText | None, Field(description="The heading of the page. Default: the label of the target.")
    ] = None
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
    abstain: Annotated[
        AbstainSpec,
        Field(description="When a prediction says that a person is to be asked ([trust](trust.md))."),
        Shape("keys with values", dict, written_out),
    ] = field(default_factory=AbstainSpec)
    disclaimer: Annotated[LocalizedText | None, Field(description="A sentence under every prediction.")] = None
    page: Annotated[
        PageSpec, Field(description="The look of the page."), Shape("keys with values", dict, written_out)
    ] = field(default_factory=PageSpec)
    card: Annotated[
        CardSpec,
        Field(description="What only the owner can write on the [model card](card.md)."),
        Shape("keys with values", dict, written_out),
    ] = field(default_factory=CardSpec)
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
