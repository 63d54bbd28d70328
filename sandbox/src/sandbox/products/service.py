"""What can be done to products: post, update, price, stock, delete, on and off sale.

Every effect and every refusal is written into the ledger here and nowhere else.
"""

from collections.abc import Callable
from typing import Any, Literal

from sandbox.catalogue import Catalogue
from sandbox.context import Context
from sandbox.errors import Refusal
from sandbox.photos import PhotoBank
from sandbox.pictures import can_be_had
from sandbox.products import codes, rules
from sandbox.products.shops import (
    AUDITING,
    EDITING,
    OFFLINE,
    ON_SALE,
    Product,
    Shops,
    Sku,
    make_skus,
    money,
)
from sandbox.schema_check import without_empties
from sandbox.schema_store import SchemaStore
from sandbox.sellers import SELLERS

Payload = dict[str, Any]
Standing = Literal["active", "suspended", "gone"]
"""A seller's standing with the platform; by default active."""


class ProductService:
    """The verbs on products; audits run on the job clock."""

    def __init__(
        self,
        context: Context,
        shops: Shops,
        *,
        catalogue: Catalogue,
        schemas: SchemaStore,
        photos: PhotoBank,
        standings: dict[str, Standing],
        takes_foreign_images: Callable[[], bool],
    ) -> None:
        self.shops = shops
        self._settings = context.settings
        self._ledger = context.ledger
        self._now = context.now
        self._job_now = context.job_now
        self._next_id = context.next_id
        self._catalogue = catalogue
        self._schemas = schemas
        self._photos = photos
        self._standings = standings
        self._takes_foreign_images = takes_foreign_images
        self._auditing = {p.id: p for p in shops.all() if p.status == AUDITING}

    def create(self, seller_id: str, payload: Payload, *, is_unschemed: bool = False) -> Product:
        """Post a product. Raises `Refusal` with the documented code."""
        payload = without_empties(payload)
        try:
            self._check_seller(seller_id, is_unschemed=is_unschemed)
            self._check_payload(seller_id, payload, needs_stock=True)
        except Refusal as refusal:
            self._refuse("product.create", seller_id, refusal, skus=_skus_of(payload))
            raise
        return self.put(seller_id, payload, status=AUDITING)

    def put(self, seller_id: str, payload: Payload, status: str) -> Product:
        """Make a product of a payload that needs no check."""
        now = self._now()
        skus = make_skus(payload["sku_info_list"], self._next_id, {})
        product = Product(
            id=self._next_id("product"),
            seller_id=seller_id,
            category_id=int(payload["category_id"]),
            locale=str(payload["locale"]),
            status=status,
            content={k: v for k, v in payload.items() if k not in _KEPT_APART},
            skus=skus,
            created_at=now,
            modified_at=now,
            group_ids=[int(payload[g]) for g in ("product_group_id",) if payload.get(g)],
            country_prices=payload.get("multi_country_price_configuration"),
        )
        self.shops.add(product)
        self._ledger.record("product.create", seller_id, product_id=product.id, **_detail(product))
        if status == AUDITING:
            self._start_audit(product)
        return product

    def update(self, seller_id: str, product_id: int, payload: Payload) -> Product:
        """Replace a product's content and SKUs. Raises `Refusal`."""
        payload = without_empties(payload)
        try:
            product = self.editable(seller_id, product_id)
            self._check_seller(seller_id, is_update=True)
            self._check_payload(seller_id, payload, needs_stock=self._settings.update_needs_stock)
            _raise_if(codes.LOCALE_FIXED if payload["locale"] != product.locale else None)
        except Refusal as refusal:
            skus = _skus_of(payload)
            self._refuse("product.update", seller_id, refusal, product_id, skus=skus)
            raise
        before = product.skus
        skus_now = make_skus(payload["sku_info_list"], self._next_id, before)
        shop = self.shops.of(seller_id)
        shop.replace_skus(product, skus_now)
        product.category_id = int(payload["category_id"])
        product.content = {k: v for k, v in payload.items() if k not in _KEPT_APART}
        product.country_prices = payload.get("multi_country_price_configuration")
        shop.touch(product, self._now())
        record = self._ledger.record
        record("product.update", seller_id, product_id=product_id, **_detail(product))
        for code in sorted(before.keys() - skus_now.keys()):
            record("sku.remove", seller_id, product_id=product_id, sku_code=code)
        for code in sorted(skus_now.keys() - before.keys()):
            record("sku.add", seller_id, product_id=product_id, sku_code=code)
        if self._settings.audit_after_update:
            self._start_audit(product)
        return product

    def set_prices(self, seller_id: str, product_id: int, entry: Payload) -> None:
        """Set prices of SKUs; one without `discount_price` loses its discount."""
        entries = _entries(entry)
        try:
            product = self.editable(seller_id, product_id)
            for item in entries:
                _require_sku(product, item)
                _raise_if(rules.price_fault(item))
            configuration = entry.get("multi_country_price_configuration")
            prices = {code: {"price": sku.price} for code, sku in product.skus.items()}
            prices |= {str(item["sku_code"]): item for item in entries}
            _raise_if(rules.country_prices_fault(configuration, prices))
        except Refusal as refusal:
            self._refuse_each("price.update", seller_id, product_id, refusal, entries)
            raise
        for item in entries:
            sku = product.skus[str(item["sku_code"])]
            sku.price = money(item["price"]) or sku.price
            sku.discount_price = money(item.get("discount_price"))
            self._record_offer("price.update", product, sku)
        if configuration:
            product.country_prices = configuration
        self.shops.of(seller_id).touch(product, self._now())

    def set_stock(self, seller_id: str, product_id: int, entry: Payload) -> None:
        """Set the stock of SKUs."""
        entries = _entries(entry)
        try:
            product = self.editable(seller_id, product_id)
            for item in entries:
                _require_sku(product, item)
                _raise_if(rules.stock_fault(item.get("inventory")))
        except Refusal as refusal:
            self._refuse_each("stock.update", seller_id, product_id, refusal, entries)
            raise
        for item in entries:
            sku = product.skus[str(item["sku_code"])]
            sku.inventory = int(item["inventory"])
            self._record_offer("stock.update", product, sku)
        self.shops.of(seller_id).touch(product, self._now())

    def delete(self, seller_id: str, product_id: int) -> None:
        """Delete a product. Raises `Refusal` when the seller has none of this id."""
        try:
            product = self._own(seller_id, product_id)
        except Refusal as refusal:
            self._refuse("product.delete", seller_id, refusal, product_id)
            raise
        self.shops.remove(product)
        self._auditing.pop(product_id, None)
        self._ledger.record(
            "product.delete", seller_id, product_id=product_id, skus=sorted(product.skus)
        )

    def put_on_sale(self, seller_id: str, product_id: int, is_on: bool) -> None:
        """Put a product on sale, or take it off. Raises `Refusal`."""
        operation = "product.online" if is_on else "product.offline"
        try:
            product = self.editable(seller_id, product_id)
        except Refusal as refusal:
            self._refuse(operation, seller_id, refusal, product_id)
            raise
        product.status = ON_SALE if is_on else OFFLINE
        product.offline_reason = "" if is_on else "user_offline"
        self.shops.of(seller_id).touch(product, self._now())
        self._ledger.record(operation, seller_id, product_id=product_id)

    def set_status(self, product: Product, status: str, reason: str = "") -> None:
        """Give a product a status as the platform does, for instance after a punishment."""
        product.status = status
        product.offline_reason = reason
        self._auditing.pop(product.id, None)
        self.shops.of(product.seller_id).touch(product, self._now())
        self._ledger.record(
            "product.status", product.seller_id, product_id=product.id, status=status
        )

    def finish_audits(self) -> None:
        """Put products on sale whose audit is over; audits end in the order they began."""
        now = self._job_now()
        while self._auditing:
            product = next(iter(self._auditing.values()))
            if product.audit_until > now:
                return
            del self._auditing[product.id]
            product.status = ON_SALE

    def _start_audit(self, product: Product) -> None:
        product.status = AUDITING
        product.audit_until = self._job_now() + self._settings.audit_seconds
        self._auditing.pop(product.id, None)
        self._auditing[product.id] = product
        self.finish_audits()

    def _own(self, seller_id: str, product_id: int) -> Product:
        product = self.shops.find(seller_id, product_id)
        if product is None:
            raise Refusal(*codes.NO_PRODUCT)
        return product

    def editable(self, seller_id: str, product_id: int) -> Product:
        """A product of this seller that may be changed now. Raises `Refusal`."""
        product = self._own(seller_id, product_id)
        if product.status == AUDITING:
            raise Refusal(*codes.AUDITING)
        return product

    def _check_seller(
        self, seller_id: str, *, is_unschemed: bool = False, is_update: bool = False
    ) -> None:
        standing = self._standings.get(seller_id)
        if standing == "suspended":
            raise Refusal(*codes.SUSPENDED)
        if standing == "gone":
            raise Refusal(*codes.seller_gone(seller_id))
        is_full = len(self.shops.of(seller_id).products) >= self._settings.products_max
        if is_full and not is_update:
            raise Refusal(*(codes.SHOP_FULL_UNSCHEMED if is_unschemed else codes.SHOP_FULL))

    def _check_payload(self, seller_id: str, payload: Payload, *, needs_stock: bool) -> None:
        category = payload.get("category_id")
        leaf = self._catalogue.categories.get(category) if isinstance(category, int) else None
        if leaf is None or not leaf.is_leaf:
            raise Refusal(*codes.NOT_A_LEAF)
        seller = SELLERS[seller_id]
        if self._catalogue.path(leaf)[0].id in seller.forbidden_roots:
            raise Refusal(*codes.invalid_field("category_id", "permission"))
        schema = self._schemas.of(leaf, seller)
        _raise_if(
            rules.find_fault(
                payload,
                schema,
                needs_stock=needs_stock,
                is_image_taken=lambda address: self._is_image_taken(seller_id, address),
            )
        )

    def _is_image_taken(self, seller_id: str, address: str) -> bool:
        if self._photos.has(seller_id, address):
            return True
        return self._takes_foreign_images() and can_be_had(address)

    def _record_offer(self, operation: str, product: Product, sku: Sku) -> None:
        self._ledger.record(
            operation,
            product.seller_id,
            product_id=product.id,
            sku_code=sku.code,
            **(
                {"inventory": sku.inventory}
                if operation == "stock.update"
                else {"price": sku.price, "discount_price": sku.discount_price}
            ),
        )

    def _refuse(
        self,
        operation: str,
        seller_id: str,
        refusal: Refusal,
        product_id: int | None = None,
        **detail: Any,
    ) -> None:
        self._ledger.record(
            operation,
            seller_id,
            product_id=product_id,
            refused=(refusal.code, refusal.message),
            **detail,
        )

    def _refuse_each(
        self,
        operation: str,
        seller_id: str,
        product_id: int,
        refusal: Refusal,
        entries: list[Payload],
    ) -> None:
        for item in entries:
            self._ledger.record(
                operation,
                seller_id,
                product_id=product_id,
                sku_code=str(item.get("sku_code") or ""),
                refused=(refusal.code, refusal.message),
            )


_KEPT_APART = frozenset(
    {"sku_info_list", "aliexpress_product_id", "multi_country_price_configuration"}
)
STATUSES = (ON_SALE, OFFLINE, AUDITING, EDITING)


def _entries(entry: Payload) -> list[Payload]:
    return rules.dictionaries(entry.get("multiple_sku_update_list"))


def _require_sku(product: Product, item: Payload) -> None:
    if str(item.get("sku_code") or "") not in product.skus:
        raise Refusal(
            codes.UNSCHEMED_GENERAL, f"The sku_code {item.get('sku_code')!r} is not in the product"
        )


def _raise_if(fault: rules.Fault | None) -> None:
    if fault is not None:
        raise Refusal(*fault)


def _skus_of(payload: Payload) -> list[str]:
    skus = rules.dictionaries(payload.get("sku_info_list"))
    return sorted(str(sku.get("sku_code") or "") for sku in skus)


def _detail(product: Product) -> dict[str, Any]:
    return {
        "title": product.title,
        "category_id": str(product.category_id),
        "skus": {
            code: {
                "price": sku.price,
                "discount_price": sku.discount_price,
                "inventory": sku.inventory,
            }
            for code, sku in product.skus.items()
        },
    }
