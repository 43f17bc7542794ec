"""The kinds of values in a use case, each with its check and the words for a wrong one."""

from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo
from typing_extensions import TypeAliasType

from slipway.i18n.catalogues import languages
from slipway.schema.metrics import FEW
from slipway.schema.types import Text
from slipway.tables.yaml_file import Expected, Shape, by_text, expected, fault
from slipway.training.usecase.names import name_problem

BY_LANGUAGE = f"{{{', '.join(f'{language}: …' for language in languages())}}}"
_OTHERS = " and ".join(f"`{language}`" for language in languages() if language != "en")
BAND_NEEDS = "a band needs `below`, above 0 and at most 1, and `text`"
PLACEHOLDERS = ("prediction", "probability", "target")


def _text(value: Any) -> Any:
    """A text by language; pydantic has checked nothing yet."""
    if isinstance(value, str):
        return {"en": value}
    if not isinstance(value, dict):
        raise expected(f"a text, or {BY_LANGUAGE}")
    for language in value:
        if language not in languages():
            raise PydanticCustomError("unknown_key", "unknown key {key}", {"key": str(language)})
    if "en" not in value or not all(isinstance(text, str) for text in value.values()):
        raise PydanticCustomError(
            "of_key", "{problem}", {"problem": f"needs a text for `en` (and may have one for {_OTHERS})"}
        )
    return dict(value)


def _answer(text: Text) -> Text:
    """A text whose placeholders are all known."""
    for sentence in text.values():
        try:
            fields = [name for _, name, _, _ in Formatter().parse(sentence) if name is not None]
            if unknown := set(fields) - set(PLACEHOLDERS):
                raise KeyError(*unknown)
            sentence.format(prediction="1", probability="2", target="3")
        except (LookupError, ValueError, AttributeError, TypeError) as exc:
            raise fault(
                f"`answer` has an unknown placeholder ({exc}); known are {{prediction}}, {{probability}} and {{target}}"
            ) from exc
    return text


def _model_name(name: str) -> str:
    if problem := name_problem(name):
        raise fault(problem)
    return name


def below_maximum(maximum: float | None, info: ValidationInfo) -> float | None:
    """`maximum`, if the `minimum` that was checked before it is smaller."""
    minimum = info.data.get("minimum")
    if minimum is not None and maximum is not None and minimum >= maximum:
        raise fault(f"`minimum` {minimum} is not below `maximum` {maximum}")
    return maximum


def _band_limit(value: float) -> float:
    if not 0 < value <= 1:
        raise fault(BAND_NEEDS)
    return value


def _probability(value: float) -> float:
    if not 0 < value < 1:
        raise expected("a probability between 0 and 1")
    return value


def _minutes(value: float) -> float:
    if not 0 < value < float("inf"):
        raise expected("a number of minutes above 0")
    return value


def _cost(value: float) -> float:
    if not 0 < value < float("inf"):
        raise expected("a cost above 0")
    return value


def _width(value: float) -> float:
    if not 0 < value < float("inf"):
        raise expected("a width above 0")
    return value


_JSON_TEXT = WithJsonSchema(
    {
        "description": "A text in English, or one for each language.",
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {language: {"type": "string"} for language in languages()},
                "required": ["en"],
                "additionalProperties": False,
            },
        ],
    }
)
LocalizedText = TypeAliasType("LocalizedText", Annotated[Text, BeforeValidator(_text), _JSON_TEXT])
Answer = Annotated[LocalizedText, AfterValidator(_answer)]
Labels = Annotated[
    dict[str, Annotated[Text, BeforeValidator(lambda text: {} if text is None else _text(text)), _JSON_TEXT]],
    Shape("keys with values", dict, by_text),
]
# A union keeps a whole number whole: the schema of a version says "at least 0", not "at least 0.0".
_Real = Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True)]
Number = Annotated[_Real, Expected("a number")]
Probability = Annotated[
    Number, AfterValidator(_probability), Field(json_schema_extra={"exclusiveMinimum": 0, "exclusiveMaximum": 1})
]
Cost = Annotated[Number, AfterValidator(_cost), Field(json_schema_extra={"exclusiveMinimum": 0})]
Minutes = Annotated[Number, AfterValidator(_minutes), Field(json_schema_extra={"exclusiveMinimum": 0})]
BandLimit = Annotated[
    Number, AfterValidator(_band_limit), Field(json_schema_extra={"exclusiveMinimum": 0, "maximum": 1})
]
Names = Annotated[tuple[str, ...], Field(min_length=1), Expected("a list of names")]
Flag = Annotated[bool, Field(strict=True), Expected("true or false")]
Changeable = Annotated[Annotated[bool, Field(strict=True)] | Literal["up", "down"], Expected("true, false, up or down")]
Width = Annotated[Number, AfterValidator(_width), Field(json_schema_extra={"exclusiveMinimum": 0})]
AtLeastOne = Annotated[int, Field(strict=True, ge=1), Expected("a whole number from 1 on")]
AtLeastTen = Annotated[int, Field(strict=True, ge=FEW), Expected(f"a whole number from {FEW} on")]
Count = Annotated[int, Field(strict=True, ge=0), Expected("a whole number")]
AtLeastTwo = Annotated[int, Field(strict=True, ge=2), Expected("a whole number")]
Marks = Annotated[
    tuple[Any, ...],
    BeforeValidator(lambda marks: marks if isinstance(marks, list) else [marks], json_schema_input_type=Any),
]
ModelName = Annotated[
    str,
    Expected("a text"),
    AfterValidator(_model_name),
    Field(json_schema_extra={"maxLength": 50, "pattern": "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$"}),
]
