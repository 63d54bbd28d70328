"""The language of texts, by the small words every text has. Pure."""

import re
from collections import Counter
from collections.abc import Iterable

from catalog_service.describing.names import locale_of

_SMALL_WORDS = {
    "en": "the and with for of in your is this to from",
    "es": "el la los las con para de y en por una un del",
    "fr": "le la les avec pour de et en une un du des dans",
    "de": "der die das mit für und aus von ein eine ist zum",
    "it": "il la con per di e in una un del della gli",
    "pt": "o os as com para de e em uma um do da dos",
    "nl": "de het een met voor en van in is op",
    "pl": "i z do na w dla ze oraz jest od",
    "tr": "ve ile için bir bu da de",
}
_LANGUAGES = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")
_TAG = re.compile(r"<[^>]*>")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
LONGEST = 2_000
ENOUGH = 5


def find_locale(texts: Iterable[str]) -> tuple[str, float, str] | None:
    """AliExpress's locale of the texts' language, how sure, and why; None for too few words."""
    counts: Counter[str] = Counter()
    cyrillic = letters = 0
    for text in texts:
        plain = _TAG.sub(" ", text[:LONGEST]).casefold()
        words = _WORD.findall(plain)
        letters += sum(map(len, words))
        cyrillic += len(_CYRILLIC.findall(plain))
        for language, small in _LANGUAGES.items():
            counts[language] += sum(word in small for word in words)
    if letters and cyrillic > letters / 2:
        return "ru_RU", 0.8, "most letters are Cyrillic"
    (best, most), (_, second) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    locale = locale_of(best)
    if most < ENOUGH or locale is None:
        return None
    sure = round(min(0.9, 0.5 + 0.5 * (most - second) / most), 2)
    return locale, sure, f"{most} small words are of this language, {second} of the next likeliest"
