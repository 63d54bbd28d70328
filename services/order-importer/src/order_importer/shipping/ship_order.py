"""Take a request to ship: decide by the rules, write the shipment and publish it, once per key."""

import hashlib
import uuid
from dataclasses import dataclass, replace

import asyncpg
import msgspec

from common import clock
from common.errors import Refusal
from common.messaging.outbox import add_events
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.telemetry.setup import current_traceparent
from order_importer.carriers.choose_carrier import (
    CarrierUnknown,
    Choice,
    choose_carrier,
)
from order_importer.carriers.load_carriers import FRESH_FOR, NEW_ENOUGH, load_carriers
from order_importer.carriers.tracking_number import normalize, tracking_number_for
from order_importer.orders.events import SOURCE, parcel_updated
from order_importer.orders.store import load_order, lock_order, raise_revision
from order_importer.shipping import store
from order_importer.shipping.parcels import lines_of_parcel, require_new_number
from order_importer.shipping.store import Shipment
from order_importer.shops.shop_access import ShopAccess


class KeyUsed(Refusal):
    """The idempotency key stands for another request."""

    def __init__(self) -> None:
        super().__init__(
            "this idempotency key was used for another request",
            status=422,
            slug="idempotency-key-used",
            field="Idempotency-Key",
            rule="M8.4",
            remedy="Repeat a request unchanged under its key; another parcel needs its own.",
        )


@dataclass(frozen=True)
class ShipmentRequest:
    """What is to be shipped; the tracking number as written. `line_ids` None: all that is left."""

    merchant_id: str
    shop_id: str
    order_id: str
    carrier: str
    tracking_number: str
    line_ids: list[str] | None
    tracking_website: str | None
    note: str | None

    def fingerprint(self) -> bytes:
        """Equal for equal requests, whatever the order of their lines and the number's writing."""
        lines = None if self.line_ids is None else sorted(set(self.line_ids))
        number = normalize(self.tracking_number)
        plain = replace(self, line_ids=lines, tracking_number=number)
        return hashlib.sha256(msgspec.json.encode(plain)).digest()


async def ship_order(
    pool: Pool, access: ShopAccess, request: ShipmentRequest, idempotency_key: str
) -> Shipment:
    """The pending shipment, or the one made before under this key.

    Raises `KeyUsed`, `NotFound`, the refusals of `parcels` and `carriers`; and an `Outage` where
    the carriers cannot be read now.
    """
    async with reading(pool) as connection:
        before = await _find_before(connection, request, idempotency_key)
        if before is not None:
            return before
        stored = await load_order(
            connection, request.merchant_id, request.shop_id, request.order_id
        )
    lines_of_parcel(stored.order, request.line_ids)
    address = stored.order.address
    choice = await _choose(pool, access, request, address.country if address else None)
    number = tracking_number_for(choice.carrier, request.tracking_number)
    try:
        async with unit_of_work(pool) as connection:
            return await _save(connection, request, choice, number, idempotency_key)
    except asyncpg.UniqueViolationError as taken:
        if taken.constraint_name == store.KEY_CONSTRAINT:
            raise KeyUsed from taken
        raise


async def _find_before(
    connection: Connection, request: ShipmentRequest, idempotency_key: str
) -> Shipment | None:
    before = await store.find_by_key(connection, request.merchant_id, idempotency_key)
    if before is not None and before.request_fingerprint != request.fingerprint():
        raise KeyUsed
    return before


async def _choose(
    pool: Pool, access: ShopAccess, request: ShipmentRequest, country: str | None
) -> Choice:
    """The carrier; a list that lacks it is read again before anything else takes its place."""
    for at_most_old in (FRESH_FOR, NEW_ENOUGH):
        known = await load_carriers(
            pool, access, request.merchant_id, request.shop_id, at_most_old=at_most_old
        )
        try:
            choice = choose_carrier(
                request.carrier,
                known.carriers,
                country=country,
                tracking_website=request.tracking_website,
            )
        except CarrierUnknown:
            if at_most_old == NEW_ENOUGH:
                raise
            continue
        if not choice.is_substitute:
            break
    return choice


async def _save(
    connection: Connection,
    request: ShipmentRequest,
    choice: Choice,
    number: str,
    idempotency_key: str,
) -> Shipment:
    stored = await lock_order(connection, request.merchant_id, request.shop_id, request.order_id)
    before = await _find_before(connection, request, idempotency_key)
    if before is not None:
        return before
    line_ids = lines_of_parcel(stored.order, request.line_ids)
    require_new_number(stored.order, number)
    shipment_id = str(uuid.uuid4())
    await store.add_shipment(
        connection,
        Shipment(
            merchant_id=request.merchant_id,
            shop_id=request.shop_id,
            order_id=request.order_id,
            shipment_id=shipment_id,
            idempotency_key=idempotency_key,
            request_fingerprint=request.fingerprint(),
            carrier=request.carrier,
            service_name=choice.carrier.service_name,
            tracking_number=number,
            tracking_website=request.tracking_website,
            note=_note(request, choice),
            line_ids=line_ids,
            state="pending",
            absent_readings=0,
            attempts=0,
            requested_at=clock.now(),
            settled_at=None,
            problem_code=None,
            problem_message=None,
            explanation=None,
            remedy=None,
            traceparent=current_traceparent(),
        ),
    )
    await add_events(
        connection, [parcel_updated(await raise_revision(connection, stored))], source=SOURCE
    )
    return await store.load_shipment(
        connection, request.merchant_id, request.shop_id, request.order_id, shipment_id
    )


def _note(request: ShipmentRequest, choice: Choice) -> str | None:
    """The note for AliExpress; it names the real carrier where that goes as one of the `OTHER`s."""
    parts = [f"Carrier: {request.carrier}"] if choice.is_substitute else []
    return " ".join([*parts, *([request.note] if request.note else [])]) or None
