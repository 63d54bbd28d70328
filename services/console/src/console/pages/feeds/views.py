"""What is open in each step of a feed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.answers.catalog import (
    Completeness,
    ProductPreview,
    UnmatchedCategory,
)
from console.answers.matching import LeafAttribute, LeafAttributes
from console.answers.publisher import Feed as PublishedFeed
from console.pages.feeds.matches import Place, Said, listed, said_of
from console.texts import N_


@dataclass(frozen=True)
class Step:
    """A step of the rail: what is open in it, None where that is not known."""

    key: str
    name: str
    open: int | None = None


STEPS = (
    ("", N_("Overview")),
    ("settings", N_("Settings")),
    ("categories", N_("Categories")),
    ("attributes", N_("Attributes")),
    ("exclusions", N_("Exclusions")),
    ("configuration", N_("Configuration")),
    ("preview", N_("Preview")),
    ("send", N_("Send")),
)


OFFER_MINUTES = (10, 15, 20, 30, 60)


def offer_minutes(published: PublishedFeed | None) -> list[int]:
    """How often offer runs may be due, with what the feed has chosen already."""
    chosen = sending(published).get("offer_every_minutes")
    return sorted({*OFFER_MINUTES, *([int(chosen)] if chosen else [])})


def sending(published: PublishedFeed | None) -> dict[str, str]:
    """What the feed has chosen of when and how much is sent, by the names of the inputs."""
    if published is None:
        return {}
    chosen: dict[str, str] = {}
    for schedule in published.schedules:
        if schedule.is_chosen and schedule.daily_at is not None:
            chosen["at"] = schedule.daily_at
            chosen["zone"] = schedule.zone or ""
        elif schedule.is_chosen:
            chosen["offer_every_minutes"] = str(schedule.every_minutes)
    if published.guard.is_chosen:
        chosen["share"] = f"{(published.guard.removal_share * 100).normalize():f}"
    if published.fast_lane.is_chosen is not None:
        chosen["fast_lane"] = "on" if published.fast_lane.is_chosen else "off"
    return chosen


def rail(
    completeness: Completeness | None = None,
    unmatched: list[UnmatchedCategory] | None = None,
    published: PublishedFeed | None = None,
) -> list[Step]:
    """The steps of a feed, with what waits in each."""
    opened: dict[str, int | None] = {}
    if unmatched is not None:
        opened["categories"] = sum(category.products for category in unmatched)
    if completeness is not None:
        opened["attributes"] = len(completeness.lacking)
        opened["preview"] = sum(
            count
            for state, count in completeness.states.items()
            if state in {"invalid", "content_invalid", "offers_invalid"}
        )
    if published is not None:
        opened["send"] = published.counts.get("pending", 0) + published.counts.get("removals", 0)
    return [Step(key, name, opened.get(key)) for key, name in STEPS]


@dataclass(frozen=True)
class Matched:
    """A field of a feed: how it is filled, None by nothing, and by which leaves it is asked for."""

    place: Place
    said: Said | None
    asked_by: tuple[str, ...] = ()


def matched(
    configuration: Mapping[str, Any], leaves: Sequence[LeafAttributes]
) -> dict[str, list[Matched]]:
    """The fields of a feed by section; what leaves ask for and nothing fills stands first."""
    asked: dict[tuple[str, str], list[str]] = {}
    for leaf in leaves:
        for section, forms in (
            ("category_attributes", leaf.category_attributes),
            ("sku_attributes", leaf.sku_attributes),
        ):
            for form in forms:
                asked.setdefault((section, form.name), []).append(" › ".join(leaf.path[-2:]))
    found: dict[str, list[Matched]] = {}
    for place, match in listed(configuration):
        by = asked.pop((place.section, place.name), []) if not place.leaf else []
        found.setdefault(place.section, []).append(Matched(place, said_of(match), tuple(by)))
    for (section, name), by in asked.items():
        found.setdefault(section, []).insert(0, Matched(Place(section, name), None, tuple(by)))
    return found


@dataclass(frozen=True)
class Gap:
    """An attribute that leaves ask for and nothing fills: its form in the first of them."""

    place: Place
    form: LeafAttribute
    asked_by: tuple[str, ...]


def gaps(configuration: Mapping[str, Any], leaves: Sequence[LeafAttributes]) -> list[Gap]:
    """What leaves ask for of every product and nothing fills, that of the most leaves first."""
    filled = configuration.get("category_attributes") or {}
    forms: dict[str, LeafAttribute] = {}
    asked: dict[str, list[str]] = {}
    for leaf in leaves:
        own = (configuration.get("overrides") or {}).get(leaf.category_id) or {}
        for form in leaf.category_attributes:
            if form.name not in filled and form.name not in (own.get("category_attributes") or {}):
                forms.setdefault(form.name, form)
                asked.setdefault(form.name, []).append(" › ".join(leaf.path[-2:]))
    return [
        Gap(Place("category_attributes", name), forms[name], tuple(by))
        for name, by in sorted(asked.items(), key=lambda each: -len(each[1]))
    ]


@dataclass(frozen=True)
class Next:
    """What is best done next in a feed, and where."""

    key: str
    name: str
    open: int | None


def next_step(rail: Sequence[Step]) -> Next | None:
    """The first step in which something is open; None where nothing is."""
    names = {
        "categories": N_("Say where your products go"),
        "attributes": N_("Fill what AliExpress asks for"),
        "preview": N_("Look at the products that cannot be sent"),
        "send": N_("Send the products"),
    }
    for step in rail:
        if step.open and step.key in names:
            return Next(step.key, names[step.key], step.open)
    return None


def pictures_of(product: ProductPreview) -> list[str]:
    """The addresses of a product's pictures; those that are no web addresses are left out."""
    named = (product.content or {}).get("image_urls") or []
    return [url for url in named if str(url).startswith(("https://", "http://"))]
