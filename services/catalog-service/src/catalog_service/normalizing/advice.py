"""Advice that blocks nothing (M3.14): what sells better, and what may be taken down. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from common.contracts.product import LocalText
from common.errors import Issue

FEW_PICTURES = 5
SHORT_DESCRIPTION = 100
REPEATED = 3
CAPITALS_FROM = 10
"""Letters from which a title is more than a name or an abbreviation."""
BRAND = "Brand Name"
"""The category attribute whose values are the brands that AliExpress lets the shop sell."""

CALM_TITLE = "Write it in ordinary case."
NO_STACKING = "Name each keyword once: stacking them costs traffic."
LONGER = "Tell the important parameters and functions, and the after-sales terms."
PARAMETERS = "List what buyers compare: sizes, material, power, what it can do."
AFTER_SALES = "Say what you do about returns, refunds and warranty."
MORE_PICTURES = f"Show it in at least {FEW_PICTURES}."
DECLARE_BRAND = (
    "Apply to AliExpress for the brand, or leave its name out of titles and pictures: products"
    " that name a brand without leave are taken down (intellectual property)."
)
WHOLE_BARCODE = "Send an EAN, UPC, GTIN or ISBN with all its digits, or none."
"""What each piece of advice says to do; by these words it is known again (`quality.py`)."""

_TITLE = "title_multi_language_list"
_DESCRIPTION = "description_multi_language_list"
_TAGS = re.compile(r"<[^>]+>")
_WORD = re.compile(r"[^\W\d_]{4,}")
_PARAMETERS = re.compile(r"\d|<(?:li|tr|dt)\b|[^\W\d_]:\s", re.IGNORECASE)
"""A number, a list, a table or "name: value" stand where parameters are named."""
_AFTER_SALES = (
    "warrant", "guarant", "refund", "return", "after-sale", "after sale", "aftersale",
    "exchange", "replacement",
    "garant", "retour", "rembours", "échange", "devoluci", "reembols", "cambio", "devolu", "troca",
    "gewährleist", "rückgabe", "umtausch", "erstatt", "rimbors", "sostituz",
    "gwaranc", "zwrot", "reklamac", "omruil", "terugbeta", "гаранти", "возврат", "обмен", "değişim",
    "保修", "退货", "退款", "換貨", "换货", "保証", "返品", "返金", "보증", "반품", "환불",
    "รับประกัน", "คืนเงิน", "คืนสินค้า", "bảo hành", "hoàn tiền", "đổi trả", "garansi", "pengembalian",
    "ضمان", "إرجاع", "استرداد", "אחריות", "החזר",
)  # fmt: skip
"""Parts of the words of after-sales terms, in the languages that AliExpress takes texts in. Looked
for one by one: one pattern of them all took fourteen times as long."""
_AFTER_SALES_WORDS = re.compile(r"\b(?:res[oi]|iade)\b")
"""Those that are parts of other words, too."""


def advise(
    titles: Sequence[LocalText], descriptions: Sequence[LocalText], pictures: int
) -> list[Issue]:
    """What its merchant might improve in a product's texts, in every language, and in its
    pictures; of what is missing or unusable nothing is advised, it has its error."""
    advice = [
        _advice(field, f"the {what} in {text.locale} {message}", remedy)
        for field, what, texts, advise_on in (
            (_TITLE, "title", titles, _on_title),
            (_DESCRIPTION, "description", descriptions, _on_description),
        )
        for text in texts
        for message, remedy in advise_on(text.text)
    ]
    if 0 < pictures < FEW_PICTURES:
        message = f"the product has {pictures} pictures"
        advice.append(_advice("image_url_list", message, MORE_PICTURES))
    return advice


def advise_on_brand(name: str) -> Issue:
    """A brand of the catalogue's that AliExpress does not list for the shop in the category."""
    return _advice(
        f"category_attributes > {BRAND}",
        f"{name[:80]!r} is no brand that the shop may name in the category",
        DECLARE_BRAND,
    )


def _on_title(title: str) -> Iterator[tuple[str, str]]:
    if title.isupper():
        letters = [c for c in title if c.isalpha()]
        if len(letters) > CAPITALS_FROM and all(c.isupper() for c in letters):
            yield "is all capitals", CALM_TITLE
    words = [word.casefold() for word in _WORD.findall(title)]
    if len(words) - len(set(words)) < REPEATED:
        return
    repeated = [word for word, times in Counter(words).items() if times > REPEATED]
    if repeated:
        yield f"repeats {', '.join(map(repr, repeated))}", NO_STACKING


def _on_description(text: str) -> Iterator[tuple[str, str]]:
    if not text:
        return
    if len(_TAGS.sub("", text)) < SHORT_DESCRIPTION:
        yield "is short", LONGER
        return
    if not _PARAMETERS.search(text):
        yield "names no parameters", PARAMETERS
    if not _has_after_sales(text.lower()):
        yield "has no after-sales terms", AFTER_SALES


def _has_after_sales(text: str) -> bool:
    if any(part in text for part in _AFTER_SALES):
        return True
    return _AFTER_SALES_WORDS.search(text) is not None


def _advice(field: str, message: str, remedy: str) -> Issue:
    return Issue(rule="M3.14", field=field, message=message, remedy=remedy, severity="advice")
