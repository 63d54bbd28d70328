"""What of an order is its buyer's, and the order without it (M8.6). Pure."""

from datetime import datetime
from typing import Any

import msgspec

from common.contracts.order import Address, Order, OrderLine

BUYERS = frozenset({"address", "buyer", "memo", "tax_number", "passport", "pickup_point"})
"""Fields of the order that are erased. The rest says what was sold, for how much and when."""

BUYERS_OF_LINE: frozenset[str] = frozenset()
"""Fields of a line that are erased."""


def without_buyer(order: Order, erased_at: datetime) -> Order:
    """The order as it is kept once its buyer's data are erased; the country stays, for taxes."""
    address = order.address and Address(country=order.address.country)
    kept = msgspec.structs.replace(order, **_nothing(Order, BUYERS))
    lines = [
        msgspec.structs.replace(line, **_nothing(OrderLine, BUYERS_OF_LINE)) for line in order.lines
    ]
    return msgspec.structs.replace(kept, address=address, lines=lines, erased_at=erased_at)


def _nothing(of: type[msgspec.Struct], names: frozenset[str]) -> dict[str, Any]:
    """These fields with the values that they have where nothing is known of them."""
    return {
        field.name: field.default
        if field.default is not msgspec.NODEFAULT
        else field.default_factory()
        for field in msgspec.structs.fields(of)
        if field.name in names
    }
