"""Take a request to correct a parcel: decide by the rules and write it, once per key.

A parcel that was never sent is changed at once; any other by a call (`send_correction`).
"""

import hashlib
import uuid
from dataclasses import asdict, dataclass, replace

import msgspec

from common import clock
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.telemetry.tracing import step
from order_importer.carriers.choose_carrier import Choice
from order_importer.carriers.tracking_number import normalize, tracking_number_for
from order_importer.changes.publish import publish
from order_importer.corrections import store
from order_importer.corrections.rules import (
    CorrectionOpen,
    TrackingUnchanged,
    require_correctable,
    require_ours,
)
from order_importer.corrections.store import Correction
from order_importer.orders.events import parcel_updated
from order_importer.orders.store import StoredOrder, load_order, lock_order, raise_revision
from order_importer.orders.trace import trace_of_order
from order_importer.parcels.store import list_reserved_numbers
from order_importer.shipping import store as shipments
from order_importer.shipping.carrier_of_parcel import choose_for_order, note_for
from order_importer.shipping.idempotency import once_per_key, same_request
from order_importer.shipping.obstacles import state_of
from order_importer.shipping.parcels import require_new_number
from order_importer.shipping.store import Shipment
from order_importer.shops.shop_access import ShopAccess


@dataclass(frozen=True)
class CorrectionRequest:
    """What is to be corrected; the tracking number as written. `carrier` None: the parcel's own."""

    merchant_id: str
    shop_id: str
    order_id: str
    shipment_id: str
    carrier: str | None
    tracking_number: str
    tracking_website: str | None
    note: str | None

    @property
    def address(self) -> tuple[str, str, str, str]:
        """(merchant, shop, order, shipment)."""
        return self.merchant_id, self.shop_id, self.order_id, self.shipment_id

    def fingerprint(self) -> bytes:
        """Equal for equal requests, however the number is written."""
        plain = replace(self, tracking_number=normalize(self.tracking_number))
        return hashlib.sha256(msgspec.json.encode(asdict(plain))).digest()


async def correct_tracking(
    pool: Pool, access: ShopAccess, request: CorrectionRequest, idempotency_key: str
) -> Correction:
    """The correction, or the one made before under this key.

    Raises `KeyUsed`, `NotFound`, `ParcelKnown`, the refusals of `rules` and of `carriers`; and an
    `Outage` where the carriers cannot be read now.
    """

    async def find(connection: Connection) -> Correction | None:
        return await _find_before(connection, request, idempotency_key)

    async def make() -> Correction:
        return await _correct(pool, access, request, idempotency_key)

    return await once_per_key(pool, find, make, constraint=store.KEY_CONSTRAINT)


async def _correct(
    pool: Pool, access: ShopAccess, request: CorrectionRequest, idempotency_key: str
) -> Correction:
    async with reading(pool) as connection:
        stored = await load_order(
            connection, request.merchant_id, request.shop_id, request.order_id
        )
        require_ours(stored.order, request.shipment_id)
        shipment = await shipments.load_shipment(connection, *request.address)
    require_correctable(stored.order, shipment, state_of(stored.order))
    website = request.tracking_website or (None if request.carrier else shipment.tracking_website)
    carrier = request.carrier or shipment.carrier
    choice = await choose_for_order(pool, access, stored, carrier, tracking_website=website)
    number = tracking_number_for(choice.carrier, request.tracking_number)
    wanted = replace(
        shipment,
        carrier=carrier,
        service_name=choice.carrier.service_name,
        tracking_number=number,
        tracking_website=website,
        note=_note(request, shipment, choice),
    )
    async with unit_of_work(pool) as connection:
        return await _save(connection, request, wanted, idempotency_key)


async def _find_before(
    connection: Connection, request: CorrectionRequest, idempotency_key: str
) -> Correction | None:
    before = await store.find_by_key(connection, request.merchant_id, idempotency_key)
    return same_request(before, request.fingerprint())


def _note(request: CorrectionRequest, shipment: Shipment, choice: Choice) -> str | None:
    """The parcel's own note where neither it nor the carrier is given."""
    if request.carrier is None and request.note is None:
        return shipment.note
    return note_for(request.carrier or shipment.carrier, request.note, choice)


async def _save(
    connection: Connection, request: CorrectionRequest, wanted: Shipment, idempotency_key: str
) -> Correction:
    stored = await lock_order(connection, request.merchant_id, request.shop_id, request.order_id)
    before = await _find_before(connection, request, idempotency_key)
    if before is not None:
        return before
    current = await shipments.lock_shipment(connection, wanted)
    require_correctable(stored.order, current, state_of(stored.order))
    earlier = await store.list_corrections(connection, *request.address)
    for correction in earlier:
        if correction.state in ("pending", "sent"):
            raise CorrectionOpen(correction.tracking_number)
    await _require_change(connection, stored, current, wanted)
    correction = _new(request, current, wanted, idempotency_key)
    await store.add_correction(connection, correction)
    if current.state == "pending" and current.sent_as is None:
        await _change_unsent(connection, stored, wanted, correction)
    details = {"shop": request.shop_id, "shipment": request.shipment_id}
    await record(connection, "order.tracking-corrected", request.order_id, details)
    return await store.load_correction(connection, correction)


async def _require_change(
    connection: Connection, stored: StoredOrder, current: Shipment, wanted: Shipment
) -> None:
    is_same_number = normalize(current.tracking_number) == normalize(wanted.tracking_number)
    if is_same_number and current.service_name == wanted.service_name:
        raise TrackingUnchanged(current.tracking_number, current.service_name)
    reserved = await list_reserved_numbers(
        connection, stored.merchant_id, stored.shop_id, stored.order.order_id
    )
    # The seller centre may have given this parcel the number: AliExpress is read before the call.
    parcels = [one for one in stored.order.parcels if one.origin == "channel"]
    require_new_number(
        msgspec.structs.replace(stored.order, parcels=parcels),
        wanted.tracking_number,
        reserved=reserved,
        but_for=current.shipment_id,
    )


def _new(
    request: CorrectionRequest, current: Shipment, wanted: Shipment, idempotency_key: str
) -> Correction:
    return Correction(
        *request.address,
        correction_id=str(uuid.uuid4()),
        idempotency_key=idempotency_key,
        request_fingerprint=request.fingerprint(),
        former_carrier=current.carrier,
        former_service_name=current.service_name,
        former_number=current.tracking_number,
        carrier=wanted.carrier,
        service_name=wanted.service_name,
        tracking_number=wanted.tracking_number,
        tracking_website=wanted.tracking_website,
        note=wanted.note,
        state="pending",
        absent_readings=0,
        attempts=0,
        requested_at=clock.now(),
        settled_at=None,
        problem_code=None,
        problem_message=None,
        explanation=None,
        remedy=None,
        traceparent=step("request correction", trace_of_order(*request.address[:3])),
    )


async def _change_unsent(
    connection: Connection, stored: StoredOrder, wanted: Shipment, correction: Correction
) -> None:
    """AliExpress never had the parcel: it goes there with the new number in the first place."""
    await shipments.save_tracking(connection, wanted)
    await store.mark_confirmed(connection, correction)
    await publish(connection, [parcel_updated(await raise_revision(connection, stored))])
