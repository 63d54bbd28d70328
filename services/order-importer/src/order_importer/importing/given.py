"""Values that AliExpress may give or leave out. Pure."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from aliexpress.wire import Money as WireMoney
from common.contracts.money import Money

T = TypeVar("T")


class Uninterpretable(Exception):
    """The raw order lacks what an order must have; the message names it."""


def first(values: Iterable[T | None]) -> T | None:
    """The first that is given."""
    return next((value for value in values if value is not None), None)


def needed(field: str, *values: T | None) -> T:
    """The first that is given. Raises `Uninterpretable`, which names the field."""
    value = first(values)
    if value is None:
        raise Uninterpretable(f"{field} is missing")
    return value


def money_of(money: WireMoney) -> Money:
    """The contract's money. Raises `msgspec.ValidationError` where it is none."""
    return msgspec.convert({"amount": money.amount, "currency": money.currency}, Money)


def find_money(money: WireMoney | None) -> Money | None:
    """The same, of money that may be left out."""
    return None if money is None else money_of(money)


def find_amount(money: WireMoney | None) -> Money | None:
    """The same, where an amount of nothing says nothing."""
    found = find_money(money)
    return found if found is not None and found.decimal() else None
