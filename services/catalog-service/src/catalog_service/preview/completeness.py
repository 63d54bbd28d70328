"""How ready a feed's catalogue is, and what is in the way (M3.13). Pure."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel

ABSENT = ("excluded", "deleted", "feed_removed")


class Lacking(BaseModel):
    """An attribute and how many products lack it."""

    field: str
    products: int
    alternative: str


class QualityCount(BaseModel):
    """How many products have a quality."""

    quality: int
    products: int


class FeedQuality(BaseModel):
    """How much of the advice the feed's products meet, 0 to 100 (M3.14).

    `average` is over the `products` of which it can be said; null where it can be said of none.
    """

    average: float | None
    products: int
    unknown: int
    distribution: list[QualityCount]


class Completeness(BaseModel):
    """How many of the feed's products are ready to be sent."""

    products: int
    ready: int
    share: float
    states: dict[str, int]
    lacking: list[Lacking]
    quality: FeedQuality
    contact: str = "Ask the operator of this channel about attributes you cannot fill."


def completeness(
    states: Mapping[str, int], missing: Mapping[str, int], qualities: Mapping[int, int]
) -> Completeness:
    """The figures, from the counts of states, of missing attributes and of qualities."""
    products = sum(number for state, number in states.items() if state not in ABSENT)
    ready = states.get("valid", 0)
    return Completeness(
        products=products,
        ready=ready,
        share=round(ready / products, 4) if products else 1.0,
        states=dict(states),
        lacking=lacking_of(missing),
        quality=quality_of(qualities, products=products),
    )


def quality_of(qualities: Mapping[int, int], *, products: int) -> FeedQuality:
    """The feed's quality, from how many of its `products` have each."""
    known = sum(qualities.values())
    total = sum(quality * number for quality, number in qualities.items())
    return FeedQuality(
        average=round(total / known, 1) if known else None,
        products=known,
        unknown=max(products - known, 0),
        distribution=[
            QualityCount(quality=quality, products=number)
            for quality, number in sorted(qualities.items())
        ],
    )


def lacking_of(missing: Mapping[str, int]) -> list[Lacking]:
    """The attributes that are lacking, each with what can stand in for it."""
    return [
        Lacking(field=field, products=number, alternative=_alternative(field))
        for field, number in missing.items()
    ]


def _alternative(field: str) -> str:
    section, _, name = field.partition(" > ")
    known: Literal["attributes", "category_attributes", "sku_attributes"] = "attributes"
    key = section
    if section == "category_attributes":
        known, key = "category_attributes", name
    elif section == "sku_info_list":
        key = name
        if name.startswith("sku_attributes > "):
            known, key = "sku_attributes", name.removeprefix("sku_attributes > ")
    if section in {"title_multi_language_list", "description_multi_language_list"}:
        return f"Give languages.{name} a default, or a template over fields that are filled."
    if section == "category_id":
        return "Match the category under category.exact or category.prefix."
    return f"Give {known}.{key} a default, a constant, a template or a value map."
