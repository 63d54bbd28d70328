"""REST: the state of every product and SKU."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from common.contracts.product import ProductNormalized
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.telemetry.tracing import trace_id_of
from common.web.pagination import Keyset, Limit, Page, cursor_of
from common.web.routing import new_router
from feed_publisher.access import STORABLE, FamilyId, FeedId, Reader, ShopId, SkuCode
from feed_publisher.desired.feeds.store import load_feed
from feed_publisher.drift.differences import Difference
from feed_publisher.listings.listing import Listing
from feed_publisher.reports.store import (
    ProductRow,
    find_last_scanned,
    find_online,
    list_products,
    load_product,
    load_sku,
)
from feed_publisher.reports.views import (
    CauseView,
    DriftView,
    Offer,
    causes_of,
    drift_view,
    offer_view,
)

_drift = msgspec.json.Decoder(list[Difference])


class ProductPlace(NamedTuple):
    """A product's place in the list of a feed's products."""

    family_id: str


AfterProduct = Annotated[ProductPlace | None, Depends(Keyset(ProductPlace))]


class ProductView(BaseModel):
    """A family: what is desired, what was accepted, what is under way, what was refused."""

    family_id: str
    status: str
    marketplace_product_id: str | None
    desired: dict[str, object] | None
    accepted: dict[str, Offer]
    in_flight: str | None
    causes: list[CauseView]
    drift: list[DriftView] | None
    trace_id: str | None
    """Of the trace of what led to the desired state, if it has one."""


class OnlineView(BaseModel):
    """A product that AliExpress has, and which of the merchant's it is."""

    model_config = ConfigDict(from_attributes=True)

    feed_id: str
    shop_id: str
    family_id: str
    marketplace_product_id: str
    status: str | None


class OnlineProducts(BaseModel):
    """What AliExpress knows by an id: at most one product a shop."""

    items: list[OnlineView]


class SkuView(BaseModel):
    """A SKU code of a shop: who holds it and how it stands."""

    sku_code: str
    shop_id: str
    feed_id: str
    family_id: str
    claimed_at: datetime
    state: str
    marketplace_product_id: str | None
    accepted: Offer | None
    causes: list[CauseView]


def product_router(pool: Pool) -> APIRouter:
    """The routes."""
    router = new_router(tags=["products"])
    merchant = "/v1/merchants/{merchant_id}"

    @router.get(merchant + "/feeds/{feed_id}/products")
    async def get_products(
        merchant_id: Reader,
        feed_id: FeedId,
        status: Literal["live", "rejected", "deleted", "pending", "drifted"] | None = None,
        after: AfterProduct = None,
        limit: Limit = 50,
    ) -> Page[ProductView]:
        """The feed's products. A page of pending ones, which are looked for among 5,000 products
        at a time, may be short, or empty, and still have a `next_cursor`."""
        place, last = after.family_id if after else "", None
        async with reading(pool) as connection:
            await load_feed(connection, merchant_id, feed_id)
            if status == "pending":
                last = await find_last_scanned(connection, merchant_id, feed_id, after=place)
            rows = await list_products(
                connection,
                merchant_id,
                feed_id,
                status=status,
                after=place,
                until=last,
                limit=limit + 1,
            )
        page = Page.of(rows, limit, lambda row: ProductPlace(row.family_id))
        items = [_product_view(row) for row in page.items]
        if last is not None and page.next_cursor is None:
            return Page(items=items, next_cursor=cursor_of(last))
        return page.with_items(items)

    @router.get(merchant + "/products")
    async def find_product(
        merchant_id: Reader,
        marketplace_product_id: Annotated[
            str, Query(pattern=STORABLE, max_length=64, description="AliExpress's own id.")
        ],
    ) -> OnlineProducts:
        """Which product AliExpress knows by this id."""
        async with reading(pool) as connection:
            found = await find_online(connection, merchant_id, marketplace_product_id)
        return OnlineProducts(items=[OnlineView.model_validate(row) for row in found])

    @router.get(merchant + "/feeds/{feed_id}/products/{family_id:path}")
    async def get_product(merchant_id: Reader, feed_id: FeedId, family_id: FamilyId) -> ProductView:
        """One product: desired, accepted, in flight, last refusal."""
        async with reading(pool) as connection:
            return _product_view(await load_product(connection, merchant_id, feed_id, family_id))

    @router.get(merchant + "/shops/{shop_id}/skus/{sku_code:path}")
    async def get_sku(merchant_id: Reader, shop_id: ShopId, sku_code: SkuCode) -> SkuView:
        """Who holds a SKU code in the shop, and how it stands (M1.7)."""
        async with reading(pool) as connection:
            found = await load_sku(connection, merchant_id, shop_id, sku_code)
        listing = found.listing
        accepted = listing.accepted.skus.get(sku_code) if listing else None
        return SkuView(
            sku_code=sku_code,
            shop_id=shop_id,
            feed_id=found.feed_id,
            family_id=found.family_id,
            claimed_at=found.claimed_at,
            state="online" if accepted else "not online",
            marketplace_product_id=listing.marketplace_product_id if listing else None,
            accepted=offer_view(accepted) if accepted else None,
            causes=causes_of(listing),
        )

    return router


def _product_view(row: ProductRow) -> ProductView:
    listing = row.listing or Listing(feed_id="", family_id=row.family_id, shop_id="")
    return ProductView(
        family_id=row.family_id,
        status=listing.reported_status or "pending",
        marketplace_product_id=listing.marketplace_product_id,
        desired=_desired(row.desired) if row.desired else None,
        accepted={code: offer_view(sku) for code, sku in listing.accepted.skus.items()},
        in_flight=row.in_flight,
        causes=causes_of(listing),
        drift=[drift_view(found) for found in _drift.decode(row.drift)] if row.drift else None,
        trace_id=trace_id_of(row.traceparent),
    )


def _desired(state: ProductNormalized) -> dict[str, object]:
    built: dict[str, object] = msgspec.to_builtins(state)
    return built
