"""Refresh each token that is due, once: the old pair is given up only for a stored new one.

The marketplace is called outside any transaction, by the one process that holds the shop's lease.
Until the new pair is committed the old one stands, so that a kill, a lost answer or an outage
leaves what can be tried again. Where AliExpress took the old refresh token all the same, the next
attempt is refused, and the person is asked by the usual steps.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from aliexpress.client import Client
from aliexpress.errors import CallerFault, LimitReached, MarketplaceFailure, TokenDead
from aliexpress.oauth import TokenGrant, refresh_token
from auth_service.sealing.token_vault import SealedToken, TokenVault
from auth_service.shops import store
from auth_service.shops.refresh import store as refresh_store
from auth_service.shops.refresh.store import RefreshPlan
from auth_service.shops.take_grant import take_grant
from common import clock
from common.failpoints import reach
from common.postgres.leases import hold_lease
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import reading, unit_of_work

log = structlog.get_logger()

JOB = "refresh-tokens"
ROWS = 10
"""Shops of a turn, one after the other: each may take as long as a call's time-out."""
PAUSE = timedelta(minutes=15)
"""Before a shop is tried again that was not answered."""
LONGEST_REFUSAL = 100
"""Characters kept of AliExpress's code."""
REFUSED = "refused"
EXPIRED = "expired"
OTHER_SELLER = "other-seller"
LAPSED = "answered-with-lapsed-token"


@dataclass(frozen=True)
class Refresher:
    """What refreshing needs; `holder` is this process's name."""

    pool: Pool
    client: Client
    vault: TokenVault
    holder: str


async def refresh_tokens(refresher: Refresher) -> bool:
    """Refresh the next tokens that are due. Whether there were any for this process."""
    async with reading(refresher.pool) as connection:
        due = await refresh_store.list_due(connection, JOB, clock.now(), limit=ROWS)
    taken = [
        await alone(refresher.pool, JOB, shop, partial(_refresh, refresher, shop)) for shop in due
    ]
    return any(taken)


async def _refresh(refresher: Refresher, shop: RowKey) -> bool:
    name = f"auth.refresh:{shop.merchant_id}/{shop.subject}"
    async with hold_lease(refresher.pool, name, refresher.holder) as lease:
        if lease is None:
            return False
        async with reading(refresher.pool) as connection:
            due = await refresh_store.find_due(connection, *shop, clock.now())
        if due is not None:  # else another process did it before the lease was ours
            await _attempt(refresher, *due)
        return due is not None


async def _attempt(refresher: Refresher, plan: RefreshPlan, sealed: SealedToken) -> None:
    if plan.usable_until <= clock.now():
        await _give_up(refresher.pool, plan, EXPIRED)
        return
    token = refresher.vault.open(sealed, plan.owner)
    try:
        grant = await refresh_token(refresher.client, token)
    except (TokenDead, CallerFault) as refused:
        await _give_up(refresher.pool, plan, refused.codes[:LONGEST_REFUSAL] or REFUSED)
    except MarketplaceFailure as failure:
        await _postpone(refresher.pool, plan, failure)
    else:
        reach("auth.after-token")
        await _save(refresher, plan, grant)


async def _save(refresher: Refresher, plan: RefreshPlan, grant: TokenGrant) -> None:
    """Store the pair. The lease is not asked any more: whoever has it, no newer pair is replaced,
    and one that AliExpress gave is not thrown away."""
    async with unit_of_work(refresher.pool) as connection:
        known = await store.lock_shop(connection, plan.merchant_id, plan.shop_id)
        flaw = _flaw_of(known, grant)
        is_older = (
            known.generation != plan.generation and grant.expires_at <= known.grant.expires_at
        )
        if flaw is not None:
            await refresh_store.give_up(connection, plan, flaw)
        elif not is_older:
            await take_grant(connection, refresher.vault, known, grant, cause="refresh")
    named = {"shop": f"{plan.merchant_id}/{plan.shop_id}", "generation": plan.generation}
    if flaw is not None:
        log.error("shop.refresh_unusable", **named, reason=flaw)
    elif is_older:
        log.info("shop.refresh_overtaken", **named)
    else:
        log.info("shop.refreshed", **named, expires_at=grant.expires_at.isoformat())


def _flaw_of(known: store.Shop, grant: TokenGrant) -> str | None:
    """Why a grant must not be stored (M1.4): it is another seller's, or no token that works."""
    if grant.seller_id != known.seller_id:
        return OTHER_SELLER
    return LAPSED if grant.expires_at <= clock.now() else None


async def _give_up(pool: Pool, plan: RefreshPlan, refusal: str) -> None:
    async with unit_of_work(pool) as connection:
        await refresh_store.give_up(connection, plan, refusal)
    shop = f"{plan.merchant_id}/{plan.shop_id}"
    log.warning("shop.refresh_refused", shop=shop, generation=plan.generation, reason=refusal)


async def _postpone(pool: Pool, plan: RefreshPlan, failure: MarketplaceFailure) -> None:
    pause = max(failure.ban, PAUSE) if isinstance(failure, LimitReached) else PAUSE
    async with unit_of_work(pool) as connection:
        await refresh_store.postpone(connection, plan, clock.now() + pause)
    shop = f"{plan.merchant_id}/{plan.shop_id}"
    # its code alone: the text may quote what was sent, and that is the refresh token
    log.warning("shop.refresh_postponed", shop=shop, reason=failure.codes or type(failure).__name__)
