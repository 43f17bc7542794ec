"""What the page and the model card say: a catalogue of texts for each language, `locales/<language>.po`.

A catalogue is in gettext's format, which Babel reads; a language is there if its file is. Its header names the locale, which
decides about plurals, numbers and dates. What stands in braces is filled in: `count` also chooses the plural form.
"""

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


class MissingTextError(LookupError):
    """No catalogue has a text of this key, which is a mistake in our code."""


class _Nothing(NullTranslations):
    """Instead of gettext's own last resort, which is to show the key."""

    def gettext(self, message: str) -> str:
        raise MissingTextError(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        raise MissingTextError(msgid1)


@dataclass(frozen=True)
class Catalogue:
    """The texts of one language by their keys, such as `card.rows`; what it lacks is said in English."""

    language: str
    messages: Catalog

    @cached_property
    def locale(self) -> Locale:
        """Whose plurals, numbers and dates they are: of `zh`, `zh_Hans_CN`."""
        return Locale.parse(self.messages.locale_identifier)

    @property
    def name(self) -> str:
        """What the language calls itself: `中文`."""
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
        """A text with its values filled in, whole numbers as the locale writes them; plain, so that HTML has to escape it.

        Raises
        ------
        MissingTextError
            If no catalogue has the key.
        KeyError
            If the text has a placeholder that is not among the values.
        """
        return self.template(key, values.get("count")).format(**self.written(values))

    def template(self, key: str, count: int | None = None) -> str:
        """A text with its placeholders; `count` chooses the form of one that has several.

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
        """Whether there is a text; for keys that are made from names, such as a metric's."""
        return key in self._source

    def written(self, values: dict[str, Any]) -> dict[str, Any]:
        """Values as they are filled in: whole numbers as the locale writes them, all else as it is."""
        return {
            name: format_decimal(value, locale=self.locale) if type(value) is int else value
            for name, value in values.items()
        }

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
        """What the file holds, by keys."""
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
    """The languages that have a catalogue: English, then the others by their codes."""
    return tuple(sorted((file.stem for file in LOCALES.glob("*.po")), key=lambda code: (code != FALLBACK, code)))


def matching(tag: str) -> str | None:
    """The language of a tag such as `zh-TW`; None if there is no catalogue of it."""
    language = tag.replace("_", "-").partition("-")[0].lower()
    return language if language in languages() else None


@cache
def catalogue(language: str) -> Catalogue:
    """The texts of a language."""
    with (LOCALES / f"{language}.po").open("rb") as file:
        return Catalogue(language, read_po(file, abort_invalid=True))


def translate(text: Text | None, language: str) -> str:
    """A text of a use case in the language asked for, else in English."""
    return (text or {}).get(language) or (text or {}).get(FALLBACK, "")
