"""Catalogues made from a seed: families that are right, as shops of several kinds write them.

Products of any leaf of the simulator's tree, simple or with children, numbers with either decimal
sign, texts in several languages; with what merchants write that is odd and still right (a negative
stock, entities in a title, seven pictures). Nothing here knows the channel's rules but the feed's
configuration, which matches a field to each attribute.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from types import MappingProxyType
from typing import Any, Literal

from sandbox.catalogue import Catalogue, Category
from sandbox.schemas import values_for
from sandbox.sellers import SELLERS, Seller

SELLER = SELLERS["2200100001"]
CATALOGUE = Catalogue()
OTHER = "Other"
PICTURES = "http://127.0.0.1:8080/pictures/"
"""Where the pictures are that products name by `pictures/...`."""
CHILDREN_AT_MOST = 5
UNIT_TITLES = ("piece/pieces", "set/sets", "100000014")
OWN_COLOURS = ("Dusty rose", "Sea & sand", "Moss #3", "Smoke", "Nightfall")
ODD_PRODUCTS = 0.3
"""The share of products with something odd and right."""
SIGNS = {"USD": "$", "EUR": "€"}
Shape = Literal["any", "simple", "parents"]
"""Of which form families are drawn: simple products, parents with children, or both."""

Fields = dict[str, Any]


@dataclass(frozen=True)
class Writing:
    """How a merchant writes numbers and in which languages, the main one first."""

    decimal: Literal[".", ","]
    weight: Literal["kg", "g"]
    locales: tuple[str, ...]

    def number(self, value: Decimal) -> str:
        """The number in this writing."""
        return str(value).replace(".", self.decimal)

    def title(self, locale: str) -> str:
        """The field that holds the title in a language."""
        return f"title_{locale}"

    def description(self, locale: str) -> str:
        """The field that holds the description in a language."""
        return f"description_{locale}"


WRITINGS = (
    Writing(".", "kg", ("en_US", "es_ES")),
    Writing(",", "g", ("es_ES", "en_US", "fr_FR")),
    Writing(",", "kg", ("de_DE",)),
)


@dataclass
class Draft:
    """A family that may still be changed: its own row, and its children's by product id.

    A simple product's row is its SKU; `head` is None once the parent was taken away.
    """

    family_id: str
    writing: Writing
    leaf: Category
    head: Fields | None
    children: dict[str, Fields] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    """Parents that are not the family's own row, by product id."""
    live_locale: str | None = None
    """The main language it is online with; None where it is not online."""
    seller: Seller = SELLER
    """Whose shop it is for."""

    @property
    def row(self) -> Fields:
        """The row that gives the content."""
        assert self.head is not None
        return self.head

    @property
    def skus(self) -> dict[str, Fields]:
        """The rows that are SKUs, by product id."""
        return self.children or {self.family_id: self.row}

    def rows(self) -> Iterator[tuple[str, str | None, Fields]]:
        """Every row: product id, parent id, fields."""
        if self.head is not None:
            yield self.family_id, self.parents.get(self.family_id), self.head
        for product_id, fields in self.children.items():
            yield product_id, self.parents.get(product_id, self.family_id), fields


@dataclass(frozen=True)
class Assortment:
    """The leaves a merchant sells in, by the merchant's own words for them."""

    paths: dict[str, Category]

    def path_of(self, leaf: Category) -> str:
        """The merchant's words for a leaf."""
        return next(path for path, known in self.paths.items() if known == leaf)


def is_permitted(leaf: Category, seller: Seller) -> bool:
    """Whether the seller may post in the leaf."""
    return CATALOGUE.path(leaf)[0].id not in seller.forbidden_roots


def draw_assortment(random: Random, count: int, seller: Seller = SELLER) -> Assortment:
    """As many leaves of all profiles, some that tell SKUs apart, in the merchant's words."""
    leaves = sorted(CATALOGUE.leaves(), key=lambda leaf: leaf.id)
    leaves = [leaf for leaf in leaves if is_permitted(leaf, seller)]
    chosen = random.sample(leaves, count)
    return Assortment({f"Shop {n} > {leaf.name} {n}": leaf for n, leaf in enumerate(chosen)})


def configuration(
    assortment: Assortment,
    writing: Writing,
    *,
    pictures: str = PICTURES,
    closed: Mapping[str, str] = MappingProxyType({}),
    seller: Seller = SELLER,
) -> dict[str, Any]:
    """The feed: every attribute matched to a field, categories to the leaves.

    `closed` are further categories, matched to leaves that the shop may not use.
    """
    leaves = assortment.paths.values()
    required = sorted({name for leaf in leaves for name in CATALOGUE.required(leaf)})
    variations = sorted({name for leaf in leaves for name in CATALOGUE.sku(leaf)})
    plain = {
        "sku_code": "sku",
        "price": "price",
        "discount_price": "sale_price",
        "discount_from": "sale_from",
        "discount_until": "sale_until",
        "inventory": "stock",
        "ean_code": "ean",
        "product_units_type": "unit",
        "inventory_deduction_strategy": "deduction",
        "package_weight": "weight",
        "package_length": "length",
        "package_width": "width",
        "package_height": "height",
        "shipping_preparation_time": "days",
        "shipping_template_id": "freight",
        "service_template_id": "service",
        "size_chart_id": "size_chart",
    }
    return {
        "shop": "main",
        "catalogue": "defects",
        "main_locale": writing.locales[0],
        "currency": seller.currency,
        "image_checks": True,
        "units": {"weight": writing.weight, "decimal": writing.decimal},
        "category": {
            "source": {"field": "category"},
            "exact": {path: str(leaf.id) for path, leaf in assortment.paths.items()} | dict(closed),
        },
        "languages": {
            locale: {
                "title": {"field": writing.title(locale)},
                "description": {"field": writing.description(locale)},
            }
            for locale in writing.locales
        },
        "attributes": {name: {"field": source} for name, source in plain.items()}
        | {
            "image_url_list": {
                "template": f"{{{{ images | map('replace', 'pictures/', '{pictures}') | list }}}}"
            }
        },
        "country_prices": {"ES": {"price": {"field": "price_es"}}},
        "category_attributes": {
            name: {"field": name} | ({"separator": "|"} if _is_many(name) else {})
            for name in required
        },
        "sku_attributes": {
            name: {"field": name} | ({"unknown": "alias"} if name == "Color" else {})
            for name in variations
        },
        "user_defined_attributes": {
            "Warranty": {"template": "{{ (warranty | from_json).months }} months"}
        },
        "exclude": {
            "any": [
                {"field": "status", "equals": "discontinued"},
                {"field": "margin", "compare": "<", "value": 0},
            ]
        },
    }


def _is_many(name: str) -> bool:
    return CATALOGUE.attributes[name].kind == "many"


def draw_family(
    random: Random,
    family_id: str,
    assortment: Assortment,
    writing: Writing,
    *,
    seller: Seller = SELLER,
    shape: Shape = "any",
) -> Draft:
    """A family that is right, of any of the leaves; parents of those that tell SKUs apart."""
    leaves = list(assortment.paths.values())
    leaf = random.choice(
        leaves if shape != "parents" else [leaf for leaf in leaves if CATALOGUE.sku(leaf)]
    )
    row = _draw_content(random, family_id, assortment, writing, leaf, seller)
    draft = Draft(family_id, writing, leaf, row, seller=seller)
    can_have_children = bool(CATALOGUE.sku(leaf)) and shape != "simple"
    if can_have_children and (shape == "parents" or random.random() < 0.6):
        draft.children = _draw_children(random, family_id, leaf)
        row["stock"] = 0
    for product_id, fields in draft.skus.items():
        fields.update(_draw_offer(random, product_id, writing, seller))
    if random.random() < ODD_PRODUCTS:
        _make_odd(random, draft)
    return draft


def _draw_content(
    random: Random,
    family_id: str,
    assortment: Assortment,
    writing: Writing,
    leaf: Category,
    seller: Seller,
) -> Fields:
    content: Fields = {
        "category": assortment.path_of(leaf),
        "images": [f"pictures/{family_id}-{n}.jpg" for n in range(random.randint(1, 6))],
        **draw_terms(random, writing, seller),
    }
    for locale in writing.locales:
        content[writing.title(locale)] = f"{leaf.name} {family_id} {locale}".replace(">", "")
        content[writing.description(locale)] = (
            f"<p>{family_id} in {locale}: made to last, two years of warranty, washable by hand,"
            " returned within thirty days without a question.</p>"
        )
    for name in CATALOGUE.required(leaf):
        content[name] = draw_value(random, name, seller)
    return content


def draw_terms(random: Random, writing: Writing, seller: Seller) -> Fields:
    """A product's package, its templates and what else is said of every product."""
    named = seller.freight_templates[0][1].title()
    return {
        "unit": random.choice(UNIT_TITLES),
        "deduction": random.choice(["place_order_withhold", "by payments"]),
        "weight": _draw_weight(random, writing),
        "length": random.choice([30, "30", "25 cm", "300 mm"]),
        "width": writing.number(Decimal("19.5")),
        "height": 0.4,
        "days": random.choice([1, "3", 60]),
        "freight": random.choice([str(random.choice(seller.freight_templates)[0]), named]),
        "service": random.choice(["0", seller.promise_templates[-1][1], ""]),
        "warranty": '{"months": 24}',
        "status": "active",
        "margin": random.choice([12, writing.number(Decimal("0.5"))]),
    }


def _draw_weight(random: Random, writing: Writing) -> Any:
    grams = random.randint(1, 30_000)
    if writing.weight == "g":
        return random.choice([grams, str(grams), f"{writing.number(Decimal(grams) / 1000)} kg"])
    kilograms = Decimal(grams) / 1000
    return random.choice([float(kilograms), writing.number(kilograms), f"{grams} g"])


def choices_of(name: str, seller: Seller = SELLER) -> list[str]:
    """The titles that an attribute may have for this seller; none where it is free text."""
    titles = [value.name for value in values_for(seller, CATALOGUE, name).values]
    return list(dict.fromkeys(title for title in titles if title.casefold() != OTHER.casefold()))


def draw_value(random: Random, name: str, seller: Seller) -> str:
    """A value that a category's attribute may have for this seller, as merchants write it."""
    titles = choices_of(name, seller)
    if not titles:
        return f"{name} {random.randint(1, 99)}"
    if _is_many(name):
        return "|".join(random.sample(titles, random.randint(1, min(3, len(titles)))))
    title = random.choice(titles)
    return random.choice([title, title.upper(), f" {title} "])


def _draw_children(random: Random, family_id: str, leaf: Category) -> dict[str, Fields]:
    """Children that differ by one or two of the leaf's SKU attributes."""
    names = random.sample(CATALOGUE.sku(leaf), random.randint(1, min(2, len(CATALOGUE.sku(leaf)))))
    count = random.randint(1, CHILDREN_AT_MOST)
    children: dict[str, Fields] = {}
    seen: set[tuple[str, ...]] = set()
    while len(children) < count:
        chosen = tuple(random.choice(_variants(name)) for name in names)
        if chosen in seen:
            count -= 1
            continue
        seen.add(chosen)
        product_id = f"{family_id}-{len(children) + 1}"
        children[product_id] = dict(zip(names, chosen, strict=True))
    return children


def _variants(name: str) -> list[str]:
    titles = choices_of(name)[:8]
    return [*titles, *OWN_COLOURS] if name == "Color" else titles


def _draw_offer(random: Random, product_id: str, writing: Writing, seller: Seller) -> Fields:
    price = Decimal(random.randint(100, 900_000)) / 100
    number = writing.number
    as_json = float(price)  # rule: float-money - a JSON number, as catalogues send it
    marked = f"{number(price)} {seller.currency}", f"{SIGNS[seller.currency]} {number(price)}"
    shown = random.choice([number(price), as_json, *marked])
    offer: Fields = {"sku": product_id, "price": shown, "stock": random.randint(1, 400)}
    kind = random.randrange(6)
    if kind == 0:
        offer["sale_price"] = number((price * Decimal("0.9")).quantize(Decimal("0.01")))
    elif kind == 1:  # no sale price, as systems write that
        offer["sale_price"] = random.choice(["", 0, number(price)])
    elif kind == 2:
        offer |= {
            "sale_price": number((price / 2).quantize(Decimal("0.01"))),
            "sale_from": "2026-01-01",
            "sale_until": "2030-12-31T23:59:59Z",
        }
    elif kind == 3:
        offer["price_es"] = number((price * Decimal("1.1")).quantize(Decimal("0.01")))
    return offer


def _make_odd(random: Random, draft: Draft) -> None:
    """Something merchants write that looks wrong and is not, or is advised about only."""
    row, main = draft.row, draft.writing.locales[0]
    title = draft.writing.title(main)
    sku = random.choice(list(draft.skus.values()))
    oddities: list[tuple[Fields, Fields]] = [
        (row, {title: f"Caf&eacute; &amp; bar &#8211; {draft.family_id}"}),
        (row, {title: f"{draft.family_id} BEST PRICE BEST PRICE BEST PRICE BEST PRICE"}),
        (row, {title: f"{draft.family_id} ".ljust(218, "x")}),
        (
            row,
            {draft.writing.description(main): "&lt;p&gt;A &lt;b&gt;text&lt;/b&gt;&lt;/p&gt;"},
        ),
        (row, {"images": [f"pictures/{draft.family_id}-{n}.jpg" for n in range(8)]}),
        (row, {"colour_of_box": "none of the feed's fields"}),
        (sku, {"ean": random.choice(["4006381333931", "123", "5.90124E+12"])}),
        (sku, {"price": f"{draft.writing.decimal}99", "sale_price": "", "price_es": ""}),
        (sku, {"stock": random.choice(["12", "12.0" if draft.writing.decimal == "." else "12,0"])}),
        (sku, {"stock": 2_000_000}),
    ]
    if len(draft.skus) > 1:
        oddities += [(sku, {"stock": stock}) for stock in (0, "-4", "4-", "(4)", "\u22124")]
    fields, odd = random.choice(oddities)
    fields |= odd
