"""REST: correct the tracking number of a shipment, and see how that went."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from common.failpoints import reach
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.routing import new_router
from order_importer.access import OrderId, Reader, ShipmentId, Shipper, ShopId
from order_importer.corrections import store
from order_importer.corrections.correct_tracking import CorrectionRequest, correct_tracking
from order_importer.shipping.forms import Carrier, Note, TrackingNumber, TrackingWebsite
from order_importer.shipping.idempotency import IdempotencyKey, require_key
from order_importer.shipping.store import load_shipment
from order_importer.shops.shop_access import ShopAccess


class CorrectionBody(BaseModel):
    """The right number, and the right carrier where that was wrong too."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    tracking_number: TrackingNumber
    carrier: Carrier | None = Field(default=None, description="The parcel's own if not given.")
    tracking_website: TrackingWebsite | None = None
    note: Note | None = None


class CorrectionView(BaseModel):
    """A correction: pending, sent (outcome not yet known), confirmed, or refused with the reason;
    until it is confirmed the shipment has its former number."""

    model_config = ConfigDict(from_attributes=True)

    correction_id: str
    shipment_id: str
    order_id: str
    state: str
    former_carrier: str
    former_number: str
    carrier: str
    service_name: str
    tracking_number: str
    tracking_website: str | None
    note: str | None
    attempts: int
    requested_at: datetime
    settled_at: datetime | None
    problem_code: str | None
    problem_message: str | None
    explanation: str | None
    remedy: str | None


class Corrections(BaseModel):
    """A shipment's corrections, in the order they were asked for."""

    items: list[CorrectionView]


def correction_router(pool: Pool, access: ShopAccess) -> APIRouter:
    """For merchants; a correction is answered before AliExpress has it."""
    router = new_router(
        prefix="/v1/merchants/{merchant_id}/shops/{shop_id}",
        tags=["shipping"],
    )
    path = "/orders/{order_id}/shipments/{shipment_id}/tracking"

    @router.post(path, status_code=202)
    async def correct(
        *,
        merchant_id: Shipper,
        shop_id: ShopId,
        order_id: OrderId,
        shipment_id: ShipmentId,
        body: CorrectionBody,
        idempotency_key: IdempotencyKey = None,
    ) -> CorrectionView:
        """Correct a parcel. Repeated under its key it is the same correction, as it stands now."""
        key = require_key(idempotency_key)
        request = CorrectionRequest(
            merchant_id,
            shop_id,
            order_id,
            shipment_id,
            body.carrier,
            body.tracking_number,
            body.tracking_website,
            body.note,
        )
        correction = await correct_tracking(pool, access, request, key)
        reach("correction.after-request")
        return CorrectionView.model_validate(correction)

    @router.get(path)
    async def get_corrections(
        merchant_id: Reader, shop_id: ShopId, order_id: OrderId, shipment_id: ShipmentId
    ) -> Corrections:
        """The shipment's corrections with its former numbers."""
        async with reading(pool) as connection:
            await load_shipment(connection, merchant_id, shop_id, order_id, shipment_id)
            found = await store.list_corrections(
                connection, merchant_id, shop_id, order_id, shipment_id
            )
        return Corrections(items=[CorrectionView.model_validate(one) for one in found])

    return router
