"""Defects, each planted at a place that is known: what the mission's rules forbid, one at a time.

A kind of defect names its rule and where its issue has to stand; planting changes one value of a
family that is right, and gives the SKU code whose value it was where it is one SKU's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from .families import CATALOGUE, Draft, Fields, choices_of

EXCLUDED = "exclude"
"""Where a product that a rule leaves out is found: no field has an issue."""
UNREACHABLE = "pictures/missing-"
NO_PICTURE = "pictures/notimage-"
FORBIDDEN_LEAF = "Shop closed > Not for this shop"
"""A category of the merchant's that is matched to a leaf the shop may not use."""


@dataclass(frozen=True)
class Place:
    """Where a defect is: the rule it breaks, the attribute, and the SKU where it is of one."""

    rule: str
    field: str
    sku: str | None = None


Plant = Callable[[Random, Draft], Place]


@dataclass(frozen=True)
class Defect:
    """A kind of defect. `fits` says in which families it can be planted."""

    name: str
    plant: Plant
    fits: Callable[[Draft], bool] = lambda _: True
    is_of_catalogue: bool = True
    """Whether it is in the catalogue alone: not so for what needs a shop or a feed of its own."""


def _has_siblings(draft: Draft) -> bool:
    return len(draft.children) > 1


def _content(
    rule: str,
    attribute: str,
    source: str,
    *values: Any,
    fits: Callable[[Draft], bool] = lambda _: True,
) -> Iterator[Defect]:
    """A value of the content's row that its attribute cannot have; the same for each value."""
    for value in values:

        def plant(_: Random, draft: Draft, value: Any = value) -> Place:
            draft.row[source] = value
            return Place(rule, attribute)

        yield Defect(f"{attribute} = {str(value)[:20]!r}", plant, fits)


def _offer(
    rule: str,
    attribute: str,
    *values: Any,
    fits: Callable[[Draft], bool] = lambda _: True,
    **beside: Any,
) -> Iterator[Defect]:
    """Fields of one SKU that cannot be: `values` of the field named first in `beside`."""
    source, *_ = beside
    for value in values:

        def plant(random: Random, draft: Draft, value: Any = value) -> Place:
            fields = random.choice(list(draft.skus.values()))
            fields |= beside | {source: value}
            return Place(rule, f"sku_info_list > {attribute}", fields["sku"])

        yield Defect(f"{attribute} = {str(value)[:20]!r}", plant, fits)


# ---- texts


def _title(change: Callable[[str], str], *, is_main: bool = True) -> Plant:
    def plant(_: Random, draft: Draft) -> Place:
        locale = draft.writing.locales[0 if is_main else -1]
        source = draft.writing.title(locale)
        draft.row[source] = change(draft.row[source])
        return Place("M3.6", f"title_multi_language_list > {locale}")

    return plant


def _description(text: str) -> Plant:
    def plant(_: Random, draft: Draft) -> Place:
        locale = draft.writing.locales[0]
        draft.row[draft.writing.description(locale)] = text
        return Place("M3.7", f"description_multi_language_list > {locale}")

    return plant


# ---- categories and their attributes


def _close_category(_: Random, draft: Draft) -> Place:
    draft.row["category"] = FORBIDDEN_LEAF
    return Place("M2.1", "category_id")


def _required(draft: Draft, *, with_choices: bool) -> list[str]:
    names = CATALOGUE.required(draft.leaf)
    return [name for name in names if choices_of(name, draft.seller) or not with_choices]


def _lose_attribute(random: Random, draft: Draft) -> Place:
    name = random.choice(_required(draft, with_choices=False))
    if random.random() < 0.5:
        del draft.row[name]
    else:
        draft.row[name] = " "
    return Place("M3.12", f"category_attributes > {name}")


def _misname_attribute(random: Random, draft: Draft) -> Place:
    name = random.choice(_required(draft, with_choices=True))
    draft.row[name] = random.choice(["Unobtainium", "none of these", f"{draft.row[name]}?"])
    return Place("M3.12", f"category_attributes > {name}")


# ---- families


def _take_parent_away(_: Random, draft: Draft) -> Place:
    draft.head = None
    return Place("M4.1", "parent_id")


def _put_below_a_child(_: Random, draft: Draft) -> Place:
    draft.parents[draft.family_id] = f"{draft.family_id}-above"
    return Place("M4.1", "parent_id")


def _lose_children(_: Random, draft: Draft) -> Place:
    draft.children.clear()
    return Place("M4.1", "parent_id")


def _repeat_combination(random: Random, draft: Draft) -> Place:
    one, other = random.sample(list(draft.children.values()), 2)
    for name in CATALOGUE.sku(draft.leaf):
        if name in one:
            other[name] = one[name]
    return Place("M4.2", "sku_info_list > sku_attributes")


def _lose_variation(random: Random, draft: Draft) -> Place:
    fields = random.choice(list(draft.children.values()))
    name = next(name for name in CATALOGUE.sku(draft.leaf) if name in fields)
    del fields[name]
    return Place("M4.2", "sku_info_list > sku_attributes", fields["sku"])


def _variations_of_choices(draft: Draft) -> list[str]:
    known = {name for fields in draft.children.values() for name in fields}
    return [name for name in CATALOGUE.sku(draft.leaf) if name in known and name != "Color"]


def _misname_variation(random: Random, draft: Draft) -> Place:
    name = random.choice(_variations_of_choices(draft))
    fields = random.choice(list(draft.children.values()))
    fields[name] = "Gigantic"
    return Place("M4.2", f"sku_info_list > sku_attributes > {name}", fields["sku"])


def _share_code(random: Random, draft: Draft) -> Place:
    one, other = random.sample(list(draft.children.values()), 2)
    other["sku"] = one["sku"]
    return Place("M3.3", "sku_info_list > sku_code", one["sku"])


def _lose_code(random: Random, draft: Draft) -> Place:
    product_id, fields = random.choice(list(draft.skus.items()))
    fields["sku"] = ""
    return Place("M3.3", "sku_info_list > sku_code", product_id)


def _long_code(random: Random, draft: Draft) -> Place:
    product_id, fields = random.choice(list(draft.skus.items()))
    fields["sku"] = "S" * 300
    return Place("M3.3", "sku_info_list > sku_code", product_id)


def _sell_out(random: Random, draft: Draft) -> Place:
    for fields in draft.skus.values():
        fields["stock"] = random.choice([0, "0", -3])
    return Place("M4.3", "sku_info_list > inventory")


# ---- what is known of the shop, and exclusions


def _change_main_language(_: Random, draft: Draft) -> Place:
    draft.live_locale = "it_IT"
    return Place("M3.1", "locale")


def _leave_out(**fields: Any) -> Plant:
    def plant(_: Random, draft: Draft) -> Place:
        draft.row.update(fields)
        return Place("M5.1", EXCLUDED)

    return plant


def _ambiguous(draft: Draft) -> str:
    """A thousand by one reading and a fraction by the other; the writing's own is neither."""
    return "0,350" if draft.writing.decimal == "." else "0.350"


def _ambiguous_price(random: Random, draft: Draft) -> Place:
    fields: Fields = random.choice(list(draft.skus.values()))
    fields |= {"price": _ambiguous(draft), **_FREE_OF_SALE}
    return Place("M3.9", "sku_info_list > price", fields["sku"])


def _ambiguous_weight(_: Random, draft: Draft) -> Place:
    draft.row["weight"] = _ambiguous(draft)
    return Place("M3.13", "package_weight")


def _cheap_abroad(random: Random, draft: Draft) -> Place:
    fields = random.choice(list(draft.skus.values()))
    fields |= {"price": 100, "price_es": "69", "sale_price": ""}
    field = "sku_info_list > multi_country_price_configuration > ES"
    return Place("M3.8", field, fields["sku"])


PACKAGE = ("package_weight", "package_length", "package_width", "package_height")
_COUNTRY = "multi_country_price_configuration > ES"
_FREE_OF_SALE: Fields = {"sale_price": "", "price_es": ""}

DEFECTS: tuple[Defect, ...] = (
    Defect("a category closed to the shop", _close_category, is_of_catalogue=False),
    *_content("M2.2", "category_id", "category", "Nowhere > To be found", "", None),
    Defect("main language changed", _change_main_language, is_of_catalogue=False),
    *_content("M3.2", "product_units_type", "unit", "crate", "", "100000099"),
    Defect("code shared by two children", _share_code, _has_siblings),
    Defect("no code", _lose_code),
    Defect("a code that is too long", _long_code),
    *_content("M3.4", "inventory_deduction_strategy", "deduction", "never", ""),
    *_content("M3.5", "image_url_list", "images", [], "", ["ftp://pictures.example/1.jpg"],
              ["1.jpg"], [f"{UNREACHABLE}1.jpg"], ["pictures/a.jpg", f"{UNREACHABLE}2.jpg"],
              [f"{NO_PICTURE}1.jpg"]),
    Defect("no title", _title(lambda _: "")),
    Defect("a title of blanks in entities", _title(lambda _: "&nbsp; &#160;")),
    Defect("a title that is too long", _title(lambda _: "x" * 219)),
    Defect("tags in a title", _title(lambda text: f"<b>{text}</b>")),
    Defect("tags in a title as entities", _title(lambda text: f"{text} &lt;45 cm&gt;")),
    Defect("tags in the title of another language", _title(lambda _: "a > b", is_main=False)),
    Defect("no description", _description("")),
    Defect("a description of scripts", _description("<script>x()</script>")),
    Defect("a description of empty tags", _description("<p> </p><div>&nbsp;</div>")),
    Defect("a country's price below 70 %", _cheap_abroad),
    *_offer("M3.8", _COUNTRY, "ask us", "12 GBP", -5, price_es=""),
    *_offer("M3.9", "price", "", "on request", 0, "-5", "5-", price="", **_FREE_OF_SALE),
    *_offer("M3.9", "price", "12.90 EUR", price="", **_FREE_OF_SALE,
            fits=lambda draft: draft.seller.currency != "EUR"),
    *_offer("M3.9", "price", "£ 5", 1_000_000, "1 2", price="", **_FREE_OF_SALE),
    Defect("a price of two readings", _ambiguous_price),
    *_offer("M3.9", "discount_price", "900000", "n/a", "-1", "(2)", "5 GBP",
            sale_price="", price=100, sale_from="", sale_until="", price_es=""),
    *_offer("M3.9", "discount_from", "soon", "2026-13-01",
            sale_from="", price=100, sale_price="50", sale_until="", price_es=""),
    *_offer("M3.9", "discount_until", "31.11.2026", "2025-01-01",
            sale_until="", price=100, sale_price="50", sale_from="2026-01-01", price_es=""),
    *_content("M3.10", "shipping_template_id", "freight", "by pigeon", ""),
    *_content("M3.10", "service_template_id", "service", "lifelong"),
    *_content("M3.10", "shipping_preparation_time", "days", "", 0, 61, 2.7, "soon", "-1"),
    *_content("M3.10", "size_chart_id", "size_chart", "Tops",
              fits=lambda draft: not draft.seller.size_charts),
    *_content("M3.11", "user_defined_attribute_list > Warranty", "warranty", "two years"),
    Defect("a category attribute missing", _lose_attribute),
    Defect("a category attribute missing", _lose_attribute),
    Defect("a category attribute of no choice", _misname_attribute),
    Defect("a category attribute of no choice", _misname_attribute),
    *_content("M3.13", "package_weight", "weight", "", "light", 0, "-1", "501 kg", "1 stone"),
    Defect("a weight of two readings", _ambiguous_weight),
    *_content("M3.13", "package_length", "length", "", "long", 0, "7 km", "701 cm"),
    *_content("M3.13", "package_width", "width", None, "x"),
    *_content("M3.13", "package_height", "height", "8 m", "30 x 20"),
    Defect("no parent", _take_parent_away, lambda draft: bool(draft.children)),
    Defect("a parent that is a child", _put_below_a_child, lambda draft: bool(draft.children)),
    Defect("a parent without children", _lose_children, lambda draft: bool(draft.children)),
    Defect("two children alike", _repeat_combination, _has_siblings),
    Defect("a child without its variation", _lose_variation, _has_siblings),
    Defect("a variation of no choice", _misname_variation,
           lambda draft: bool(_variations_of_choices(draft))),
    *_offer("M4.3", "inventory", "", "many", "2.7", 1.5, "5 pcs", None, stock=""),
    Defect("no stock at all", _sell_out),
    Defect("discontinued", _leave_out(status="Discontinued")),
    Defect("a loss", _leave_out(margin="-3")),
)  # fmt: skip
"""Each kind once; those of several values once for each."""
