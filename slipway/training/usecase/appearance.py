"""What a use case says of the look of its page: a logo, a colour and a footer."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, with_config

from slipway.errors import UseCaseError
from slipway.schema.texts import Appearance
from slipway.tables.yaml_file import Expected, fault
from slipway.training.usecase.values import LocalizedText

CONTRAST = 4.5
"""What text needs at least on its ground. Source: WCAG 2.2, 1.4.3 (AA)."""
LARGEST = 100_000
"""Bytes of a logo: it is part of every page."""
_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def _luminance(colour: str) -> float:
    """From 0 for black to 1 for white. Source: WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _readable(colour: str) -> str:
    contrast = 1.05 / (_luminance(colour) + 0.05)
    if contrast < CONTRAST:
        raise fault(
            f"`colour` {colour} has a contrast of {contrast:.1f} with white, and text needs {CONTRAST}; take a darker one"
        )
    return colour


Colour = Annotated[
    str, Field(pattern="^#[0-9a-fA-F]{6}$"), Expected("a colour such as '#17507f'"), AfterValidator(_readable)
]


@with_config(extra="forbid")
@dataclass(frozen=True)
class PageSpec:
    """The look of the page."""

    logo: Annotated[
        Annotated[str, Field(min_length=1), Expected("the path of an SVG or PNG file")] | None,
        Field(description="An SVG or PNG file of at most 100 kB, beside the use case; it stands above the title."),
    ] = None
    colour: Annotated[
        Colour | None,
        Field(description="The colour of buttons, links and marks, as `#rrggbb`, dark enough to be read on white."),
    ] = None
    footer: Annotated[LocalizedText | None, Field(description="A sentence at the foot of the page.")] = None

    def appearance(self) -> Appearance:
        """What a version keeps of it.

        Raises
        ------
        UseCaseError
            If the logo cannot be read, is too large, or is neither SVG nor PNG.
        """
        return Appearance(_data_address(Path(self.logo)) if self.logo else "", self.colour, self.footer)


def _data_address(path: Path) -> str:
    """A picture as an address that contains it."""
    kind = _TYPES.get(path.suffix.lower())
    if kind is None:
        raise UseCaseError(path, "is no logo: expected a file that ends in .svg or .png")
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise UseCaseError(path, f"cannot be read: {exc.strerror}; `logo` is the path of an SVG or PNG file") from exc
    is_svg = b"<svg" in content[:2000]
    if is_svg != (kind == "image/svg+xml") or not (is_svg or content.startswith(b"\x89PNG\r\n\x1a\n")):
        raise UseCaseError(path, f"is not what its name says ({path.suffix}); expected an SVG or PNG picture")
    if len(content) > LARGEST:
        raise UseCaseError(path, f"has {len(content):,} bytes; a logo may have {LARGEST:,}, as each page contains it")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
