"""catalog-service's routes of what AliExpress offers a shop, typed; each raises `Problem`."""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from channel_cli.answers import Answer
from channel_cli.client import route_of
from channel_cli.session import Session
from channel_cli.settings import CATALOG


class Option(Answer, frozen=True, kw_only=True):
    """One that a configuration may name, by id or name."""

    id: str
    name: str


class ShopOptions(Answer, frozen=True, kw_only=True):
    """What AliExpress offers a shop; a list of None is open."""

    shop_id: str
    currency: str | None
    read_from: list[str]
    fetched_at: datetime | None
    is_overdue: bool
    is_awaited: bool
    shipping_templates: list[Option] | None = None
    service_templates: list[Option] | None = None
    product_groups: list[Option] | None = None
    size_charts: list[Option] | None = None
    product_units: list[Option] | None = None
    inventory_deduction_strategies: list[Option] | None = None
    languages: list[Option] | None = None
    countries: list[Option] | None = None


class Category(Answer, frozen=True, kw_only=True):
    """A category of the shop's tree; products go into leaves only."""

    category_id: str
    name: str
    path: list[str]
    is_leaf: bool
    names: dict[str, str] = msgspec.field(default_factory=dict)


class Categories(Answer, frozen=True, kw_only=True):
    """A page of categories; without `fetched_at` the tree is still being fetched."""

    items: list[Category]
    next_cursor: str | None
    fetched_at: datetime | None
    is_overdue: bool = False


class WholeCategory(Category, frozen=True, kw_only=True):
    """A category with what stands right below it."""

    children: list[Category]


class Attribute(Answer, frozen=True, kw_only=True):
    """An attribute of a leaf; `values` are the first of `value_count`, none where it is text."""

    name: str
    kind: str
    is_required: bool
    takes_own_text: bool
    value_count: int
    values: dict[str, str]
    max_length: int | None = None


class Condition(Answer, frozen=True, kw_only=True):
    """What attributes ask of each other."""

    when: dict[str, list[str]]
    requires: list[str]
    allows: dict[str, list[str]]
    is_otherwise: bool


class Attributes(Answer, frozen=True, kw_only=True):
    """What a leaf asks for."""

    category_id: str
    path: list[str]
    fetched_at: datetime
    is_overdue: bool
    category_attributes: list[Attribute]
    sku_attributes: list[Attribute]
    conditions: list[Condition] = msgspec.field(default_factory=list)


class AllowedValue(Answer, frozen=True, kw_only=True):
    """A value that may be chosen."""

    value_id: str
    name: str


class PhotoBank(Answer, frozen=True, kw_only=True):
    """A shop's photo bank: pictures by what became of them, and how full it is."""

    shop_id: str
    uploaded: int
    waiting: int
    refused: int
    used_megabytes: str | None = None
    total_megabytes: str | None = None
    full_until: datetime | None = None


class ShopCatalogue:
    """What AliExpress offers one shop."""

    def __init__(self, session: Session, merchant: str, shop: str) -> None:
        self._session = session
        self._of = (merchant, "shops", shop)

    async def options(self, category: str | None = None) -> ShopOptions:
        """Templates, groups, size charts, units, languages, countries; of a leaf, or of all."""
        path = route_of(*self._of, "options")
        return await self._session.get(CATALOG, path, ShopOptions, {"category": category})

    async def photo_bank(self) -> PhotoBank:
        """How full the shop's photo bank is, and what is still to be uploaded."""
        return await self._session.get(CATALOG, route_of(*self._of, "photo-bank"), PhotoBank)

    async def categories(
        self,
        *,
        parent: str | None = None,
        words: str | None = None,
        cursor: str | None = None,
        limit: int = 200,
    ) -> Categories:
        """A page of the children of `parent`, or of the leaves that hold the words."""
        query = {"parent": parent, "q": words, "cursor": cursor, "limit": limit}
        return await self._session.get(
            CATALOG, route_of(*self._of, "categories"), Categories, query
        )

    async def category(self, category_id: str) -> WholeCategory:
        """One category."""
        path = route_of(*self._of, "categories", category_id)
        return await self._session.get(CATALOG, path, WholeCategory)

    async def attributes(
        self, category_id: str, *, words: str | None = None, required: bool | None = None
    ) -> Attributes:
        """What a leaf asks for."""
        path = route_of(*self._of, "categories", category_id, "attributes")
        query = {"q": words, "required": required}
        return await self._session.get(CATALOG, path, Attributes, query)

    def values(
        self, category_id: str, attribute: str, *, words: str | None = None
    ) -> AsyncIterator[AllowedValue]:
        """The values an attribute takes."""
        path = route_of(*self._of, "categories", category_id, "attributes", attribute, "values")
        return self._session.items(CATALOG, path, AllowedValue, {"q": words})
