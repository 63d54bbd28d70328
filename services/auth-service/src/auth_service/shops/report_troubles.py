"""What a shop's token has to do with troubles: it expires, was taken back, is renewed (M9.1)."""

from datetime import datetime

from auth_service.shops.expiry_steps import Step
from auth_service.shops.store import Shop
from auth_service.troubles.change import end_trouble, escalate, raise_trouble
from auth_service.troubles.trouble import Found
from common.postgres.pool import Connection

EXPIRING, EXPIRED, ENDED = "token_expiring", "token_expired", "connection_ended"
_DAYS_LEFT: dict[str, str] = {"7d": "7", "3d": "3", "1d": "1", "6h": "1"}
"""What people are told at a step (M9.1): the others are for other systems. Where the clock went
from before the last day into its last hours, people are told then."""


async def report_step(
    connection: Connection, shop: Shop, step: Step, previous: str | None, now: datetime
) -> None:
    """The locked shop's token has reached this step, after the one published before."""
    if step == "expired":
        await end_trouble(connection, _key(shop, EXPIRING), outcome="superseded")
        await raise_trouble(connection, _found(shop, EXPIRED, shop.grant.expires_at))
        return
    days = _DAYS_LEFT.get(step)
    if days is not None and days != _DAYS_LEFT.get(previous or ""):
        await escalate(connection, _found(shop, EXPIRING, now, days_left=days))


async def report_taken_back(connection: Connection, shop: Shop, now: datetime) -> None:
    """AliExpress ended the locked shop's connection before its time."""
    await end_trouble(connection, _key(shop, EXPIRING), outcome="superseded")
    await raise_trouble(connection, _found(shop, ENDED, now))


async def report_renewed(connection: Connection, shop: Shop) -> None:
    """The locked shop has a new token: whatever was wrong with the one before is over."""
    for kind in (EXPIRING, EXPIRED, ENDED):
        await end_trouble(connection, _key(shop, kind))


def _key(shop: Shop, kind: str) -> tuple[str, str, str]:
    return (shop.merchant_id, kind, f"shop/{shop.shop_id}")


def _found(shop: Shop, kind: str, since: datetime, **details: str) -> Found:
    account = shop.seller_name or shop.grant.seller_id
    return Found(
        merchant_id=shop.merchant_id,
        kind=kind,
        subject=f"shop/{shop.shop_id}",
        since=since,
        shop_id=shop.shop_id,
        details={
            "account": account,
            "expires_at": shop.grant.expires_at.isoformat(timespec="seconds"),
            **details,
        },
    )
