"""The raw order read as the contract's order. Pure. What cannot be read raises, never a guess."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from aliexpress import orders as wire
from aliexpress.addresses import CustomsData
from aliexpress.addresses import Passport as WirePassport
from aliexpress.wire import latest_written_alike
from common.contracts.order import Address, Order, Passport, PickupPoint
from order_importer.importing.cancellations import Ending
from order_importer.importing.given import (
    Uninterpretable,
    find_money,
    first,
    money_of,
    needed,
)
from order_importer.importing.interpret_lines import lines_of, refund_of
from order_importer.importing.masking import marked
from order_importer.importing.totals import find_difference
from order_importer.orders.status import SHIPPABLE, channel_status

SETTLED_AFTER = timedelta(minutes=1)
"""A second, and what AliExpress's clock may be ahead of ours."""


@dataclass(frozen=True)
class RawOrder:
    """An order as AliExpress sent it. `listed` may be missing or older than the details; `customs`
    is there where it was asked for."""

    listed: wire.Order | None
    details: wire.OrderDetails
    receipt: wire.Receipt
    customs: CustomsData | None = None


def interpret(raw: RawOrder) -> Order:
    """The order, without its parcels and its deadline. Raises `Uninterpretable`."""
    try:
        order = _order(raw)
        return msgspec.structs.replace(order, totals_differ=find_difference(order))
    except msgspec.ValidationError as error:
        raise Uninterpretable(str(error)) from error


def _order(raw: RawOrder) -> Order:
    listed, details, customs = raw.listed, raw.details, raw.customs
    answers = (details,) if listed is None else (details, listed)
    placed_at = needed("gmt_create", *(one.created_at for one in answers))
    end_reason = first(one.end_reason for one in answers)
    return Order(
        order_id=details.order_id,
        status=channel_status(details.status),
        marketplace_status=details.status,
        placed_at=placed_at,
        modified_at=modified_at(raw) or placed_at,
        paid_at=first(one.paid_at for one in answers),
        lines=lines_of(listed, details, Ending(details.status, end_reason)),
        total=money_of(needed("order_amount", *(one.total for one in answers))),
        shipping_cost=find_money(details.shipping),
        discount=find_money(details.discount),
        fee=find_money(listed.escrow_fee) if listed else None,
        shipping_choice=_shipping_choice(raw),
        address=_address(raw.receipt),
        buyer=first(one.buyer_login for one in answers),
        memo=details.memo,
        end_reason=end_reason,
        issue_status=first(one.issue_status for one in answers),
        frozen_status=first(one.frozen_status for one in answers),
        fund_status=first(one.fund_status for one in answers),
        settlement_total=find_money(details.settlement_total),
        refund=refund_of(details.refund),
        pickup_point=_pickup_point(details),
        tax_number=first((customs.tax_number if customs else None, details.tax_number)),
        passport=_passport(customs.passport) if customs and customs.passport else None,
    )


def modified_at(raw: RawOrder) -> datetime | None:
    """When the order last changed, by the newer of both readings."""
    moments = [raw.details.modified_at, raw.listed.modified_at if raw.listed else None]
    return max((moment for moment in moments if moment is not None), default=None)


def fingerprint(order: Order) -> bytes:
    """The same for the same order: it changes with anything merchants see of it, and nothing else.

    The moment of the change, the running deadline and the parcels are left out. A field that is
    not given adds nothing: an order whose new fields are empty keeps its fingerprint.
    """
    lasting = msgspec.structs.replace(
        order, modified_at=order.placed_at, ship_before=None, parcels=[]
    )
    return hashlib.sha256(msgspec.json.encode(lasting)).digest()


def listed_fingerprint(listed: wire.Order) -> bytes:
    """The same while a listed order is unchanged, so that its details need not be fetched again."""
    lasting = msgspec.structs.replace(listed, timeout_left=None, raw="")
    return hashlib.sha256(msgspec.json.encode(lasting)).digest()


def is_settled(listed: wire.Order, details: wire.OrderDetails, read_at: datetime) -> bool:
    """Whether the list would show the next change of an order that was read so.

    Not while one of the answers lags behind the other, nor until the second of the last change is
    over: a further one within it would leave the list as it is. In November's repeated hour that
    second comes again.
    """
    if listed.status != details.status or listed.modified_at is None:
        return False
    return read_at - latest_written_alike(listed.modified_at) > SETTLED_AFTER


def ship_before(
    listed: wire.Order | None, details: wire.OrderDetails, order: Order, read_at: datetime
) -> datetime | None:
    """Until when the order must be shipped: AliExpress counts the time left, to the minute.

    The list says how long it was when it was `listed`, which is to be at `read_at`, and None where
    it was earlier; the details say when, in Pacific time, whose repeated hour is ambiguous.
    """
    if order.status != SHIPPABLE:
        return None
    if listed is None or listed.timeout_left is None:
        return details.deadline_at
    deadline = read_at + listed.timeout_left + timedelta(seconds=30)
    return deadline.replace(second=0, microsecond=0)


def _shipping_choice(raw: RawOrder) -> str | None:
    chosen = first(line.carrier for line in raw.details.lines)
    if chosen is None and raw.listed is not None:
        return first(line.carrier for line in raw.listed.lines)
    return chosen


def _address(receipt: wire.Receipt) -> Address:
    numbers = (receipt.phone_country, receipt.phone_area, receipt.mobile or receipt.phone_number)
    address = Address(
        contact_name=receipt.name,
        country=receipt.country,
        province=receipt.province,
        city=receipt.city,
        postal_code=receipt.zip_code,
        street=receipt.detail_address or receipt.address,
        street_2=receipt.address2,
        phone=" ".join(part for part in numbers if part) or None,
    )
    return marked(address)


def _pickup_point(details: wire.OrderDetails) -> PickupPoint | None:
    found = PickupPoint(kind=details.pickup_type, code=details.pickup_code)
    return None if found == PickupPoint() else found


def _passport(passport: WirePassport) -> Passport:
    return Passport(
        number=passport.number,
        first_name=passport.first_name,
        middle_name=passport.middle_name,
        last_name=passport.last_name,
        birthday=passport.birthday,
        authority=passport.authority,
        issued_on=passport.issued_on,
    )
