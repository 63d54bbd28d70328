"""Languages: gettext catalogues read as they are (no compiled files), and how values are written.

English stands in the code and templates; `locales/<language>/console.po` translates it.
`tests/test_console_texts.py` refuses a missing or fuzzy translation.
"""

import gettext
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent

LANGUAGES = {"en": "English", "fr": "Français", "es": "Español"}
"""The languages, each called as its speakers do."""
_LOCALES = {"en": "en_GB", "fr": "fr", "es": "es"}
LOCALES = Path(__file__).parent / "locales"


@dataclass(frozen=True)
class Text:
    """A text that is translated where it is shown, and what is filled into it."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def said(self, language: str) -> str:
        """The text in a language."""
        return translations(language).gettext(self.text) % dict(self.values)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "to be translated later"
    """Marks a text that is translated where it is shown."""
    return text


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The texts of a language; English's are those of the code."""
    file = LOCALES / language / "console.po"
    if language == "en" or language not in LANGUAGES:
        return gettext.NullTranslations()
    with file.open("rb") as read:
        catalogue = read_po(read, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def chosen_language(wanted: str | None, accepts: str) -> str:
    """The person's language, else the browser's first that we have, else English."""
    if wanted in LANGUAGES:
        return wanted
    for part in accepts.split(","):
        language = part.partition(";")[0].strip().partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return "en"


def zone_of(name: str) -> tzinfo:
    """The person's time zone; UTC for one that is not known here."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return timezone(timedelta(0), "UTC")


class Formats:
    """How numbers, money and times are written, in a language and a time zone."""

    def __init__(self, language: str, zone: tzinfo, now: datetime) -> None:
        self._locale = Locale.parse(_LOCALES.get(language, "en_GB"))
        self._zone = zone
        self._now = now

    def number(self, value: float) -> str:
        """A number with its separators."""
        return str(format_decimal(value, locale=self._locale))

    def percent(self, value: float) -> str:
        """A share of 1, in whole per cent."""
        return str(format_percent(value, locale=self._locale))

    def money(self, amount: str | None, currency: str | None) -> str:
        """An amount with its currency; one that is no number as it is."""
        if amount is None:
            return "–"
        try:
            value = Decimal(amount)
        except InvalidOperation:
            return f"{amount} {currency or ''}".strip()
        if not currency:
            return str(format_decimal(value, locale=self._locale))
        return str(format_currency(value, currency, locale=self._locale))

    def exact(self, moment: datetime) -> str:
        """Date and time in the person's zone."""
        local = moment.astimezone(self._zone)
        return str(format_datetime(local, "medium", locale=self._locale)) + f" {local:%Z}"

    def ago(self, moment: datetime) -> str:
        """How long ago, or in how long."""
        return str(
            format_timedelta(
                moment - self._now, add_direction=True, threshold=1.1, locale=self._locale
            )
        )

    def is_past(self, moment: datetime) -> bool:
        """Whether it lies behind us."""
        return moment <= self._now

    def days_left(self, moment: datetime) -> int:
        """Whole days until then, 0 when it has passed."""
        return max(0, (moment - self._now).days)
