"""The language of texts, by the small words every text has, and by letters that few languages have.
Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable
from html import unescape

from catalog_service.describing.names import locale_of

_SMALL_WORDS = {
    "en": "the and with for of in your is this to from our you it are by on or that not at as an",
    "es": "el la los las con para de y en por una un del al su sin más muy es este esta como",
    "fr": (
        "le la les avec pour de et en une un du des dans est sur votre vos ce cette ces sans très"
        " par au aux qui il elle à"
    ),
    "de": (
        "der die das mit für und aus von ein eine ist zum zur im in den dem des einer einem bei auf"
        " nicht sich sind auch oder ohne sehr wird als am an durch"
    ),
    "it": "il la con per di e in una un del della gli da dei delle nel nella è sono alla questo",
    "pt": "o os as com para de e em uma um do da dos das no na seu sua não mais",
    "nl": "de het een met voor en van in is op te uw deze ook niet zijn bij aan door",
    "pl": "i z do na w dla ze oraz jest od",
    "tr": "ve ile için bir bu da de",
}
_LETTERS = {
    "es": "ñ",
    "fr": "çœèêûî",
    "de": "ßäöü",
    "it": "òìè",
    "pt": "ãõç",
    "pl": "łąęśżźń",
    "tr": "şğıöüç",
}
_ELIDED = {"fr": ("l", "d", "qu"), "it": ("l", "d", "dell", "all", "nell")}
"""What stands before an apostrophe: `l'été`."""


def _weights(marks: dict[str, Iterable[str]]) -> dict[str, tuple[tuple[str, float], ...]]:
    """What each mark says: a language's own counts as 1, one of three as a third for each."""
    languages: dict[str, list[str]] = {}
    for language, of_it in marks.items():
        for mark in of_it:
            languages.setdefault(mark, []).append(language)
    return {
        mark: tuple((language, 1 / len(having)) for language in having)
        for mark, having in languages.items()
    }


_OF_WORDS = _weights({language: words.split() for language, words in _SMALL_WORDS.items()})
_OF_LETTERS = _weights(dict(_LETTERS))
_OF_ELISIONS = _weights(dict(_ELIDED))
_WORD = re.compile(r"[^\W\d_]+")
_ELISION = re.compile(r"\b([a-z]{1,4})['’](?=[^\W\d_])")
_LETTER = re.compile(f"[{''.join(_OF_LETTERS)}]")
_TAG = re.compile(r"<[^>]*>")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
LONGEST = 2_000
ENOUGH = 2.5
"""Marks of its own that a language needs at least."""
FEW = 10


def find_locale(texts: Iterable[str]) -> tuple[str, float, str] | None:
    """AliExpress's locale of the texts' language, how sure, and why; None for too few words."""
    counts: defaultdict[str, float] = defaultdict(float)
    cyrillic = letters = 0
    for text in texts:
        plain = _TAG.sub(" ", unescape(text[:LONGEST])).lower()
        words = _WORD.findall(plain)
        letters += sum(map(len, words))
        cyrillic += len(_CYRILLIC.findall(plain))
        _count(counts, plain, words)
    if letters and cyrillic > letters / 2:
        return "ru_RU", 0.8, "most letters are Cyrillic"
    ranked = sorted(counts.items(), key=lambda each: -each[1])
    (best, most), (_, second) = [*ranked, ("", 0.0), ("", 0.0)][:2]
    locale = locale_of(best)
    if most < ENOUGH or locale is None:
        return None
    sure = min(0.9, 0.5 + 0.5 * (most - second) / most, 0.6 + 0.3 * most / FEW)
    why = f"small words and letters say so {most:.0f} times, {second:.0f} for the next likeliest"
    return locale, round(sure, 2), why


def _count(counts: defaultdict[str, float], plain: str, words: list[str]) -> None:
    for word in words:
        for language, weight in _OF_WORDS.get(word, ()):
            counts[language] += weight
        for letter in set(_LETTER.findall(word)):
            for language, weight in _OF_LETTERS[letter]:
                counts[language] += weight
    for elided in _ELISION.findall(plain):
        for language, weight in _OF_ELISIONS.get(elided, ()):
            counts[language] += weight
