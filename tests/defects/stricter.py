"""Defects that the channel refuses by a rule of the mission although AliExpress takes them.

AliExpress takes them by what is known of it: neither its schema nor its documents forbid them. Each
is the channel's to refuse: the merchant would sell what is not meant, or not know what is left out.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stricter:
    """The rule that forbids it, and why AliExpress does not."""

    rule: str
    why: str


_CURRENCY = "a payload carries no currency: the amount would be taken as one in the shop's"
_DATES = "AliExpress knows no dates of a sale price: it would hold although it is not meant to"
_READINGS = "the number has two readings, and either of them is a number to AliExpress"
_STOCK = "AliExpress needs one SKU in stock: without its number this one would be sold out"
_EXCLUDED = "the merchant's own rule keeps it out; nothing is forecast of it"

STRICTER: dict[str, Stricter] = {
    "a code that is too long": Stricter(
        "M3.3", "no length is known that AliExpress takes; the channel keeps ids of 255 characters"
    ),
    "image_url_list = \"['pictures/a.jpg', '\"": Stricter(
        "M3.5", "one picture is missing; AliExpress refuses a product without any that exists"
    ),
    "a description of empty tags": Stricter(
        "M3.7", "to AliExpress it is a text; the mission asks for a description, this shows none"
    ),
    "multi_country_price_configuration > ES = '12 GBP'": Stricter("M3.8", _CURRENCY),
    "price = '12.90 EUR'": Stricter("M3.9", _CURRENCY),
    "price = '£ 5'": Stricter("M3.9", _CURRENCY),
    "a price of two readings": Stricter("M3.9", _READINGS),
    "discount_price = '5 GBP'": Stricter("M3.9", _CURRENCY),
    "discount_from = 'soon'": Stricter("M3.9", _DATES),
    "discount_from = '2026-13-01'": Stricter("M3.9", _DATES),
    "discount_until = '31.11.2026'": Stricter("M3.9", _DATES),
    "discount_until = '2025-01-01'": Stricter("M3.9", _DATES),
    "user_defined_attribute_list > Warranty = 'two years'": Stricter(
        "M3.11", "the attribute is optional: the product would be there without it, unsaid"
    ),
    "a weight of two readings": Stricter("M3.13", _READINGS),
    "a parent that is a child": Stricter(
        "M4.1", "AliExpress knows no parents: it would take the product of a family of three levels"
    ),
    "a child without its variation": Stricter(
        "M4.2", "AliExpress asks each SKU for some attribute, not for those of its siblings"
    ),
    "inventory = ''": Stricter("M4.3", _STOCK),
    "inventory = 'None'": Stricter("M4.3", _STOCK),
    "discontinued": Stricter("M5.1", _EXCLUDED),
    "a loss": Stricter("M5.1", _EXCLUDED),
}
"""By kind of defect. A family of such a kind that AliExpress refuses, too, is an agreement."""
