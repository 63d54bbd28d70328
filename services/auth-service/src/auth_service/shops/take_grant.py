"""A new pair of tokens becomes the shop's next generation: stored sealed, and published."""

from aliexpress.oauth import TokenGrant
from auth_service.sealing.token_vault import Owner, RefreshOwner, TokenVault
from auth_service.shops import store
from auth_service.shops.expiry_steps import first_step_at
from auth_service.shops.publish_state import SOURCE, publish_states
from auth_service.shops.refresh import store as refresh_store
from auth_service.shops.refresh.refresh_time import refresh_at, share_of
from auth_service.shops.report_troubles import report_renewed
from common import clock
from common.contracts.token import Cause, TokenRenewed
from common.messaging.outbox import add_events
from common.postgres.pool import Connection


async def take_grant(
    connection: Connection, vault: TokenVault, known: store.Shop, grant: TokenGrant, *, cause: Cause
) -> store.Shop:
    """The locked shop, connected with the grant's tokens in place of those before: all of it in
    this transaction.

    Raises asyncpg's `UniqueViolationError` of `store.SELLER_CONSTRAINT` when another shop has the
    seller.
    """
    owner = Owner(known.merchant_id, known.shop_id, known.generation + 1)
    shop = await store.save_grant(
        connection,
        owner,
        vault.seal(grant.access_token, owner),
        seller_id=grant.seller_id,
        seller_name=grant.account or grant.user_nick,
        expires_at=grant.expires_at,
        next_step_at=first_step_at(grant.expires_at),
    )
    await _keep_refresh_token(connection, vault, shop, grant)
    await report_renewed(connection, shop)
    await publish_states(connection, [shop])
    renewed = TokenRenewed(
        merchant_id=shop.merchant_id,
        shop_id=shop.shop_id,
        seller_id=grant.seller_id,
        generation=shop.generation,
        expires_at=grant.expires_at,
        cause=cause,
    )
    await add_events(connection, [renewed], source=SOURCE)
    return shop


async def _keep_refresh_token(
    connection: Connection, vault: TokenVault, shop: store.Shop, grant: TokenGrant
) -> None:
    """Keep the refresh token if it can be used, whether refreshing is on or not: so that who
    switches it on need not ask every merchant to connect again."""
    token, usable_until = grant.refresh_token, grant.refresh_expires_at
    due_at = None
    if token is not None and usable_until is not None:
        share = share_of(str(shop.owner))
        due_at = refresh_at(clock.now(), grant.expires_at, usable_until, share)
    if token is None or usable_until is None or due_at is None:
        await refresh_store.forget_refresh(connection, shop.merchant_id, shop.shop_id)
        return
    owner = RefreshOwner(shop.merchant_id, shop.shop_id, shop.generation)
    await refresh_store.save_refresh(
        connection, owner, vault.seal(token, owner), usable_until=usable_until, due_at=due_at
    )
