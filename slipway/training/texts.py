"""What a model says of itself on the page and the card, as its use case has it."""

from collections.abc import Sequence
from dataclasses import fields as fields_of

from slipway.errors import UseCaseError
from slipway.i18n.faults import describe
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from slipway.schema.texts import BandText, ExampleRecord, ModelTexts
from slipway.training.usecase import UseCase


def model_texts(usecase: UseCase, target: Target, fields: Sequence[Field]) -> ModelTexts:
    """The texts of a use case; where there is no title it is the target's label, and examples are completed.

    Parameters
    ----------
    usecase : UseCase
    target : Target
    fields : sequence of Field

    Returns
    -------
    ModelTexts

    Raises
    ------
    UseCaseError
        If an example is not a valid record: with its first fault.
    """
    examples = []
    draft = Schema(usecase.name, "regression", tuple(fields), target)
    for example in usecase.examples:
        record = draft.defaults | example.values
        _, _, faults = draft.check_record(record)
        if faults:
            first = faults[0]
            raise UseCaseError(
                f"use case {usecase.name}",
                f"the example {example.label['en']!r} is not a valid record: {describe(first)}",
            )
        examples.append(ExampleRecord(example.label, record))
    return ModelTexts(
        title=usecase.title or target.label,
        summary=usecase.summary,
        answer=usecase.answer,
        bands=tuple(BandText(band.below, band.text) for band in usecase.bands),
        disclaimer=usecase.disclaimer,
        examples=tuple(examples),
        appearance=usecase.page.appearance(),
        card={item.name: text for item in fields_of(usecase.card) if (text := getattr(usecase.card, item.name))},
    )
