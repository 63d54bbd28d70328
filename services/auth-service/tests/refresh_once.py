"""A process that refreshes what is due, once, as the replica `one`: to be killed while it does."""

import asyncio

import httpx2

from aliexpress.wiring import client_of
from auth_service.refreshing.refresh_tokens import Refresher, refresh_tokens
from auth_service.sealing.token_vault import TokenVault
from auth_service.settings import AuthSettings
from common import clock_source
from common.postgres.pool import open_pool


async def refresh_once() -> None:
    settings = AuthSettings()
    async with httpx2.AsyncClient() as http:
        await clock_source.adopt(http, f"{settings.marketplace_url}/control/clock")
    pool = await open_pool(settings.database_url.get_secret_value())
    vault = TokenVault.parse(settings.master_keys.get_secret_value())
    await refresh_tokens(Refresher(pool, client_of(settings, pool), vault, "one"))


if __name__ == "__main__":
    asyncio.run(refresh_once())
