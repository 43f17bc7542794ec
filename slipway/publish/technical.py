"""The part of the card that has the headings of a technical documentation under the EU AI Act.

What Slipway knows of a version is filled in, what its owner wrote in the use case follows, and the rest is marked as to be
written: nothing is made up.

Source of the headings: Regulation (EU) 2024/1689, Annex IV, points 1 to 9.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slipway.i18n import sentences
from slipway.i18n.catalogues import catalogue, translate
from slipway.i18n.formats import format_value
from slipway.schema.metrics import Metrics
from slipway.schema.provenance import Provenance
from slipway.schema.schema import Schema

POINTS: dict[str, tuple[tuple[str, str], ...]] = {
    "general": (
        ("a", "purpose"),
        ("a", "provider"),
        ("a", "version"),
        ("b", "interaction"),
        ("c", "software"),
        ("d", "forms"),
        ("e", "hardware"),
        ("f", "product"),
        ("g", "interface"),
        ("h", "instructions"),
    ),
    "development": (
        ("a", "method"),
        ("b", "design"),
        ("c", "architecture"),
        ("d", "origin"),
        ("e", "oversight"),
        ("f", "planned_changes"),
        ("g", "validation"),
        ("h", "security"),
    ),
    "control": (("", "limits"), ("", "accuracy"), ("", "unintended"), ("", "interpretation"), ("", "input_data")),
    "metrics_fit": (("", "metrics"),),
    "risk_management": (("", "risks"),),
    "lifecycle": (("", "changes"),),
    "standards_applied": (("", "standards"),),
    "conformity": (("", "declaration"),),
    "post_market": (("", "monitoring"),),
}
"""The points of Annex IV in their order, and the items of each, by the letter that the annex gives them; point 3 has none."""

TO_WRITE = frozenset(
    "purpose provider interaction forms product instructions design architecture origin oversight planned_changes "
    "validation security accuracy unintended metrics risks changes standards declaration monitoring".split()
)
"""Those that only the owner can write, or complete: the keys of `card:` in a use case."""
NAMED = 5
"""So many of the most important inputs are named."""


@dataclass(frozen=True)
class Known:
    """What is known of a version."""

    tag: str
    schema: Schema
    metrics: Metrics
    packages: dict[str, str]
    provenance: Provenance | None
    seconds: float | None
    """What trying the candidates took; None if it was not measured."""


def technical(known: Known, language: str, cell: Callable[[str], str]) -> list[str]:
    """The lines, as Markdown; `cell` escapes what is from a table or a use case."""
    t = catalogue(language).text
    lines = ["", f"## {t('annex.heading')}", "", t("annex.lead")]
    for number, (point, items) in enumerate(POINTS.items(), 1):
        lines += ["", f"### {number}. {t(f'annex_part.{point}')}", ""]
        for letter, item in items:
            value = sentences.joined(_item(known, item, language, cell))
            term = " ".join(filter(None, (letter and f"({letter})", t(f"annex_item.{item}"))))
            lines.append(f"- {t('text.term', term=f'**{term}**', value=value)}")
    return lines


def _item(known: Known, item: str, language: str, cell: Callable[[str], str]) -> Iterator[str]:
    """What is said of an item: what the owner wrote, what is known, and what is missing."""
    t, texts = catalogue(language), known.schema.texts
    if own := texts.card.get(item):
        yield cell(translate(own, language))
    if fact := _FACTS.get(item):
        yield cell(fact(known, language))
    if t.has(f"annex_fact.{item}"):
        yield t.text(f"annex_fact.{item}")
    if item in TO_WRITE and not own:
        yield f"*{t.text('annex.to_write', what=t.text(f'annex_write.{item}'))}*"


def _software(known: Known, language: str) -> str:
    t, provenance = catalogue(language).text, known.provenance
    named = [f"{name} {version}" for name, version in known.packages.items()]
    if provenance:
        code = provenance.code
        named = [f"Slipway {code.version} ({code.commit or code.sha256})", f"Python {provenance.python}", *named]
    return t("text.comma").join(named)


def _hardware(known: Known, language: str) -> str:
    platform = known.provenance.platform if known.provenance else "–"
    return catalogue(language).text("annex.known_hardware", platform=platform)


def _design(known: Known, language: str) -> str:
    t, metrics = catalogue(language).text, known.metrics
    decided = sentences.at_threshold("card.at_threshold", known.schema, metrics, language)
    target = translate(known.schema.target.label, language)
    output = t("annex.known_output", task=t(f"tasks.{known.schema.task}"), target=target)
    design = t("annex.known_design", metric=metrics.metric)
    return sentences.joined([output, design, decided, _inputs(known, language)])


def _inputs(known: Known, language: str) -> str:
    """Which inputs count most."""
    importance = known.metrics.importance
    most = sorted(known.schema.fields, key=lambda field: -importance.get(field.name, 0.0))[:NAMED]
    t = catalogue(language).text
    named = t("text.comma").join(
        translate(field.label, language) for field in most if importance.get(field.name, 0.0) > 0
    )
    return t("annex.known_inputs", inputs=named) if named else ""


def _architecture(known: Known, language: str) -> str:
    t, seconds = catalogue(language).text, known.seconds
    engine = t("annex.known_engine", engine=sentences.engine(known.metrics, language))
    took = "" if seconds is None else t("annex.known_seconds", seconds=format_value(seconds, language))
    return sentences.joined([engine, took])


def _origin(known: Known, language: str) -> str:
    text = sentences.data(known.metrics, language)
    digest = known.metrics.data.sha256
    return text + catalogue(language).text("annex.known_origin", sha256=digest) if digest else text


def _purpose(known: Known, language: str) -> str:
    texts = known.schema.texts
    return sentences.joined(translate(text, language) for text in (texts.summary, texts.disclaimer))


_FACTS: dict[str, Callable[[Known, str], str]] = {
    "purpose": _purpose,
    "version": lambda known, _: f"{known.tag}.",
    "software": _software,
    "hardware": _hardware,
    "method": lambda known, language: catalogue(language).text("annex.known_method", estimator=known.metrics.estimator),
    "design": _design,
    "architecture": _architecture,
    "origin": _origin,
    "metrics": lambda known, language: catalogue(language).text("annex.known_metrics", metric=known.metrics.metric),
}
