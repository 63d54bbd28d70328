"""End the connection of a shop whose token AliExpress calls dead (M1.3)."""

import structlog

from aliexpress.client import Client
from aliexpress.errors import CallerFault, TokenDead
from aliexpress.operation import AccessToken
from aliexpress.shop import load_merchant_profile
from auth_service.sealing.token_vault import Owner, TokenVault
from auth_service.shops import store
from auth_service.shops.publish_state import SOURCE, publish_states
from auth_service.shops.refresh import store as refresh_store
from auth_service.shops.report_troubles import report_taken_back
from common import clock
from common.contracts.token import TokenExpired
from common.messaging.outbox import add_events
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

log = structlog.get_logger()


async def end_dead_connection(
    pool: Pool, client: Client, vault: TokenVault, reported: Owner
) -> store.Shop:
    """End the connection if the reported generation's token is dead by AliExpress's own word.

    A report of an earlier generation changes nothing, nor does one that a cheap call disproves.
    Raises `NotFound`, and an `Outage` while AliExpress cannot be asked.
    """
    async with reading(pool) as connection:
        shop, sealed = await store.find_sealed(connection, reported.merchant_id, reported.shop_id)
    if shop.owner != reported or shop.connection != "connected" or sealed is None:
        return shop
    if shop.grant.expires_at <= clock.now():
        return shop  # it has lapsed, which the watcher is about to publish (M1.3)
    token = AccessToken(shop.grant.seller_id, vault.open(sealed, shop.owner))
    if not await _is_dead(client, token):
        log.info("shop.dead_report_disproved", shop=f"{shop.merchant_id}/{shop.shop_id}")
        return shop
    async with unit_of_work(pool) as connection:
        current = await store.lock_shop(connection, shop.merchant_id, shop.shop_id)
        if current.owner != reported or current.connection != "connected":
            return current
        ended = await store.end_connection(
            connection, shop.merchant_id, shop.shop_id, "disconnected"
        )
        await refresh_store.forget_refresh(connection, shop.merchant_id, shop.shop_id)
        await publish_states(connection, [ended])
        expired = TokenExpired(
            merchant_id=ended.merchant_id,
            shop_id=ended.shop_id,
            seller_id=ended.grant.seller_id,
            generation=ended.generation,
            expires_at=ended.grant.expires_at,
            cause="taken_back",
        )
        await add_events(connection, [expired], source=SOURCE)
        await report_taken_back(connection, ended, clock.now())
        await record(
            connection,
            "shop.disconnected",
            shop.shop_id,
            {"generation": shop.generation},
            merchant_id=shop.merchant_id,
        )
    log.warning(
        "shop.disconnected", shop=f"{shop.merchant_id}/{shop.shop_id}", generation=shop.generation
    )
    return ended


async def _is_dead(client: Client, token: AccessToken) -> bool:
    try:
        await load_merchant_profile(client, token)
    except TokenDead:
        return True
    except CallerFault:
        return False  # refused for another reason: the token itself was accepted
    return False
