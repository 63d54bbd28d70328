"""REST: ship an order, follow its shipments, list the shop's carriers."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path
from pydantic import BaseModel, ConfigDict, Field

from common.errors import Refusal
from common.failpoints import reach
from common.postgres.pool import Pool
from common.shop_tokens import ShopNotConnected
from common.web.identity import IDENTIFIER_PATTERN, merchant_with
from common.web.problem import PROBLEM_RESPONSES
from order_importer.orders.store import load_order
from order_importer.shipping import store
from order_importer.shipping.load_carriers import load_carriers
from order_importer.shipping.ship_order import Wish, ship_order
from order_importer.shops.access import ShopAccess
from order_importer.shops.store import load_shop

MAX_NOTE = 400

Reader = Annotated[str, Depends(merchant_with("orders:read"))]
Writer = Annotated[str, Depends(merchant_with("orders:write"))]
ShopId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
OrderId = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f/]+$")]
Printable = r"^[^\x00-\x1f]+$"


class KeyMissing(Refusal):
    """Without a key a repeated request could ship twice."""

    def __init__(self) -> None:
        super().__init__(
            "the header Idempotency-Key is missing",
            status=400,
            slug="idempotency-key-missing",
            field="Idempotency-Key",
            rule="M8.4",
            remedy="Send a key of your own for each parcel, and the same key when you repeat.",
        )


class CarriersUnreadable(Refusal):
    """The shop's carriers must be read first, and the shop is not connected."""

    def __init__(self) -> None:
        super().__init__(
            "the shop is not connected, so its carriers cannot be read",
            status=409,
            slug="shop-not-connected",
            rule="M1.3",
            remedy="Renew the shop's connection, then repeat the request under the same key.",
        )


class ShipmentBody(BaseModel):
    """A parcel. `lines` are the order's line ids in it, all that are left if not given."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    carrier: str = Field(min_length=1, max_length=100, pattern=Printable)
    tracking_number: str = Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")
    lines: list[str] | None = Field(default=None, max_length=500)
    tracking_website: str | None = Field(
        default=None, min_length=4, max_length=200, pattern=r"^[\x21-\x7e]+$"
    )
    note: str | None = Field(default=None, max_length=MAX_NOTE, pattern=r"^[\x20-\x7e]*$")


class ShipmentView(BaseModel):
    """A shipment: pending, sent (told, answer open), confirmed, or refused with the reason."""

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


class Shipments(BaseModel):
    """An order's shipments, in the order they were asked for."""

    items: list[ShipmentView]


class CarrierView(BaseModel):
    """A carrier of the shop; `service_name` is its key."""

    model_config = ConfigDict(from_attributes=True)

    service_name: str
    display_name: str | None
    company: str | None
    tracking_pattern: str | None
    min_days: int | None
    max_days: int | None


class Carriers(BaseModel):
    """The shop's carriers as read then."""

    fetched_at: datetime
    items: list[CarrierView]


def shipment_router(pool: Pool, access: ShopAccess) -> APIRouter:
    """The routes of this slice."""
    router = APIRouter(
        prefix="/v1/merchants/{merchant_id}/shops/{shop_id}",
        responses=PROBLEM_RESPONSES,
        tags=["shipping"],
    )

    @router.post("/orders/{order_id}/shipments", status_code=202)
    async def ship(
        merchant_id: Writer,
        shop_id: ShopId,
        order_id: OrderId,
        body: ShipmentBody,
        idempotency_key: Annotated[str | None, Header(max_length=128)] = None,
    ) -> ShipmentView:
        """Ship a parcel. Repeated under its key it is the same shipment, as it stands now."""
        if not idempotency_key:
            raise KeyMissing
        wish = Wish(
            merchant_id,
            shop_id,
            order_id,
            body.carrier,
            body.tracking_number,
            body.lines,
            body.tracking_website,
            body.note,
        )
        try:
            shipment = await ship_order(pool, access, wish, idempotency_key)
        except ShopNotConnected as obstacle:
            raise CarriersUnreadable from obstacle
        reach("shipping.after-wish")
        return ShipmentView.model_validate(shipment)

    @router.get("/orders/{order_id}/shipments")
    async def get_shipments(merchant_id: Reader, shop_id: ShopId, order_id: OrderId) -> Shipments:
        """The order's shipments."""
        await load_order(pool, merchant_id, shop_id, order_id)
        found = await store.list_shipments(pool, merchant_id, shop_id, order_id)
        return Shipments(items=[ShipmentView.model_validate(one) for one in found])

    @router.get("/orders/{order_id}/shipments/{shipment_id}")
    async def get_shipment(
        merchant_id: Reader,
        shop_id: ShopId,
        order_id: OrderId,
        shipment_id: Annotated[str, Path(max_length=64)],
    ) -> ShipmentView:
        """The shipment."""
        return ShipmentView.model_validate(
            await store.load_shipment(pool, merchant_id, shop_id, order_id, shipment_id)
        )

    @router.get("/carriers")
    async def get_carriers(merchant_id: Reader, shop_id: ShopId) -> Carriers:
        """The carriers this shop may name; the list is the seller's own."""
        await load_shop(pool, merchant_id, shop_id)
        try:
            known = await load_carriers(pool, access, merchant_id, shop_id)
        except ShopNotConnected as obstacle:
            raise CarriersUnreadable from obstacle
        return Carriers(
            fetched_at=known.fetched_at,
            items=[CarrierView.model_validate(carrier) for carrier in known.carriers],
        )

    return router
