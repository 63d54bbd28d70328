"""Answers for operators: all merchants at a glance."""

from datetime import datetime

from console.answers import Answer


class ShopGlance(Answer):
    """A shop of any merchant, and how many open troubles name it."""

    merchant_id: str
    merchant_name: str
    shop_id: str
    is_eligible: bool
    connection: str
    connected_at: datetime | None
    expires_at: datetime | None
    critical: int
    warnings: int


class LastRun(Answer):
    """The newest run of a kind."""

    kind: str
    run_id: str
    state: str
    asked_at: datetime


class FeedGlance(Answer):
    """An active feed and its last runs."""

    merchant_id: str
    shop_id: str
    feed_id: str
    last_runs: list[LastRun]


class OrderGlance(Answer):
    """A shop's orders that wait for shipment."""

    merchant_id: str
    shop_id: str
    to_ship: int
    due: int
    late: int


class OrderGlances(Answer):
    """Of the shops that have any."""

    items: list[OrderGlance]


class ShopLimits(Answer):
    """What was called for a shop today."""

    items: "list[MethodUse]"


class MethodUse(Answer):
    """Calls of a method today, and until when it is refused."""

    scope: str
    operation: str
    calls_today: int
    banned_until: datetime | None
