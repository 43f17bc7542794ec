"""HTML by templates, which lie beside the modules that fill them, as scripts and styles do.

A template is a file of macros. Every value is escaped but what a macro made itself, so a text of a person or a file can never
become a tag; a name that no value was given for is an error, not an empty text. The page has no other way to make markup.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup

_BREAK = re.compile(r"(?P<start>\A|(?<=>))?\s*\n\s*(?P<end>\Z|(?=[<>]))?")


class _WithoutBreaks(Extension):
    """Drops the line breaks between tags with their indentation: they are for who reads a template.

    A browser would show some of them as spaces. A break inside of a tag, or of a text, becomes one.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            yield Token(token.lineno, token.type, _BREAK.sub(_joined, token.value)) if token.type == "data" else token


def _joined(found: re.Match[str]) -> str:
    return " " if found["start"] is None and found["end"] is None else ""


def _fixed(value: float, digits: int) -> str:
    """A coordinate or a share with so many decimals."""
    return f"{value:.{digits}f}"


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    extensions=[_WithoutBreaks],
    autoescape=True,
    undefined=StrictUndefined,
    cache_size=-1,
    auto_reload=False,
)
_ENVIRONMENT.filters["fixed"] = _fixed


class Macros(Protocol):
    """The macros of a template, by their names."""

    def __getattr__(self, name: str, /) -> Callable[..., Markup]: ...


@cache
def macros(template: str) -> Macros:
    """The macros of a template beside this module or below it; compiled once."""
    return cast(Macros, _ENVIRONMENT.get_template(template).module)
