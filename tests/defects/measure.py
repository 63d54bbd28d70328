"""Planted defects against what the evaluation finds: precision and recall. Pure, no network.

The families go through `normalize`, as the worker calls it, with the simulator's schemas; what is
planted is known, so that each finding is right, missed, or false.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

from catalog_service.categories.schema import CategorySchema
from catalog_service.feeds.compile import CompiledFeed, compile_feed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.normalizing.normalize import Normalized, SchemaRefused, Standing, normalize
from catalog_service.normalizing.variations import Member
from catalog_service.photo_bank.photo import Photo
from sandbox.schema_store import SchemaStore
from sandbox.sellers import Seller

from .families import (
    CATALOGUE,
    SELLER,
    WRITINGS,
    Assortment,
    Draft,
    configuration,
    draw_assortment,
    draw_family,
    is_permitted,
)
from .planting import DEFECTS, EXCLUDED, FORBIDDEN_LEAF, NO_PICTURE, UNREACHABLE, Defect, Place

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CLOSED_LEAF = "999999999"
LEAVES = 40

Finding = tuple[str, str, str]
"""Family, rule, field."""


@dataclass(frozen=True)
class Case:
    """A family, its feed, and the defect that is in it; none where it is right."""

    draft: Draft
    feed: CompiledFeed
    kind: str = ""
    place: Place | None = None


@dataclass
class Figures:
    """What was found of what was planted, by finding; `unnamed` are those without their SKU."""

    families: int = 0
    planted: set[Finding] = field(default_factory=set)
    found: set[Finding] = field(default_factory=set)
    unnamed: list[Finding] = field(default_factory=list)
    kinds: dict[Finding, str] = field(default_factory=dict)

    @property
    def right(self) -> set[Finding]:
        """What was planted and found."""
        return self.planted & self.found

    @property
    def precision(self) -> float:
        """The share of findings that were planted."""
        return len(self.right) / len(self.found)

    @property
    def recall(self) -> float:
        """The share of what was planted that was found."""
        return len(self.right) / len(self.planted)

    def by_rule(self) -> dict[str, dict[str, int]]:
        """Planted, found and false, by rule."""
        table: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_COLUMNS, 0))
        for _, rule, _ in self.planted:
            table[rule]["planted"] += 1
        for _, rule, _ in self.right:
            table[rule]["found"] += 1
        for _, rule, _ in self.found - self.planted:
            table[rule]["false"] += 1
        return {rule: table[rule] for rule in sorted(table, key=by_number)}


_COLUMNS = ("planted", "found", "false")


def by_number(rule: str) -> tuple[int, ...]:
    """What rules are sorted by."""
    return tuple(map(int, rule.removeprefix("M").split(".")))


class SimulatorLookups:
    """What a family's evaluation looks up: the simulator's schemas, and pictures by their names."""

    def __init__(self, seller: Seller = SELLER) -> None:
        self._seller = seller
        self._store = SchemaStore(CATALOGUE, [], group_required=False)

    @cache  # noqa: B019 - lives as long as the measurement
    def schema(self, category_id: str) -> CategorySchema | SchemaRefused:
        leaf = CATALOGUE.categories.get(int(category_id))
        if leaf is None:
            return SchemaRefused("it is not in the shop's tree")
        if not is_permitted(leaf, self._seller):
            return SchemaRefused("the shop has no permission for it")
        return CategorySchema(category_id, self._store.text(leaf, self._seller))

    def currency(self) -> str:
        return self._seller.currency

    def image(self, url: str) -> str:
        if NO_PICTURE in url:
            return "it is no picture but text/html"
        return "its server answered 404" if UNREACHABLE in url else ""

    def photo(self, url: str) -> Photo:
        return Photo(address=url)


def draw_cases(seed: int, defects: int) -> Iterator[Case]:
    """As many families with one defect each, every kind in turn, and as many without."""
    random = Random(seed)
    assortment = draw_assortment(random, LEAVES)
    feeds = [
        compile_feed("m", "f", 1, FeedConfiguration.model_validate(form))
        for form in (
            configuration(assortment, writing, closed={FORBIDDEN_LEAF: CLOSED_LEAF})
            for writing in WRITINGS
        )
    ]
    for number in range(defects):
        which = number % len(WRITINGS)
        kind = DEFECTS[number % len(DEFECTS)]
        yield Case(draw_family(random, f"V{number}", assortment, WRITINGS[which]), feeds[which])
        draft = draw_fitting(random, f"D{number}", assortment, which, kind)
        yield Case(draft, feeds[which], kind.name, kind.plant(random, draft))


def draw_fitting(
    random: Random, family_id: str, assortment: Assortment, which: int, kind: Defect
) -> Draft:
    """A family in which the defect can be planted."""
    while not kind.fits(draft := draw_family(random, family_id, assortment, WRITINGS[which])):
        pass
    return draft


def evaluate(case: Case, lookups: SimulatorLookups) -> Normalized:
    """The family through its feed, as the worker evaluates it."""
    draft = case.draft
    members = [Member(*row) for row in draft.rows()]
    standing = Standing(is_online=draft.live_locale is not None, live_locale=draft.live_locale)
    result = normalize(case.feed, draft.family_id, members, lookups, at=NOW, standing=standing)
    assert isinstance(result, Normalized), f"{draft.family_id} waits for what is at hand"
    return result


def places_of(result: Normalized) -> list[Place]:
    """Every error of a family, and its exclusion."""
    if result.absent_reason is not None:
        return [Place("M5.1", EXCLUDED)]
    errors = [issue for issue in result.issues if issue.severity == "error"]
    return [Place(issue.rule, issue.field, issue.sku) for issue in errors]


def measure(seed: int, defects: int) -> Figures:
    """Plant and look; the same figures for the same seed and code."""
    figures = Figures()
    lookups = SimulatorLookups()
    for case in draw_cases(seed, defects):
        name = case.draft.family_id
        places = places_of(evaluate(case, lookups))
        figures.families += 1
        figures.found |= {(name, place.rule, place.field) for place in places}
        if case.place is None:
            continue
        planted = (name, case.place.rule, case.place.field)
        figures.planted.add(planted)
        figures.kinds[planted] = case.kind
        if case.place.sku is not None and case.place not in places and planted in figures.found:
            figures.unnamed.append(planted)
    return figures


def report_of(figures: Figures) -> dict[str, Any]:
    """The figures as they are committed."""
    return {
        "families": figures.families,
        "defects": len(figures.planted),
        "kinds": len(set(figures.kinds.values())),
        "precision": round(figures.precision, 4),
        "recall": round(figures.recall, 4),
        "named with another SKU": len(figures.unnamed),
        "missed": sorted(map(list, figures.planted - figures.found)),
        "false": sorted(map(list, figures.found - figures.planted)),
        "by rule": figures.by_rule(),
    }
