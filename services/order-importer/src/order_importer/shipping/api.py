"""REST: ship an order, follow its shipments."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from common.failpoints import reach
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router
from order_importer.access import OrderId, Reader, ShipmentId, Shipper, ShopId
from order_importer.orders.store import load_order
from order_importer.shipping import store
from order_importer.shipping.forms import (
    MAX_LINES,
    Carrier,
    LineId,
    Note,
    TrackingNumber,
    TrackingWebsite,
)
from order_importer.shipping.idempotency import IdempotencyKey, require_key
from order_importer.shipping.ship_order import ShipmentRequest, ship_order
from order_importer.shops.shop_access import ShopAccess
from order_importer.shops.store import load_shop


class ShipmentBody(BaseModel):
    """A parcel. `lines` are the order's line ids in it, all that are left if not given."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    carrier: Carrier
    tracking_number: TrackingNumber
    lines: list[LineId] | None = Field(default=None, max_length=MAX_LINES)
    tracking_website: TrackingWebsite | None = None
    note: Note | None = None
    further: bool = Field(
        default=False,
        description="Another parcel of `lines` that are in one already; AliExpress takes it until "
        "it has the order's last.",
    )
    more_follow: bool = Field(
        default=False,
        description="Further parcels of these lines are to come: it goes as a part, and the lines "
        "stay to be shipped.",
    )


class ShipmentView(BaseModel):
    """A shipment: pending, sent (outcome not yet known), confirmed, or refused with the reason."""

    model_config = ConfigDict(from_attributes=True)

    shipment_id: str
    order_id: str
    state: str
    carrier: str
    service_name: str
    tracking_number: str
    tracking_website: str | None
    note: str | None
    line_ids: list[str]
    attempts: int
    requested_at: datetime
    settled_at: datetime | None
    problem_code: str | None
    problem_message: str | None
    explanation: str | None
    remedy: str | None
    is_further: bool
    more_follow: bool
    sent_as: str | None


class ShipmentPlace(NamedTuple):
    """A shop's shipments are listed by order, those of an order by their id."""

    order_id: str
    shipment_id: str


State = Literal["pending", "sent", "confirmed", "refused"]
After = Annotated[ShipmentPlace | None, Depends(Keyset(ShipmentPlace))]


class Shipments(BaseModel):
    """An order's shipments, in the order they were asked for."""

    items: list[ShipmentView]


def shipment_router(pool: Pool, access: ShopAccess) -> APIRouter:
    """For merchants; a shipment is answered before AliExpress has it."""
    router = new_router(
        prefix="/v1/merchants/{merchant_id}/shops/{shop_id}",
        tags=["shipping"],
    )

    @router.post("/orders/{order_id}/shipments", status_code=202)
    async def ship(
        merchant_id: Shipper,
        shop_id: ShopId,
        order_id: OrderId,
        body: ShipmentBody,
        idempotency_key: IdempotencyKey = None,
    ) -> ShipmentView:
        """Ship a parcel. Repeated under its key it is the same shipment, as it stands now."""
        key = require_key(idempotency_key)
        request = ShipmentRequest(
            merchant_id,
            shop_id,
            order_id,
            body.carrier,
            body.tracking_number,
            body.lines,
            body.tracking_website,
            body.note,
            is_further=body.further,
            more_follow=body.more_follow,
        )
        shipment = await ship_order(pool, access, request, key)
        reach("shipping.after-request")
        return ShipmentView.model_validate(shipment)

    @router.get("/shipments")
    async def get_shipments_of_shop(
        merchant_id: Reader,
        shop_id: ShopId,
        state: State | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[ShipmentView]:
        """The shop's shipments by order, all or those of a state."""
        async with reading(pool) as connection:
            await load_shop(connection, merchant_id, shop_id)
            found = await store.list_of_shop(
                connection,
                merchant_id,
                shop_id,
                state=state,
                after=after or ("", ""),
                limit=limit + 1,
            )
        page = Page.of(found, limit, lambda one: ShipmentPlace(one.order_id, one.shipment_id))
        return page.with_items([ShipmentView.model_validate(one) for one in page.items])

    @router.get("/orders/{order_id}/shipments")
    async def get_shipments(merchant_id: Reader, shop_id: ShopId, order_id: OrderId) -> Shipments:
        """The order's shipments."""
        async with reading(pool) as connection:
            await load_order(connection, merchant_id, shop_id, order_id)
            found = await store.list_shipments(connection, merchant_id, shop_id, order_id)
        return Shipments(items=[ShipmentView.model_validate(one) for one in found])

    @router.get("/orders/{order_id}/shipments/{shipment_id}")
    async def get_shipment(
        merchant_id: Reader,
        shop_id: ShopId,
        order_id: OrderId,
        shipment_id: ShipmentId,
    ) -> ShipmentView:
        """The shipment."""
        async with reading(pool) as connection:
            return ShipmentView.model_validate(
                await store.load_shipment(connection, merchant_id, shop_id, order_id, shipment_id)
            )

    return router
