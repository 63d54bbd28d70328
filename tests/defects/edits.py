"""Odd values in any field of a right family: nobody says what is wrong with them, if anything is.

A planted defect is one that somebody thought of. Here one to three values are drawn of what
catalogues, spreadsheets and broken exports hold, right and wrong ones; only the forecast and the
verdict say which.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from .families import CATALOGUE, Draft, Fields, choices_of

_MANY = 10**30
NUMBERS: Sequence[Any] = (
    "", None, 0, "0", "-0", 1, "1", 1.5, "1,5", "1.234", "1,234", "1.234,56", "1,234.56", "1 000",
    "1'000", "12 EUR", "$12", "€ 12", "12 £", "1e3", 1e-7, 1e20, _MANY, "NaN", "inf", True, [],
    ["5"], ["5", "6"], {"a": 1}, ".5", ",5", "5.", "0.001", "0.004", "0.005", "0.01", "0.0149", 0.1,
    1.005, "999999", "999999.004", "999999.005", 1_000_000, " 7 ", "+7", "-7", "7-",
    "(7)", "7%", "7 pcs", "0x10", "1_000", "\u0663", "\u00bd", "\uff11\uff12", "12.0", "12,0",
    "60.5", "0060", "699.5", "700.4", "700,5 cm", "0.0004", "0.0005 kg", "499.9996 kg", "500.0004",
    "500.0005", "1 lb",
)  # fmt: skip
TEXTS: Sequence[Any] = (
    "", None, 5, 5.5, True, [], ["a", "b"], {"a": 1}, "x", " x ", "<b>x</b>", "a < b", "a &lt; b",
    "&amp;lt;", "&nbsp;", "&#60;b&#62;", "&#0;", "\uff1cb\uff1e", "x" * 70, "x" * 71, "x" * 218,
    "x" * 219, "\U0001f600" * 218, "\U0001f600" * 219, "e\u0301" * 110, "\u200b", "\u200bx",
    "\ufeff", "\u00ad", "\u2028", "a\nb", "a\tb", "a\x00b", "a\x01b", "\x7f", "\ud800", "a\u00a0b",
    "#:=,", "a#b", ":::", ",", "|", "a|b", "Other", "other", "4", "0", "null", "false",
)  # fmt: skip
PICTURE = "http://pictures.example/1.jpg"
PICTURE_LISTS: Sequence[Any] = (
    None, "", [], {"a": 1}, [1], [["a"]], PICTURE, [PICTURE], [PICTURE, PICTURE], [PICTURE, ""],
    [f" {PICTURE} "], [f"{PICTURE}\n"], f"{PICTURE},{PICTURE}2", ["HTTP://PICTURES.EXAMPLE/1.JPG"],
    ["//pictures.example/1.jpg"], ["http://"], ["http:///1.jpg"], ["http://[::1]/1.jpg"],
    ["http://[::1/1.jpg"], ["http://pictures.example:99999/1.jpg"], ["data:image/png;base64,AA"],
    ["file:///1.jpg"], ["www.pictures.example/1.jpg"], [f"http://pictures.example/{'x' * 3_000}"],
    [f"http://pictures.example/{number}.jpg" for number in range(20)], ["http://b\u00fccher.example/1"],
)  # fmt: skip
DATES: Sequence[Any] = (
    "", None, 0, [], "2026-11-26", "2026-11-27", "2026-11-26T12:00:00Z", "2026-02-30", "01/02/2026",
    "31.12.2025", "1764158400", "99999999999999", "now",
)  # fmt: skip
_OFFER = ("price", "sale_price", "price_es", "stock", "ean")
_PACKAGE = ("weight", "length", "width", "height", "days")
_CHOICES = ("unit", "deduction", "freight", "service", "size_chart", "warranty", "category")
MOST_EDITS = 3


def edit(random: Random, draft: Draft) -> None:
    """Put one to three odd values into the family's rows."""
    for _ in range(random.randint(1, MOST_EDITS)):
        fields, name, values = random.choice(_places(random, draft))
        fields[name] = random.choice(values)


def _places(random: Random, draft: Draft) -> list[tuple[Fields, str, Sequence[Any]]]:
    """A field of each group, with what it may get: its own choices among them."""
    row, sku, writing = draft.row, random.choice(list(draft.skus.values())), draft.writing
    locale = random.choice(writing.locales)
    required = random.choice(CATALOGUE.required(draft.leaf))
    choices = choices_of(required, draft.seller)
    places: list[tuple[Fields, str, Sequence[Any]]] = [
        (sku, random.choice(_OFFER), NUMBERS),
        (row, random.choice(_PACKAGE), NUMBERS),
        (row, writing.title(locale), TEXTS),
        (row, writing.description(locale), TEXTS),
        (row, "images", PICTURE_LISTS),
        (sku, random.choice(["sale_from", "sale_until"]), DATES),
        (row, random.choice(_CHOICES), [*TEXTS, *NUMBERS]),
        (sku, "sku", [*TEXTS, *NUMBERS]),
        (row, required, [*TEXTS, *choices, "|".join(choices[:2] * 2)]),
    ]
    if names := CATALOGUE.sku(draft.leaf):
        name = random.choice(names)
        places.append((sku, name, [*TEXTS, *choices_of(name, draft.seller)[:9]]))
    return places
