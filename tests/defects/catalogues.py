"""Three catalogues that differ in kind, each for a shop of its own, to forecast verdicts on.

`simple` has products without variations in forty leaves; `variations` has parents with children,
written in Spanish with a decimal comma for a shop that sells in euros and owns two brands; `sample`
has the families of `examples/sample`, with their texts, prices, pictures and variations, for a shop
that may not use two branches of the tree.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from random import Random
from typing import Any, Protocol

import yaml

from catalog_service.feeds.compile import CompiledFeed, compile_feed
from catalog_service.feeds.configuration import FeedConfiguration
from sandbox.catalogue import Category
from sandbox.sellers import SELLERS, Seller

from .edits import edit
from .families import (
    CATALOGUE,
    WRITINGS,
    Assortment,
    Draft,
    Fields,
    Shape,
    Writing,
    configuration,
    draw_assortment,
    draw_family,
    draw_terms,
    draw_value,
    is_permitted,
)
from .measure import CLOSED_LEAF, LEAVES, Case
from .planting import DEFECTS, FORBIDDEN_LEAF, Defect

SAMPLE = Path(__file__).parents[2] / "examples" / "sample"
EDITED = "odd values"
TRIED = 200
"""Families that are drawn to see which kinds of defect a catalogue can have."""


class Source(Protocol):
    """Where a catalogue's families come from."""

    @property
    def assortment(self) -> Assortment:
        """The leaves it sells in."""

    def draw(self, random: Random, family_id: str) -> Draft:
        """A family that is right."""


@dataclass(frozen=True)
class Drawn:
    """Families made from nothing but a seed."""

    assortment: Assortment
    writing: Writing
    seller: Seller
    shape: Shape

    def draw(self, random: Random, family_id: str) -> Draft:
        """A family of any leaf."""
        return draw_family(
            random, family_id, self.assortment, self.writing, seller=self.seller, shape=self.shape
        )


@dataclass(frozen=True)
class Sampled:
    """The families of the sample catalogue, under new ids; the faulty ones are left out."""

    assortment: Assortment
    seller: Seller
    writing: Writing = WRITINGS[0]

    def draw(self, random: Random, family_id: str) -> Draft:
        """One of the families as it stands, with the terms of a product drawn."""
        rows = random.choice(_sample_families())
        head, *children = deepcopy(rows)
        fields = head["fields"]
        leaf = self.assortment.paths[fields["category"]]
        row: Fields = {
            "category": fields["category"],
            "images": fields["images"],
            **draw_terms(random, self.writing, self.seller),
            "weight": fields["weight_kg"],
            "status": fields["status"],
        }
        for locale, suffix in (("en_US", ""), ("es_ES", "_es")):
            row[self.writing.title(locale)] = fields[f"title{suffix}"]
            row[self.writing.description(locale)] = fields[f"description{suffix}"]
        for name in CATALOGUE.required(leaf):
            row[name] = draw_value(random, name, self.seller)
        draft = Draft(family_id, self.writing, leaf, row, seller=self.seller)
        for number, child in enumerate(children, 1):
            draft.children[f"{family_id}-{number}"] = _variation(leaf, child["fields"])
        if not children:
            row |= _offer(fields)
        for product_id, offer in draft.skus.items():
            offer["sku"] = product_id
        return draft


def _variation(leaf: Category, fields: Fields) -> Fields:
    known = {name: name.casefold().split()[-1] for name in CATALOGUE.sku(leaf)}
    own = {name: fields[source] for name, source in known.items() if source in fields}
    return own | _offer(fields)


def _offer(fields: Fields) -> Fields:
    return {name: fields[name] for name in ("price", "sale_price", "price_es", "stock")}


@cache
def _sample_families() -> list[list[Any]]:
    """The rows of each family that has no fault planted, the parent's first."""
    with (SAMPLE / "products.jsonl").open() as lines:
        newest = {row["product_id"]: row for row in map(json.loads, lines)}
    families: dict[str, list[Any]] = {}
    for row in newest.values():
        families.setdefault(row.get("parent_id") or row["product_id"], []).append(row)
    return [
        sorted(rows, key=lambda row: row["product_id"])
        for name, rows in families.items()
        if not name.startswith("ODD-") and rows[0]["fields"].get("status") == "active"
    ]


def _sample_assortment(seller: Seller) -> Assortment:
    """The sample's paths, each with the leaf its feed gives it."""
    table = yaml.safe_load((SAMPLE / "feed.yaml").read_text())["category"]
    paths = {rows[0]["fields"]["category"] for rows in _sample_families()}
    found: dict[str, Category] = {}
    for path in sorted(paths):
        by_prefix = (leaf for prefix, leaf in table["prefix"].items() if path.startswith(prefix))
        leaf = CATALOGUE.categories[int(table["exact"].get(path) or next(by_prefix))]
        if is_permitted(leaf, seller):
            found[path] = leaf
    return Assortment(found)


@dataclass(frozen=True)
class Kind:
    """A catalogue: its name, its families, and the feed that sends them to a shop."""

    name: str
    seller: Seller
    writing: Writing
    source: Source
    pictures: str
    seed: int
    closed_leaf: str = field(default=CLOSED_LEAF)

    @cached_property
    def feed(self) -> CompiledFeed:
        """The feed, compiled; `FORBIDDEN_LEAF` is matched to a leaf the shop may not use."""
        form = configuration(
            self.source.assortment,
            self.writing,
            pictures=self.pictures,
            closed={FORBIDDEN_LEAF: self.closed_leaf},
            seller=self.seller,
        )
        return compile_feed("m", "f", 1, FeedConfiguration.model_validate(form))

    def defects(self) -> list[Defect]:
        """The kinds of defect that some of the families can have."""
        random = Random(self.seed)
        drafts = [self.source.draw(random, f"T{number}") for number in range(TRIED)]
        return [kind for kind in DEFECTS if any(map(kind.fits, drafts))]

    def cases(self, defects: int, first: int = 0) -> Iterator[Case]:
        """As many families with one defect, every kind in turn from the one numbered `first`, and
        as many without."""
        random = Random(self.seed)
        kinds = self.defects()
        for number in range(defects):
            right = self.source.draw(random, f"{self.name}-V{number}")
            yield Case(right, self.feed)
            kind = kinds[(first + number) % len(kinds)]
            while not kind.fits(draft := self.source.draw(random, f"{self.name}-D{number}")):
                pass
            yield Case(draft, self.feed, kind.name, kind.plant(random, draft))

    def edited(self, count: int) -> Iterator[Case]:
        """Families with odd values, right or wrong ones."""
        random = Random(self.seed)
        for number in range(count):
            draft = self.source.draw(random, f"{self.name}-E{number}")
            edit(random, draft)
            yield Case(draft, self.feed, EDITED)


def make_catalogues(seed: int, pictures: str) -> list[Kind]:
    """The three; `pictures` is the address below which the pictures are."""
    one, two, three = (SELLERS[f"220010000{number}"] for number in (1, 2, 3))
    random = Random(seed)
    closed = next(
        leaf for leaf in CATALOGUE.leaves() if not is_permitted(leaf, two) and not leaf.is_own
    )
    simple = Drawn(draw_assortment(random, LEAVES, one), WRITINGS[0], one, "simple")
    variations = Drawn(draw_assortment(random, LEAVES, three), WRITINGS[1], three, "parents")
    sampled = Sampled(_sample_assortment(two), two)
    return [
        Kind("simple", one, simple.writing, simple, pictures, seed),
        Kind("variations", three, variations.writing, variations, pictures, seed + 1),
        Kind("sample", two, sampled.writing, sampled, pictures, seed + 2, str(closed.id)),
    ]
