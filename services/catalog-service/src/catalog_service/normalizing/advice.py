"""Advice that blocks nothing (M3.14, M3.6): what sells better. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

from common.contracts.product import Content, SkuStock
from common.errors import Issue

FEW_PICTURES = 5
SHORT_DESCRIPTION = 100
REPEATED = 3
_TAGS = re.compile(r"<[^>]+>")
_WORD = re.compile(r"[^\W\d_]{4,}")


def advise(content: Content | None) -> list[Issue]:
    """What its merchant might improve in the content."""
    if content is None:
        return []
    advice = [*_on_title(content), *_on_description(content)]
    if len(content.image_urls) < FEW_PICTURES:
        advice.append(
            _advice(
                "M3.14",
                "image_url_list",
                f"the product has {len(content.image_urls)} pictures",
                f"Show it in at least {FEW_PICTURES}.",
            )
        )
    return advice


def advise_stock(stock: Sequence[SkuStock]) -> list[Issue]:
    """Advice where no SKU has stock."""
    if any(sku.inventory for sku in stock):
        return []
    return [
        _advice(
            "M4.3",
            "sku_info_list > inventory",
            "no SKU has stock",
            "A new product needs stock in at least one SKU to be created.",
        )
    ]


def _on_title(content: Content) -> list[Issue]:
    title = next((t.text for t in content.titles if t.locale == content.main_locale), "")
    letters = [c for c in title if c.isalpha()]
    found = []
    if len(letters) > 10 and all(c.isupper() for c in letters):
        found.append(("the title is all capitals", "Write it in ordinary case."))
    words = Counter(word.casefold() for word in _WORD.findall(title))
    repeated = [word for word, times in words.items() if times > REPEATED]
    if repeated:
        found.append(
            (
                f"the title repeats {', '.join(repeated)}",
                "Name each keyword once: stacking them costs traffic.",
            )
        )
    field = "title_multi_language_list"
    return [_advice("M3.14", field, message, remedy) for message, remedy in found]


def _on_description(content: Content) -> list[Issue]:
    text = next((t.text for t in content.descriptions if t.locale == content.main_locale), "")
    if len(_TAGS.sub("", text)) >= SHORT_DESCRIPTION:
        return []
    return [
        _advice(
            "M3.14",
            "description_multi_language_list",
            "the description is short",
            "Tell the important parameters and functions, and the after-sales terms.",
        )
    ]


def _advice(rule: str, field: str, message: str, remedy: str) -> Issue:
    return Issue(rule=rule, field=field, message=message, remedy=remedy, severity="advice")
