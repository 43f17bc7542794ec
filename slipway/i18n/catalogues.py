"""The texts of the page and the model card: a catalogue for each language, `locales/<language>.po`.

Catalogues are in gettext's format, which Babel reads; a language is available if its file exists. The
header names the locale, which determines plurals, numbers and dates. Values are filled in for names in
braces: `count` also selects the plural form.
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import get_global
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations

from slipway.schema.types import Text

LOCALES = Path(__file__).with_name("locales")
FALLBACK = "en"
_COUNTS = (*range(200), 10**6)
"""Whole numbers among which is each plural category of every language. Source: CLDR, Language Plural Rules."""


_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
"""Letters and marks that are written from right to left. Source: Unicode's DerivedBidiClass.txt, classes R and AL."""
ISOLATE = Path(__file__).with_name("isolate.js").read_text(encoding="utf-8")
"""The function `isolate` for the scripts of pages."""


class MissingTextError(LookupError):
    """No catalogue has a text with this key: a bug."""


class _Nothing(NullTranslations):
    """Replaces gettext's own fallback, which is to show the key."""

    def gettext(self, message: str) -> str:
        raise MissingTextError(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        raise MissingTextError(msgid1)


@dataclass(frozen=True)
class Catalogue:
    """The texts of one language by their keys, such as `card.rows`; missing ones are taken from English."""

    language: str
    messages: Catalog

    @cached_property
    def locale(self) -> Locale:
        """The locale of plurals, numbers and dates: for `zh`, `zh_Hans_CN`."""
        return Locale.parse(self.messages.locale_identifier)

    @property
    def name(self) -> str:
        """The language's own name: `中文`."""
        return str(self.locale.language_name)

    @property
    def tag(self) -> str:
        """The language as HTML names it: `zh-CN`."""
        return str(self.messages.locale_identifier).replace("_", "-")

    @property
    def territory(self) -> str:
        """The language with a country, as link previews name it: `en_US`."""
        likely = Locale.parse(get_global("likely_subtags").get(str(self.locale), str(self.locale)))
        return f"{self.locale.language}_{self.locale.territory or likely.territory}"

    def text(self, key: str, /, **values: Any) -> str:
        """A text with its values filled in; integers are written as in the locale.

        It is plain text, which HTML has to escape.

        Parameters
        ----------
        key : str
        values
            By placeholder; `count` selects the plural form.

        Returns
        -------
        str

        Raises
        ------
        MissingTextError
            If no catalogue has the key.
        KeyError
            If a placeholder of the text has no value.
        """
        return self.template(key, values.get("count")).format(**self.written(values))

    def template(self, key: str, count: int | None = None) -> str:
        """A text with its placeholders.

        Parameters
        ----------
        key : str
        count : int, optional
            Selects the form of a text with plural forms.

        Returns
        -------
        str

        Raises
        ------
        TypeError
            If the text has plural forms and there is no `count`.
        """
        if (text := self._singular.get(key)) is not None:
            return text
        if count is None and key in self._source:
            raise TypeError(f"{key} has plural forms; expected count=<a whole number>")
        return str(self.translations.ngettext(key, key, count or 0))

    def section(self, name: str) -> dict[str, str | dict[str, str]]:
        """The texts whose keys begin with `name.`, for a script that fills them in itself.

        A text with plural forms is a mapping from CLDR's categories, which JavaScript's `Intl.PluralRules` names.
        """
        return {
            key: self.forms(key) if message.pluralizable else self.template(key)
            for key, message in self._source.items()
            if key.startswith(f"{name}.")
        }

    def forms(self, key: str) -> dict[str, str]:
        """The forms of a text by CLDR's plural categories: `{"one": "{count} row", "other": "{count} rows"}`."""
        return {self.locale.plural_form(count): self.template(key, count) for count in _COUNTS}

    def has(self, key: str) -> bool:
        """Whether there is a text; for keys that are built from names, such as a metric's."""
        return key in self._source

    def written(self, values: dict[str, Any]) -> dict[str, Any]:
        """Values as they are filled in: integers as in the locale, texts from right to left by themselves, all else unchanged."""
        return {name: self._written(value) for name, value in values.items()}

    def _written(self, value: Any) -> Any:
        if type(value) is int:
            return format_decimal(value, locale=self.locale)
        return isolate(value) if isinstance(value, str) else value

    @cached_property
    def _singular(self) -> dict[str, str]:
        """The texts without plural forms: a file of 200,000 rows may ask for one as often."""
        keys = (key for key, message in self._source.items() if not message.pluralizable)
        return {key: str(self.translations.gettext(key)) for key in keys}

    @cached_property
    def _source(self) -> dict[str, Message]:
        return self.entries if self.language == FALLBACK else catalogue(FALLBACK).entries

    @cached_property
    def entries(self) -> dict[str, Message]:
        """The content of the file, by key."""
        found = (message for message in self.messages if message.id)
        return {one.id if isinstance(one.id, str) else one.id[0]: one for one in found}

    @cached_property
    def translations(self) -> NullTranslations:
        """What looks texts up: this catalogue, then the English one."""
        compiled = BytesIO()
        write_mo(compiled, self.messages)
        compiled.seek(0)
        found = Translations(compiled)
        found.add_fallback(_Nothing() if self.language == FALLBACK else catalogue(FALLBACK).translations)
        return found


@cache
def languages() -> tuple[str, ...]:
    """The available languages: English, then the others by code."""
    return tuple(sorted((file.stem for file in LOCALES.glob("*.po")), key=lambda code: (code != FALLBACK, code)))


def matching(tag: str) -> str | None:
    """The language of a tag such as `zh-TW`; None if there is no catalogue of it."""
    language = tag.replace("_", "-").partition("-")[0].lower()
    return language if language in languages() else None


def preferred(accepted: str) -> str:
    """The first of our languages in an Accept-Language header, by weight; English if there is none."""
    wanted = []
    for part in accepted.split(","):
        tag, _, weight = part.strip().partition(";q=")
        wanted.append((-float(weight) if re.fullmatch(r"[01](\.\d+)?", weight) else -1.0, matching(tag)))
    return next((language for _, language in sorted(wanted, key=lambda item: item[0]) if language), FALLBACK)


@cache
def catalogue(language: str) -> Catalogue:
    """The texts of a language."""
    with (LOCALES / f"{language}.po").open("rb") as file:
        return Catalogue(language, read_po(file, abort_invalid=True))


def isolate(text: str) -> str:
    """A text that may stand among others: one that is written from right to left in marks that keep it to itself.

    Without them it takes the numbers and signs beside it into its own order: of `الراتب: −640` the minus sign would stand
    to the right of its number.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        The text itself if no letter of it is written from right to left; of the type of `text`.

    Source: Unicode Standard Annex #9, FIRST STRONG ISOLATE (U+2068) and POP DIRECTIONAL ISOLATE (U+2069).
    """
    if text.isascii() or not _RIGHT_TO_LEFT.search(text):
        return text
    return "\u2068" + text + "\u2069"


def translate(text: Text | None, language: str) -> str:
    """A text of a use case in the requested language, or else in English; see `isolate`.

    Parameters
    ----------
    text : Text or None
    language : str

    Returns
    -------
    str
    """
    return isolate((text or {}).get(language) or (text or {}).get(FALLBACK, ""))
