"""Take a request to ship: decide by the rules, write the shipment and publish it, once per key."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import msgspec

from common import clock
from common.contracts.order import Parcel
from common.messaging.outbox import Caused
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.telemetry.tracing import step
from order_importer.carriers.choose_carrier import Choice
from order_importer.carriers.tracking_number import normalize, tracking_number_for
from order_importer.changes.publish import publish
from order_importer.orders.events import parcel_updated
from order_importer.orders.store import load_order, lock_order, raise_revision
from order_importer.orders.trace import trace_of_order
from order_importer.parcels.store import list_reserved_numbers
from order_importer.shipping import store
from order_importer.shipping.carrier_of_parcel import choose_for_order, note_for
from order_importer.shipping.idempotency import once_per_key, same_request
from order_importer.shipping.parcels import lines_of_parcel, require_new_number
from order_importer.shipping.store import Shipment
from order_importer.shops.shop_access import ShopAccess


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
    is_further: bool = False
    more_follow: bool = False

    def fingerprint(self) -> bytes:
        """Equal for equal requests, whatever the order of their lines and the number's writing.

        What is not asked for is left out: requests of before it could be asked for keep theirs.
        """
        lines = None if self.line_ids is None else sorted(set(self.line_ids))
        number = normalize(self.tracking_number)
        plain = asdict(replace(self, line_ids=lines, tracking_number=number))
        asked = {name: value for name, value in plain.items() if value is not False}
        return hashlib.sha256(msgspec.json.encode(asked)).digest()


async def ship_order(
    pool: Pool, access: ShopAccess, request: ShipmentRequest, idempotency_key: str
) -> Shipment:
    """The pending shipment, or the one made before under this key.

    Raises `KeyUsed`, `NotFound`, the refusals of `parcels` and `carriers`; and an `Outage` where
    the carriers cannot be read now.
    """

    async def find(connection: Connection) -> Shipment | None:
        return await _find_before(connection, request, idempotency_key)

    async def make() -> Shipment:
        return await _ship(pool, access, request, idempotency_key)

    return await once_per_key(pool, find, make, constraint=store.KEY_CONSTRAINT)


async def _ship(
    pool: Pool, access: ShopAccess, request: ShipmentRequest, idempotency_key: str
) -> Shipment:
    async with reading(pool) as connection:
        stored = await load_order(
            connection, request.merchant_id, request.shop_id, request.order_id
        )
    lines_of_parcel(stored.order, request.line_ids, is_further=request.is_further)
    choice = await choose_for_order(
        pool, access, stored, request.carrier, tracking_website=request.tracking_website
    )
    number = tracking_number_for(choice.carrier, request.tracking_number)
    async with unit_of_work(pool) as connection:
        return await _save(connection, request, choice, number, idempotency_key)


async def check_shipment(
    pool: Pool, access: ShopAccess, request: ShipmentRequest, earlier: Sequence[Parcel]
) -> Parcel:
    """The parcel that `ship_order` would make now, after these earlier ones of the order; nothing
    is written. Raises as `ship_order` does."""
    address = request.merchant_id, request.shop_id, request.order_id
    async with reading(pool) as connection:
        stored = await load_order(connection, *address)
        reserved = await list_reserved_numbers(connection, *address)
    order = msgspec.structs.replace(stored.order, parcels=[*stored.order.parcels, *earlier])
    line_ids = lines_of_parcel(order, request.line_ids, is_further=request.is_further)
    choice = await choose_for_order(
        pool, access, stored, request.carrier, tracking_website=request.tracking_website
    )
    number = tracking_number_for(choice.carrier, request.tracking_number)
    require_new_number(order, number, reserved=reserved)
    return Parcel(
        shipment_id="",
        carrier=request.carrier,
        tracking_number=number,
        line_ids=line_ids,
        state="pending",
        more_follow=request.more_follow,
    )


async def _find_before(
    connection: Connection, request: ShipmentRequest, idempotency_key: str
) -> Shipment | None:
    before = await store.find_by_key(connection, request.merchant_id, idempotency_key)
    return same_request(before, request.fingerprint())


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
    line_ids = lines_of_parcel(stored.order, request.line_ids, is_further=request.is_further)
    reserved = await list_reserved_numbers(
        connection, request.merchant_id, request.shop_id, request.order_id
    )
    require_new_number(stored.order, number, reserved=reserved)
    shipment_id = str(uuid.uuid4())
    cause = step(
        "request shipment",
        trace_of_order(request.merchant_id, request.shop_id, request.order_id),
        attributes={"channel.order": request.order_id, "channel.shipment": shipment_id},
    )
    shipment = await store.add_shipment(
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
            note=note_for(request.carrier, request.note, choice),
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
            traceparent=cause,
            is_further=request.is_further,
            more_follow=request.more_follow,
            sent_as=None,
        ),
    )
    event = parcel_updated(await raise_revision(connection, stored))
    await publish(connection, [Caused(event, cause)])
    details = {"shop": request.shop_id, "shipment": shipment_id, "carrier": request.carrier}
    await record(connection, "order.shipment-asked", request.order_id, details)
    return shipment
