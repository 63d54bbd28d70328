"""Advice that blocks nothing (M3.14): what sells better. Pure."""

import re
from collections import Counter

from common.errors import Issue

FEW_PICTURES = 5
SHORT_DESCRIPTION = 100
REPEATED = 3
_TAGS = re.compile(r"<[^>]+>")
_WORD = re.compile(r"[^\W\d_]{4,}")


def advise(title: str, description: str, pictures: int) -> list[Issue]:
    """What its merchant might improve in a product's texts of the main language and in its
    pictures; of what is missing or unusable nothing is advised, it has its error."""
    advice = [*_on_title(title), *_on_description(description)]
    if 0 < pictures < FEW_PICTURES:
        advice.append(
            _advice(
                "image_url_list",
                f"the product has {pictures} pictures",
                f"Show it in at least {FEW_PICTURES}.",
            )
        )
    return advice


def _on_title(title: str) -> list[Issue]:
    letters = [c for c in title if c.isalpha()]
    found = []
    if len(letters) > 10 and all(c.isupper() for c in letters):
        found.append(("the title is all capitals", "Write it in ordinary case."))
    words = Counter(word.casefold() for word in _WORD.findall(title))
    repeated = [word for word, times in words.items() if times > REPEATED]
    if repeated:
        found.append(
            (
                f"the title repeats {', '.join(map(repr, repeated))}",
                "Name each keyword once: stacking them costs traffic.",
            )
        )
    field = "title_multi_language_list"
    return [_advice(field, message, remedy) for message, remedy in found]


def _on_description(text: str) -> list[Issue]:
    if not text or len(_TAGS.sub("", text)) >= SHORT_DESCRIPTION:
        return []
    return [
        _advice(
            "description_multi_language_list",
            "the description is short",
            "Tell the important parameters and functions, and the after-sales terms.",
        )
    ]


def _advice(field: str, message: str, remedy: str) -> Issue:
    return Issue(rule="M3.14", field=field, message=message, remedy=remedy, severity="advice")
