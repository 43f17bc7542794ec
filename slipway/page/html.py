"""HTML by templates, which are next to the modules that fill them, like scripts and styles.

A template is a file of macros. Every value is escaped except what a macro made itself, so that a text
from a user or a file can never become a tag; a name without a value is an error, not an empty text.
The page has no other way to make markup.
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
    """Removes line breaks and indentation between tags, which are only for readers of the template.

    A browser would show some of them as spaces. A break inside a tag, or in a text, becomes one.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            yield Token(token.lineno, token.type, _BREAK.sub(_joined, token.value)) if token.type == "data" else token


def _joined(found: re.Match[str]) -> str:
    return " " if found["start"] is None and found["end"] is None else ""


def _fixed(value: float, digits: int) -> str:
    """A coordinate or a share with this many decimals."""
    return f"{value:.{digits}f}"


_ENVIRONMENT = Environment(
    loader=FileSystemLoader([Path(__file__).parent, Path(__file__).parents[1]]),
    extensions=[_WithoutBreaks],
    autoescape=True,
    undefined=StrictUndefined,
    cache_size=-1,
    auto_reload=False,
)
_ENVIRONMENT.filters["fixed"] = _fixed


class Macros(Protocol):
    """The macros of a template, by name."""

    def __getattr__(self, name: str, /) -> Callable[..., Markup]: ...


@cache
def macros(template: str) -> Macros:
    """The macros of a template below this folder, or below the package; compiled once."""
    return cast(Macros, _ENVIRONMENT.get_template(template).module)
