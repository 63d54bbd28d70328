"""The raw order read as the contract's order. Pure. What cannot be read raises, never a guess."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from aliexpress import orders as wire
from aliexpress.wire import Money as WireMoney
from common.contracts.money import Money
from common.contracts.order import Address, Order, OrderLine
from order_importer.orders.status import SHIPPABLE, channel_status

T = TypeVar("T")


class Uninterpretable(Exception):
    """The raw order lacks what an order must have; the message names it."""


@dataclass(frozen=True)
class RawOrder:
    """An order as AliExpress sent it. `listed` may be missing or older than the details."""

    listed: wire.Order | None
    details: wire.OrderDetails
    receipt: wire.Receipt


def interpret(raw: RawOrder) -> Order:
    """The order, without our parcels and its deadline. Raises `Uninterpretable`."""
    listed, details = raw.listed, raw.details
    answers = (details,) if listed is None else (details, listed)
    placed_at = _needed("gmt_create", *(one.created_at for one in answers))
    try:
        return Order(
            order_id=details.order_id,
            status=channel_status(details.status),
            marketplace_status=details.status,
            placed_at=placed_at,
            modified_at=modified_at(raw) or placed_at,
            paid_at=_first(one.paid_at for one in answers),
            lines=_lines(raw),
            total=_money(_needed("order_amount", *(one.total for one in answers))),
            shipping_cost=_find_money(details.shipping),
            discount=_find_money(details.discount),
            fee=_find_money(listed.escrow_fee) if listed else None,
            shipping_choice=_shipping_choice(raw),
            address=_address(raw.receipt),
            buyer=_first(one.buyer_login for one in answers),
            memo=details.memo,
            end_reason=_first(one.end_reason for one in answers),
            issue_status=_first(one.issue_status for one in answers),
            frozen_status=_first(one.frozen_status for one in answers),
        )
    except msgspec.ValidationError as error:
        raise Uninterpretable(str(error)) from error


def modified_at(raw: RawOrder) -> datetime | None:
    """When the order last changed, by the newer of both readings."""
    moments = [raw.details.modified_at, raw.listed.modified_at if raw.listed else None]
    return max((moment for moment in moments if moment is not None), default=None)


def fingerprint(order: Order) -> bytes:
    """The same for the same order: it changes with anything merchants see of it, and nothing else.

    The moment of the change, the running deadline and our own parcels are left out.
    """
    lasting = msgspec.structs.replace(
        order, modified_at=order.placed_at, ship_before=None, parcels=[]
    )
    return hashlib.sha256(msgspec.json.encode(lasting)).digest()


def listed_fingerprint(listed: wire.Order) -> bytes:
    """The same while a listed order is unchanged, so that its details need not be fetched again."""
    lasting = msgspec.structs.replace(listed, timeout_left=None, raw="")
    return hashlib.sha256(msgspec.json.encode(lasting)).digest()


def ship_before(listed: wire.Order | None, order: Order, read_at: datetime) -> datetime | None:
    """Until when the order must be shipped: AliExpress counts the time left, to the minute."""
    if order.status != SHIPPABLE or listed is None or listed.timeout_left is None:
        return None
    deadline = read_at + listed.timeout_left + timedelta(seconds=30)
    return deadline.replace(second=0, microsecond=0)


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _needed(field: str, *values: T | None) -> T:
    value = _first(values)
    if value is None:
        raise Uninterpretable(f"{field} is missing")
    return value


def _money(money: WireMoney) -> Money:
    return msgspec.convert({"amount": money.amount, "currency": money.currency}, Money)


def _find_money(money: WireMoney | None) -> Money | None:
    return None if money is None else _money(money)


def _lines(raw: RawOrder) -> list[OrderLine]:
    """The details' lines, completed from the list; the list's own where the details have none."""
    listed = {line.line_id: line for line in raw.listed.lines} if raw.listed else {}
    if raw.details.lines:
        return [_line(line, listed.get(line.line_id)) for line in raw.details.lines]
    if not listed:
        raise Uninterpretable("the order has no lines")
    return [_line(None, line) for line in listed.values()]


def _line(detailed: wire.OrderDetailLine | None, listed: wire.OrderLine | None) -> OrderLine:
    either = [line for line in (detailed, listed) if line is not None]
    line_id = either[0].line_id
    where = f"line {line_id}: "
    unit_price = _money(
        _needed(
            where + "product_unit_price",
            listed.unit_price if listed else None,
            detailed.price if detailed else None,
        )
    )
    quantity = _needed(where + "product_count", *(line.quantity for line in either))
    total = listed.total if listed else None
    return OrderLine(
        line_id=line_id,
        sku_code=_first(line.sku_code for line in either) or "",
        marketplace_product_id=_first(line.product_id for line in either) or "",
        title=_first(line.name for line in either) or "",
        quantity=quantity,
        unit_price=unit_price,
        total=_money(total) if total else _times(unit_price, quantity),
        marketplace_status=_first(line.status for line in either),
    )


def _times(price: Money, quantity: int) -> Money:
    return Money(format(price.decimal() * quantity, "f"), price.currency)


def _shipping_choice(raw: RawOrder) -> str | None:
    chosen = _first(line.carrier for line in raw.details.lines)
    if chosen is None and raw.listed is not None:
        return _first(line.carrier for line in raw.listed.lines)
    return chosen


def _address(receipt: wire.Receipt) -> Address:
    numbers = (receipt.phone_country, receipt.phone_area, receipt.mobile or receipt.phone_number)
    return Address(
        contact_name=receipt.name,
        country=receipt.country,
        province=receipt.province,
        city=receipt.city,
        postal_code=receipt.zip_code,
        street=receipt.detail_address or receipt.address,
        street_2=receipt.address2,
        phone=" ".join(part for part in numbers if part) or None,
    )
