"""After a new master key was put first: wrap the data keys of all tokens under it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from auth_service.mailing import store as mail_store
from auth_service.shops import store
from auth_service.shops.refresh import store as refresh_store
from auth_service.shops.token_vault import SealedToken, TokenVault
from auth_service.webhooks import store as webhook_store
from common import clock
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.unit_of_work import reading, unit_of_work

JOB = "rotate-keys"
REFRESH_JOB = "rotate-refresh-keys"
MAIL_JOB = "rotate-mail-keys"
WEBHOOK_JOB = "rotate-webhook-keys"
ROWS = 100


class _SealedRows(Protocol):
    """A store of sealed values, one a row."""

    async def list_sealed_under_other_key(
        self, connection: Connection, job: str, key_id: str, now: datetime, *, limit: int
    ) -> list[RowKey]: ...

    async def claim_sealed_under_other_key(
        self, connection: Connection, shops: Sequence[RowKey], key_id: str
    ) -> list[tuple[str, str, SealedToken]]: ...

    async def save_wrapping(
        self, connection: Connection, merchant_id: str, shop_id: str, sealed: SealedToken
    ) -> None: ...


async def rotate_keys(pool: Pool, vault: TokenVault) -> bool:
    """Re-wrap the next access tokens. Whether there were any."""
    return await _rewrap_next(pool, vault, JOB, store)


async def rotate_refresh_keys(pool: Pool, vault: TokenVault) -> bool:
    """Re-wrap the next refresh tokens. Whether there were any."""
    return await _rewrap_next(pool, vault, REFRESH_JOB, refresh_store)


async def rotate_mail_keys(pool: Pool, vault: TokenVault) -> bool:
    """Re-wrap the next mails' parameters. Whether there were any."""
    return await _rewrap_next(pool, vault, MAIL_JOB, mail_store)


async def rotate_webhook_keys(pool: Pool, vault: TokenVault) -> bool:
    """Re-wrap the next webhook secrets. Whether there were any."""
    return await _rewrap_next(pool, vault, WEBHOOK_JOB, webhook_store)


async def _rewrap_next(pool: Pool, vault: TokenVault, job: str, rows: _SealedRows) -> bool:
    key_id = vault.current_key_id
    async with reading(pool) as connection:
        shops = await rows.list_sealed_under_other_key(
            connection, job, key_id, clock.now(), limit=ROWS
        )

    async def rewrap(shops: Sequence[RowKey]) -> None:
        async with unit_of_work(pool) as connection:
            claimed = await rows.claim_sealed_under_other_key(connection, shops, key_id)
            for merchant_id, shop_id, sealed in claimed:
                await rows.save_wrapping(connection, merchant_id, shop_id, vault.rewrap(sealed))

    await each_apart(pool, job, shops, rewrap, key=lambda shop: shop)
    return bool(shops)
