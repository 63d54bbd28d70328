"""What a column's name says: role, language and unit. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from catalog_service.describing.price_words import price_kind
from catalog_service.describing.vocabulary import ROLES, Role

EXACT = 0.92
WITHIN = 0.72
"""How much a name is worth that is a known one, and one that has a known one among its words."""

_LOCALES = {
    "ar": "ar_MA",
    "de": "de_DE",
    "en": "en_US",
    "es": "es_ES",
    "fr": "fr_FR",
    "id": "in_ID",
    "it": "it_IT",
    "ja": "ja_JP",
    "ko": "ko_KR",
    "nl": "nl_NL",
    "pl": "pl_PL",
    "pt": "pt_BR",
    "ru": "ru_RU",
    "th": "th_TH",
    "tr": "tr_TR",
    "uk": "uk_UA",
    "vi": "vi_VN",
    "iw": "iw_IL",
    "he": "iw_IL",
}
"""AliExpress's locale of each language."""
_LANGUAGES = {
    "english": "en",
    "englisch": "en",
    "ingles": "en",
    "anglais": "en",
    "inglese": "en",
    "spanish": "es",
    "espanol": "es",
    "spanisch": "es",
    "espagnol": "es",
    "french": "fr",
    "francais": "fr",
    "franzosisch": "fr",
    "frances": "fr",
    "german": "de",
    "deutsch": "de",
    "aleman": "de",
    "allemand": "de",
    "italian": "it",
    "italiano": "it",
    "italienisch": "it",
    "portuguese": "pt",
    "portugues": "pt",
    "dutch": "nl",
    "nederlands": "nl",
    "polish": "pl",
    "polski": "pl",
    "russian": "ru",
    "turkish": "tr",
}
_UNITS = {
    "kg": "kg",
    "kgs": "kg",
    "kilogramm": "kg",
    "kilograms": "kg",
    "kilos": "kg",
    "g": "g",
    "gr": "g",
    "grams": "g",
    "gram": "g",
    "gramos": "g",
    "gramm": "g",
    "lb": "lb",
    "lbs": "lb",
    "pounds": "lb",
    "oz": "oz",
    "ounces": "oz",
    "cm": "cm",
    "mm": "mm",
    "m": "m",
    "in": "in",
    "inch": "in",
    "inches": "in",
}
_WEIGHTS = frozenset({"kg", "g", "lb", "oz"})
_VAGUE = frozenset(
    [
        "code",
        "codigo",
        "codice",
        "kod",
        "ref",
        "symbol",
        "type",
        "model",
        "group",
        "family",
        "amount",
    ]
)
"""Names that may mean something else: of two columns the other is the likelier."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_AMAZON_NAME = re.compile(
    r"(?P<base>[^\[\]#]+)(?P<tags>(?:\[[^\]]*\])*)#(?P<number>[0-9]+)\..*", re.DOTALL
)
_LANGUAGE_TAG = re.compile(r"\[language_tag=([A-Za-z_]+)\]")
_NOT_WORD = re.compile(r"[\W_]+")
_REGION = re.compile(r"(?:^|[^a-z])([a-z]{2})[_-]([a-z]{2})$", re.IGNORECASE)
_NUMBERED = re.compile(r"(.+?) ?([0-9]{1,2})")


@dataclass(frozen=True)
class NameMeaning:
    """What a name says of its column: `score` of 0 to 1 for the role; locale and unit where named;
    `number` of a column that is one of several (image 2)."""

    role: Role
    score: float
    words: str
    locale: str | None = None
    unit: str | None = None
    number: int | None = None


def plain_name(name: str) -> str:
    """The name in lower case, without accents, one blank between words."""
    text = _CAMEL.sub(" ", name) if not name.isupper() else name
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c) or _keeps_marks(c))
    return " ".join(_NOT_WORD.sub(" ", unicodedata.normalize("NFC", bare).casefold()).split())


def _keeps_marks(mark: str) -> bool:
    return mark == "\u0306"  # Cyrillic short i


def locale_of(language: str) -> str | None:
    """AliExpress's locale of a language's code of two letters; None where it has none."""
    return _LOCALES.get(language.casefold())


def meanings_of(name: str) -> list[NameMeaning]:
    """What the name may say, the likeliest first; empty for a name that says nothing."""
    bare, locale = _without_locale(_without_tags(name))
    words = plain_name(bare)
    best: dict[Role, NameMeaning] = {}
    for found in _readings(words, locale):
        known = best.get(found.role)
        if known is None or found.score > known.score:
            best[found.role] = found
    return sorted(best.values(), key=lambda found: -found.score)


def _without_tags(name: str) -> str:
    """One of Amazon's names, as `item_name[marketplace_id=...][language_tag=it_IT]#1.value`, with
    its number and its language behind it; others as they are."""
    found = _AMAZON_NAME.fullmatch(name)
    if found is None:
        return name
    language = _LANGUAGE_TAG.search(found["tags"])
    number = "" if found["number"] == "1" else f" {found['number']}"
    return f"{found['base']}{number}" + (f" {language[1]}" if language else "")


def _without_locale(name: str) -> tuple[str, str | None]:
    name = name.strip(" )]")
    region = _REGION.search(name)
    if region and region[1].casefold() in _LOCALES:
        return name[: region.start(1)], locale_of(region[1])
    words = re.split(r"[\s_\-.:/(\[]+", name)
    for place in (-1, 0):
        word = plain_name(words[place])
        language = _LANGUAGES.get(word, word if word in _LOCALES else None)
        if len(words) > 1 and language is not None and not (place == 0 and word == "id"):
            rest = words[:-1] if place == -1 else words[1:]
            if place == -1 and word == "id":
                continue  # an id, not Indonesian
            return " ".join(rest), _LOCALES[language]
    return name, None


def _readings(words: str, locale: str | None) -> Iterator[NameMeaning]:
    bare, unit = _without_unit(words)
    numbered = _NUMBERED.fullmatch(bare)
    forms: list[tuple[str, int | None]] = [(bare, None)]
    if numbered is not None:
        forms.append((numbered[1], int(numbered[2])))
    for text, number in forms:
        for role, length in _roles_of(text):
            is_whole = length == len(text)
            score = EXACT if is_whole else WITHIN * (0.6 + 0.4 * length / len(text))
            score *= 0.85 if text in _VAGUE else 1.0
            if locale is not None and role not in {"title", "description", "short_description"}:
                score *= 0.9
            yield NameMeaning(role, score, text, locale, unit, number)


def _without_unit(words: str) -> tuple[str, str | None]:
    head, _, last = words.rpartition(" ")
    unit = _UNITS.get(last)
    return (head, unit) if head and unit is not None else (words, _UNITS.get(words))


@lru_cache(maxsize=10_000)
def _roles_of(text: str) -> tuple[tuple[Role, int], ...]:
    """The roles whose names are the text, or some of its words, and how long the longest is."""
    padded = f" {text} "
    found: dict[Role, int] = {}
    for role, names in _NAMES:
        longest = max((len(name) for name in names if _is_in(name, padded)), default=0)
        if longest:
            found[role] = longest
    if _OF_ITS_OWN.isdisjoint(found) and (kind := price_kind(text)) is not None:
        known = max(found.pop(role, 0) for role in _PRICES)
        found[kind] = len(text) if known == len(text) else len(text) - 1
    most = max(found.values(), default=0)
    return tuple((role, length) for role, length in found.items() if 2 * length >= most)


_PRICES: tuple[Role, ...] = ("price", "sale_price", "compare_price")
_OF_ITS_OWN: frozenset[Role] = frozenset(
    {"cost", "sale_begins", "sale_ends", "sale_dates", "currency"}
)
"""Roles whose names hold words of prices too."""


def _is_in(name: str, padded: str) -> bool:
    return (f" {name} " in padded) if name.isascii() else name in padded


_NAMES = [
    (role, frozenset(name.strip() for name in names.split(";"))) for role, names in ROLES.items()
]


def is_weight_unit(unit: str | None) -> bool:
    """Whether the unit is of weights."""
    return unit in _WEIGHTS


def unit_named(text: str) -> str | None:
    """The configuration's name of a unit as catalogues write it; None where it has none."""
    return _UNITS.get(text.strip().casefold().rstrip("."))
