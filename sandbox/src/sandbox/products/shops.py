"""The shops' products and what may be done to them."""

import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

ON_SALE, OFFLINE, AUDITING, EDITING = "onSelling", "offline", "auditing", "editingRequired"


class Sku(msgspec.Struct):
    """One offer; prices are decimal texts with two places."""

    id: int
    code: str
    price: str
    discount_price: str | None
    inventory: int
    attributes: dict[str, Any]
    ean_code: str = ""

    @property
    def selling_price(self) -> Decimal:
        """What a buyer pays for one."""
        return Decimal(self.discount_price or self.price)


class Product(msgspec.Struct):
    """A listing; `content` is the payload it was made from, without its SKUs."""

    id: int
    seller_id: str
    category_id: int
    locale: str
    status: str
    content: dict[str, Any]
    skus: dict[str, Sku]
    created_at: datetime
    modified_at: datetime
    audit_until: float = 0.0
    offline_reason: str = ""
    group_ids: list[int] = []
    country_prices: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        """The title in the main language, else the first there is."""
        titles = self.content.get("title_multi_language_list") or []
        for entry in titles:
            if entry.get("locale") == self.locale:
                return str(entry["title"])
        return str(titles[0]["title"]) if titles else ""

    @property
    def images(self) -> list[str]:
        """Picture addresses, the main one first."""
        return list(self.content.get("image_url_list") or [])


class Shop:
    """One seller's products, by id, by SKU code and by time of change."""

    def __init__(self) -> None:
        self.products: dict[int, Product] = {}
        self.by_sku: dict[str, list[int]] = defaultdict(list)
        self._by_change: list[tuple[datetime, int]] = []

    def add(self, product: Product) -> None:
        """Take a product in."""
        self.products[product.id] = product
        for code in product.skus:
            self.by_sku[code].append(product.id)
        bisect.insort(self._by_change, (product.modified_at, product.id))

    def remove(self, product: Product) -> None:
        """Forget a product."""
        del self.products[product.id]
        for code in product.skus:
            self._forget_sku(code, product.id)
        self._by_change.remove((product.modified_at, product.id))

    def replace_skus(self, product: Product, skus: dict[str, Sku]) -> None:
        """Give a product other SKUs."""
        for code in product.skus.keys() - skus.keys():
            self._forget_sku(code, product.id)
        for code in skus.keys() - product.skus.keys():
            self.by_sku[code].append(product.id)
        product.skus = skus

    def touch(self, product: Product, moment: datetime) -> None:
        """Record that a product changed."""
        if product.modified_at == moment:
            return
        place = bisect.bisect_left(self._by_change, (product.modified_at, product.id))
        del self._by_change[place]
        product.modified_at = moment
        bisect.insort(self._by_change, (moment, product.id))

    def changed_between(self, start: datetime | None, end: datetime | None) -> Iterator[Product]:
        """Products changed from `start` to `end`, both included."""
        first = bisect.bisect_left(self._by_change, (start, 0)) if start else 0
        for moment, identity in self._by_change[first:]:
            if end and moment > end:
                return
            yield self.products[identity]

    def with_sku(self, code: str) -> list[Product]:
        """Products that hold a SKU code, oldest first."""
        return [self.products[identity] for identity in self.by_sku.get(code, ())]

    def _forget_sku(self, code: str, identity: int) -> None:
        holders = self.by_sku[code]
        holders.remove(identity)
        if not holders:
            del self.by_sku[code]


class Shops:
    """All products by id, and each seller's shop."""

    def __init__(self, products: dict[int, Product]) -> None:
        self._products = products
        self._shops: dict[str, Shop] = defaultdict(Shop)
        for product in products.values():
            self._shops[product.seller_id].add(product)

    def all(self) -> Iterator[Product]:
        """Every product of every seller."""
        return iter(self._products.values())

    def of(self, seller_id: str) -> Shop:
        """A seller's shop, empty when nothing was ever posted."""
        return self._shops[seller_id]

    def find(self, seller_id: str, product_id: int) -> Product | None:
        """A product of this seller."""
        product = self._products.get(product_id)
        return product if product is not None and product.seller_id == seller_id else None

    def add(self, product: Product) -> None:
        """Take a product in."""
        self._products[product.id] = product
        self._shops[product.seller_id].add(product)

    def remove(self, product: Product) -> None:
        """Forget a product."""
        del self._products[product.id]
        self._shops[product.seller_id].remove(product)


def money(value: Any) -> str | None:
    """A price as it is kept, two places; None when it is no price."""
    if value is None or isinstance(value, bool) or value == "":
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return f"{amount:.2f}" if amount.is_finite() else None


def make_skus(
    entries: Iterable[dict[str, Any]], next_id: Callable[[str], int], known: dict[str, Sku]
) -> dict[str, Sku]:
    """SKUs of a checked payload; one that was there before keeps its id."""
    skus: dict[str, Sku] = {}
    for entry in entries:
        code = str(entry["sku_code"])
        skus[code] = Sku(
            id=known[code].id if code in known else next_id("sku"),
            code=code,
            price=money(entry["price"]) or "0.00",
            discount_price=money(entry.get("discount_price")),
            inventory=int(entry.get("inventory") or 0),
            attributes=entry.get("sku_attributes") or {},
            ean_code=str(entry.get("ean_code") or ""),
        )
    return skus
