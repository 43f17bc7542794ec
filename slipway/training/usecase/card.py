"""What only the owner of a model can write on its card: the rest of it is measured, or known."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, with_config

from slipway.training.usecase.values import LocalizedText


@with_config(extra="forbid")
@dataclass(frozen=True)
class CardSpec:
    """What the owner says in the card's technical documentation ([the model card](card.md)). What is left out is marked there as to be written."""

    provider: Annotated[LocalizedText | None, Field(description="Who puts the model to use, and whom to ask.")] = None
    purpose: Annotated[
        LocalizedText | None,
        Field(description="What it is meant for, by whom and for whom, and what it is not meant for."),
    ] = None
    interaction: Annotated[
        LocalizedText | None, Field(description="With which other systems and devices it works, and where it runs.")
    ] = None
    forms: Annotated[
        LocalizedText | None, Field(description="In which forms it is offered: as a service, a page, an image, a file.")
    ] = None
    product: Annotated[
        LocalizedText | None,
        Field(description="Whether it is a part of a product, and where pictures of that product are."),
    ] = None
    instructions: Annotated[LocalizedText | None, Field(description="Where those who use it read how to.")] = None
    design: Annotated[
        LocalizedText | None,
        Field(description="Why it was designed so: assumptions, also about the persons concerned, and trade-offs."),
    ] = None
    architecture: Annotated[
        LocalizedText | None,
        Field(description="How it fits into the systems around it, and with what computing power it was developed."),
    ] = None
    origin: Annotated[
        LocalizedText | None,
        Field(description="How the table was collected, selected and labelled, and with what right."),
    ] = None
    oversight: Annotated[
        LocalizedText | None, Field(description="Who watches its answers, and can overrule or stop it.")
    ] = None
    planned_changes: Annotated[LocalizedText | None, Field(description="Which changes are planned from the start.")] = (
        None
    )
    validation: Annotated[
        LocalizedText | None,
        Field(description="Where the signed and dated test reports are, and what was tested for discrimination."),
    ] = None
    security: Annotated[LocalizedText | None, Field(description="How it is protected where it runs.")] = None
    accuracy: Annotated[
        LocalizedText | None,
        Field(description="Which accuracy is to be expected for its purpose, overall and for the persons concerned."),
    ] = None
    unintended: Annotated[LocalizedText | None, Field(description="Which misuse and side effects can be foreseen.")] = (
        None
    )
    metrics: Annotated[
        LocalizedText | None, Field(description="Why the metric suits the purpose, and which value is good enough.")
    ] = None
    risks: Annotated[
        LocalizedText | None, Field(description="Which risks were found, and what is done about each.")
    ] = None
    changes: Annotated[LocalizedText | None, Field(description="What changed since the version before, and why.")] = (
        None
    )
    standards: Annotated[
        LocalizedText | None, Field(description="Which standards were applied, and what stands in for others.")
    ] = None
    declaration: Annotated[LocalizedText | None, Field(description="Where the declaration of conformity is.")] = None
    monitoring: Annotated[
        LocalizedText | None, Field(description="Who looks at drift and outcomes, how often, and what follows.")
    ] = None
