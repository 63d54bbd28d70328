"""The mistakes the sample makes on purpose, as every real catalogue does.

Each is a good product with one thing spoilt, and what the channel must say of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
"""One source product: `product_id`, `version`, `parent_id`, `fields`."""

FAMILY_OF_TWO = 3
"""Rows of a spoilt family: its parent and two children."""


@dataclass(frozen=True)
class Fault:
    """A mistake and what is expected of it.

    `spoil` changes the rows of one product (a simple product's single row, or a parent and two
    children) and may drop some. `outcome` is rejected, excluded or online; with advice, `rule` and
    `field` name it.
    """

    name: str
    rule: str
    spoil: Callable[[list[Row]], list[Row]]
    outcome: str = "rejected"
    is_family: bool = False
    range_code: str = "CUS"
    touched: Sequence[int] = field(default=(0,))
    """Which of the rows the issue speaks of."""


def _set(**values: Any) -> Callable[[list[Row]], list[Row]]:
    def spoil(rows: list[Row]) -> list[Row]:
        rows[0]["fields"] |= values
        return rows

    return spoil


def _without_parent(rows: list[Row]) -> list[Row]:
    return rows[1:]


def _same_combination(rows: list[Row]) -> list[Row]:
    for name in ("color", "size"):
        if name in rows[1]["fields"]:
            rows[2]["fields"][name] = rows[1]["fields"][name]
    return rows


def _without_sku(rows: list[Row]) -> list[Row]:
    rows[1]["fields"]["sku"] = ""
    return rows


def _sku_twice(rows: list[Row]) -> list[Row]:
    rows[2]["fields"]["sku"] = rows[1]["fields"]["sku"]
    return rows


def _foreign_sku(rows: list[Row]) -> list[Row]:
    rows[0]["fields"]["sku"] = "BLS-01-1"
    return rows


def _picture(index: int, name: str) -> Callable[[list[Row]], list[Row]]:
    def spoil(rows: list[Row]) -> list[Row]:
        pictures = rows[0]["fields"]["images"]
        folder = pictures[index].rpartition("/")[0]
        pictures[index] = f"{folder}/{name}"
        return rows

    return spoil


def _few_pictures(rows: list[Row]) -> list[Row]:
    rows[0]["fields"]["images"] = rows[0]["fields"]["images"][:2]
    return rows


LONG_TITLE = "Cushion cover " + "hand made from soft recycled cotton with hidden zip " * 5

FAULTS: tuple[Fault, ...] = (
    Fault("parent is not in the catalogue", "M4.1", _without_parent, is_family=True),
    Fault("two children with the same colour", "M4.2", _same_combination, is_family=True),
    Fault("child without SKU code", "M3.3", _without_sku, is_family=True, touched=(1,)),
    Fault("one SKU code for two children", "M3.3", _sku_twice, is_family=True, touched=(1, 2)),
    Fault("SKU code of another product", "M1.7", _foreign_sku),
    Fault("sale price above the price", "M3.9", _set(price="19.90", sale_price="24.90")),
    Fault("price of nothing", "M3.9", _set(price="0.00", sale_price="")),
    Fault("price that is no number", "M3.9", _set(price="on request", sale_price="")),
    Fault("price for Spain under 70 percent", "M3.8", _set(price_es="2.00")),
    Fault("stock that is no number", "M4.3", _set(stock="plenty")),
    Fault("picture that is gone", "M3.5", _picture(0, "missing-cushion.jpg")),
    Fault("picture that is a page", "M3.5", _picture(1, "notimage-cushion.jpg")),
    Fault("no picture at all", "M3.5", _set(images=[])),
    Fault("title over 218 characters", "M3.6", _set(title=LONG_TITLE)),
    Fault("title with angle brackets", "M3.6", _set(title="Cushion cover <b>sale</b>")),
    Fault("no title", "M3.6", _set(title="")),
    Fault("no description", "M3.7", _set(description="")),
    Fault("category nobody matched", "M2.2", _set(category="Garden > Ponds > Fish food")),
    Fault("material AliExpress does not know", "M3.12", _set(material="Unobtainium")),
    Fault("brand is missing", "M3.12", _set(brand="")),
    Fault(
        "season is missing where the category asks for it",
        "M3.12",
        _set(season=""),
        range_code="BLS",
    ),
    Fault("parcel of 900 kg", "M3.13", _set(weight_kg="900")),
    Fault("no longer sold", "M5.1", _set(status="discontinued"), outcome="excluded"),
    Fault(
        "no longer sold, as a family",
        "M5.1",
        _set(status="discontinued"),
        outcome="excluded",
        is_family=True,
    ),
    Fault("only two pictures", "M3.14", _few_pictures, outcome="online"),
    Fault("title in capitals", "M3.14", _set(title="BEST CUSHION COVER EVER"), outcome="online"),
)
