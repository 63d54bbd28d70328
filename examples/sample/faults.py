"""The mistakes the sample makes on purpose, as every real catalogue does.

Each is a good product with one thing spoilt, and what the channel must say of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
"""One source product: `product_id`, `version`, `parent_id`, `fields`."""

FAMILY_OF_TWO = 3
"""Rows of a spoilt family: its parent and two children."""


@dataclass(frozen=True)
class Fault:
    """A mistake and what is expected of it: the rule, and the field its issue names.

    `spoil` changes the rows of one product (a simple product's single row, or a parent and two
    children) and may drop some. `outcome` is rejected, excluded, or online: then with advice.
    """

    name: str
    rule: str
    field: str
    spoil: Callable[[list[Row]], list[Row]]
    outcome: str = "rejected"
    is_family: bool = False
    range_code: str = "CUS"


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


_discontinued = _set(status="discontinued")
LONG_TITLE = "Cushion cover " + "hand made from soft recycled cotton with hidden zip " * 5

SKU_CODE = "sku_info_list > sku_code"
PICTURES = "image_url_list"
PRICE = "sku_info_list > price"
TITLE = "title_multi_language_list > en_US"

FAULTS: tuple[Fault, ...] = (
    Fault("parent is not in the catalogue", "M4.1", "parent_id", _without_parent, is_family=True),
    Fault(
        "two children with the same colour",
        "M4.2",
        "sku_info_list > sku_attributes",
        _same_combination,
        is_family=True,
    ),
    Fault("child without SKU code", "M3.3", SKU_CODE, _without_sku, is_family=True),
    Fault("one SKU code for two children", "M3.3", SKU_CODE, _sku_twice, is_family=True),
    Fault("SKU code of another product", "M1.7", SKU_CODE, _foreign_sku),
    Fault(
        "sale price above the price",
        "M3.9",
        "sku_info_list > discount_price",
        _set(price="19.90", sale_price="24.90"),
    ),
    Fault("price of nothing", "M3.9", PRICE, _set(price="0.00", sale_price="")),
    Fault("price that is no number", "M3.9", PRICE, _set(price="on request", sale_price="")),
    Fault(
        "price for Spain under 70 percent",
        "M3.8",
        "sku_info_list > multi_country_price_configuration > ES",
        _set(price_es="2.00"),
    ),
    Fault("stock that is no number", "M4.3", "sku_info_list > inventory", _set(stock="plenty")),
    Fault("picture that is gone", "M3.5", PICTURES, _picture(0, "missing-cushion.jpg")),
    Fault("picture that is a page", "M3.5", PICTURES, _picture(1, "notimage-cushion.jpg")),
    Fault("no picture at all", "M3.5", PICTURES, _set(images=[])),
    Fault("title over 218 characters", "M3.6", TITLE, _set(title=LONG_TITLE)),
    Fault("title with angle brackets", "M3.6", TITLE, _set(title="Cushion cover <b>sale</b>")),
    Fault("no title", "M3.6", TITLE, _set(title="")),
    Fault(
        "no description", "M3.7", "description_multi_language_list > en_US", _set(description="")
    ),
    Fault("category nobody matched", "M2.2", "category_id", _set(category="Garden > Fish food")),
    Fault(
        "material AliExpress does not know",
        "M3.12",
        "category_attributes > Material",
        _set(material="Unobtainium"),
    ),
    Fault("brand is missing", "M3.12", "category_attributes > Brand Name", _set(brand="")),
    Fault(
        "season is missing where the category asks for it",
        "M3.12",
        "category_attributes > Season",
        _set(season=""),
        range_code="BLS",
    ),
    Fault("parcel of 900 kg", "M3.13", "package_weight", _set(weight_kg="900")),
    Fault("no longer sold", "M5.1", "status", _discontinued, outcome="excluded"),
    Fault(
        "no longer sold, as a family",
        "M5.1",
        "status",
        _discontinued,
        outcome="excluded",
        is_family=True,
    ),
    Fault("only two pictures", "M3.14", PICTURES, _few_pictures, outcome="online"),
    Fault(
        "title in capitals",
        "M3.14",
        "title_multi_language_list",
        _set(title="BEST CUSHION COVER EVER"),
        outcome="online",
    ),
    Fault(
        "thin description",
        "M3.14",
        "description_multi_language_list",
        _set(description="Nice cover."),
        outcome="online",
    ),
)
