"""The answer panel, as HTML: a sentence, its interval or probabilities, warnings, the disclaimer."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from slipway.errors import Fault
from slipway.i18n import trust
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.page.predict import link, live, outcome_scale, threshold
from slipway.schema.fields import Record
from slipway.schema.types import Text

_HTML = macros("predict/answer.html")


def sentence(page: PageContext, prediction: dict[str, Any]) -> str:
    """The answer as one sentence: the use case's, or one made from the target's name."""
    template = page.schema.texts.answer
    if not page.schema.target.classes:
        words = {"target": page.target, "probability": "", "prediction": page.number(prediction["prediction"])}
        if template is None:
            return page.t("page.answer_number", **words | {"prediction": page.amount(prediction["prediction"])})
        return page.text(template).format(**words)
    return _class_sentence(page, prediction, template)


def _class_sentence(page: PageContext, prediction: dict[str, Any], template: Text | None) -> str:
    target, named, scores = page.schema.target, prediction["prediction"], prediction["probabilities"]
    words = {"target": page.target, "probability": "", "prediction": page.class_label(named)}
    if not scores:
        return page.t("page.answer_bare_class", **words)
    of = target.positive if len(target.classes) == 2 and template else named
    words["probability"] = page.percent(scores[str(of)])
    if template:
        return page.text(template).format(**words)
    # By a threshold the class may be named that is not the most likely.
    is_likeliest = scores[str(named)] >= max(scores.values())
    return page.t("page.answer_class" if is_likeliest else "page.answer_less_likely_class", **words)


def interval(page: PageContext, prediction: dict[str, Any]) -> str:
    """The prediction interval as a sentence; empty for classes and for a model without intervals."""
    interval = prediction.get("interval")
    if not interval:
        return ""
    low, high = page.amounts(interval["low"], interval["high"])
    return page.t("page.interval", coverage=page.share(interval["coverage"], 0), low=low, high=high)


def band(page: PageContext, prediction: dict[str, Any]) -> str:
    """The sentence for the band that contains the positive class's probability."""
    scores, target = prediction.get("probabilities"), page.schema.target
    if not scores or len(target.classes) != 2:
        return ""
    score = scores[str(target.positive)]
    bands = page.schema.texts.bands
    return page.text(next((one.text for one in bands if score < one.below or one is bands[-1]), None))


def heading(record: Record, starts: Sequence[Record]) -> str:
    """For which values the answer is; how many of them somebody has entered is known to the browser alone (`answer.js`).

    Parameters
    ----------
    record : Record
    starts : sequence of Record
        The values with which the form can have been filled without anybody entering them.

    Returns
    -------
    str
        A key of the texts.
    """
    return "page.heading_example" if record in starts else "page.heading_answer"


def render(
    page: PageContext,
    answer: dict[str, Any],
    record: Record,
    heading: str,
    fields: str,
    chosen: float | None = None,
) -> Markup:
    """The panel for one prediction.

    Parameters
    ----------
    page : PageContext
    answer : dict
        As the API returns it.
    record : Record
        Also stored in the panel, for print, link and comparison.
    heading : str
        A key of the texts.
    fields : str
        The content of the form, as JSON.
    chosen : float, optional
        The threshold of two classes.

    Returns
    -------
    Markup
    """
    prediction = answer["predictions"][0]
    if chosen is not None:  # the slider may stand elsewhere than the version's threshold
        prediction = prediction | {"prediction": threshold.counted_as(page.schema, prediction, chosen)}
    outcomes, bins = outcome_scale.outcomes(page), outcome_scale.bins(page)
    body = _HTML.answer(
        page,
        heading=heading,
        sentence=sentence(page, prediction),
        verdict="" if chosen is None else threshold.verdict(page, prediction, chosen),
        interval=interval(page, prediction) or trust.prediction_set(page.schema, prediction, page.language),
        abstains=prediction["abstain"],
        support=trust.similar_cases(page.schema, page.metrics, prediction, page.language),
        scale=outcome_scale.scale(page, prediction, outcomes) if outcomes else "",
        band=band(page, prediction),
        of_a_hundred=outcome_scale.of_a_hundred(page, prediction, bins) if bins else "",
        probabilities=_probabilities(page, prediction),
        warnings=[page.problem(one) for one in prediction["warnings"]],
        inputs=[(page.field_label(field), page.value_text(field, record[field.name])) for field in page.schema.fields],
    )
    moved = chosen if chosen != threshold.own(page) else None
    marks = live.marks("answer", fields, threshold=chosen) | {"fragment": link.fragment(record, moved)}
    entered = "" if heading == "page.heading_example" else page.catalogue.template("page.heading_part")
    return _HTML.panel(page, answer["model"], marks | {"entered": entered}, body)


def render_faults(page: PageContext, fields: str, chosen: float | None = None) -> Markup:
    """The panel while fields have faults: without any figure that could be mistaken for an answer."""
    return _HTML.panel(page, page.version.tag, live.marks("answer", fields, threshold=chosen), _HTML.faults(page))


def render_replaced(page: PageContext, replaced: Sequence[Fault]) -> Markup:
    """The values of a link that were not valid, and were replaced; empty if all were valid."""
    places = {name: page.field_id(name) for name in page.schema.names} | {link.THRESHOLD: "threshold"}
    lines = [(places[one.field or ""], page.term(_label(page, one), page.problem(one))) for one in replaced]
    return _HTML.replaced(page.t("page.replaced"), lines)


def _label(page: PageContext, fault: Fault) -> str:
    if fault.field == link.THRESHOLD:
        return page.t("page.threshold_name")
    return page.text(page.schema.by_name[fault.field or ""].label)


def _probabilities(page: PageContext, prediction: dict[str, Any]) -> list[dict[str, Any]]:
    """A bar for each class."""
    shares = prediction.get("probabilities")
    if not shares:
        return []
    return [
        {
            "label": page.class_label(value),
            "share": shares[str(value)],
            "percent": page.percent(shares[str(value)]),
            "is_chosen": value == prediction["prediction"],
        }
        for value in page.schema.target.classes
    ]
