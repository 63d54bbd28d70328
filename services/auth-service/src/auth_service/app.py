"""The composition root of auth-service: what it is made of, on one screen."""

from datetime import timedelta
from pathlib import Path

from aliexpress.measure_limits import LIMITS_MEASURED_EVERY, measure_limits
from aliexpress.wiring import client_of
from auth_service.clients.api import client_router
from auth_service.clients.bootstrap import bootstrap_clients
from auth_service.clients.signing_keys import SigningKeys
from auth_service.connecting.api import START_PATH, connect_router
from auth_service.expiry.watch_tokens import watch_tokens
from auth_service.merchants.api import merchant_router
from auth_service.producer_keys.api import producer_key_router
from auth_service.producer_keys.make_key import rewrap_keys
from auth_service.refreshing.refresh_tokens import Refresher, refresh_tokens
from auth_service.settings import AuthSettings
from auth_service.shops.api import shop_router
from auth_service.shops.follow_merchant import follow_merchant
from auth_service.shops.republish import republish_daily
from auth_service.shops.token_vault import TokenVault
from auth_service.tokens.api import token_router
from auth_service.tokens.measure_tokens import measure_tokens
from auth_service.tokens.rotate_keys import rotate_keys, rotate_refresh_keys
from common.jobs import Job
from common.service import Context, Parts, Service


def build(context: Context[AuthSettings]) -> Parts:
    """Wire the service; no I/O but reading the key file."""
    settings, pool = context.settings, context.pool
    keys = SigningKeys.parse(settings.signing_key.get_secret_value())
    context.verifier.trust(keys.verifying())
    vault = TokenVault.parse(settings.master_keys.get_secret_value())
    client = client_of(settings, pool)

    refresher = Refresher(pool, client, vault, settings.instance_id)
    refreshing = Job(
        "refresh-tokens", lambda: refresh_tokens(refresher), every=timedelta(seconds=10)
    )

    async def bootstrap() -> bool:
        await bootstrap_clients(pool, settings.bootstrap_clients)
        return False

    return Parts(
        public=["/v1/token", START_PATH],
        routers=[
            client_router(pool, keys),
            merchant_router(pool, follow_merchant),
            shop_router(pool, refreshes_tokens=settings.refreshes_tokens),
            connect_router(pool, client, vault, settings),
            token_router(pool, client, vault),
            producer_key_router(pool, vault),
        ],
        jobs=[
            Job("bootstrap", bootstrap, every=timedelta(hours=1)),
            Job("expiry", lambda: watch_tokens(pool), every=timedelta(milliseconds=500)),
            Job("rotate-keys", lambda: rotate_keys(pool, vault), every=timedelta(minutes=1)),
            Job(
                "rotate-refresh-keys",
                lambda: rotate_refresh_keys(pool, vault),
                every=timedelta(minutes=1),
            ),
            Job(
                "rotate-producer-keys",
                lambda: rewrap_keys(pool, vault),
                every=timedelta(minutes=1),
            ),
            Job("republish", lambda: republish_daily(pool), every=timedelta(seconds=30)),
            Job("measure-limits", lambda: measure_limits(pool), every=LIMITS_MEASURED_EVERY),
            Job("measure-tokens", lambda: measure_tokens(pool), every=timedelta(seconds=10)),
            *([refreshing] if settings.refreshes_tokens else []),
        ],
        closers=[client.aclose],
    )


SERVICE = Service("auth-service", AuthSettings, Path(__file__).parent / "migrations", build)
