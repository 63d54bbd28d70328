"""Parcels made in AliExpress's seller centre, out of all that an order has there. Pure.

A number of a shipment of the channel is the channel's; every other is the seller centre's. A parcel
is known again by its order and number, however the number is written.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from aliexpress.orders import Parcel as ReadParcel
from common.contracts.order import Parcel
from order_importer.carriers.tracking_number import normalize

_SHIPMENTS = uuid.UUID("5f0c1f0e-5a0e-4f0b-9f5c-0d6d3c1f7a41")

OrderKey = tuple[str, str, str]
"""(merchant, shop, order)."""


@dataclass(frozen=True)
class ParcelChanges:
    """What of an order's parcels of the seller centre is to be written: those that appeared, and
    those that changed, are gone or came back."""

    appeared: list[Parcel]
    changed: list[Parcel]

    @property
    def all(self) -> list[Parcel]:
        """All of them, each once."""
        return [*self.appeared, *self.changed]


def shipment_id_of(order: OrderKey, number: str) -> str:
    """The id of a parcel of the seller centre: always the same for an order and a number."""
    return str(uuid.uuid5(_SHIPMENTS, "/".join((*order, _comparable(number)))))


def compare_parcels(
    order: OrderKey,
    known: Sequence[Parcel],
    read: Iterable[ReadParcel],
    own_numbers: Collection[str],
    now: datetime,
) -> ParcelChanges:
    """What has changed since the order's parcels of the seller centre were last written."""
    own = {_comparable(number) for number in own_numbers}
    there: dict[str, Parcel] = {}
    for one in read:
        if _comparable(one.tracking_number) not in own:
            parcel = _parcel(order, one)
            there.setdefault(parcel.shipment_id, parcel)
    before = {parcel.shipment_id: parcel for parcel in known}
    gone = [
        replace(parcel, gone_at=now)
        for parcel in known
        if parcel.shipment_id not in there and parcel.gone_at is None
    ]
    changed = [
        parcel
        for shipment_id, parcel in there.items()
        if shipment_id in before and before[shipment_id] != parcel
    ]
    appeared = [parcel for shipment_id, parcel in there.items() if shipment_id not in before]
    return ParcelChanges(appeared, changed + gone)


def _parcel(order: OrderKey, read: ReadParcel) -> Parcel:
    return Parcel(
        shipment_id=shipment_id_of(order, read.tracking_number),
        carrier=read.service_name or "",
        tracking_number=read.tracking_number,
        line_ids=[],
        state="confirmed",
        shipped_at=read.sent_at,
        origin="marketplace",
    )


def _comparable(number: str) -> str:
    return normalize(number) or number
