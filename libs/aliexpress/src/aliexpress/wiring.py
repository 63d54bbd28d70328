"""The client as a service wires it, from its settings and its own database."""

import asyncpg

from aliexpress.client import Client
from aliexpress.gateway import new_gateway
from aliexpress.limits import DEFAULT_LIMITS, BucketLimiter, Limits
from aliexpress.operation import AppCredentials
from aliexpress.store import PostgresBuckets
from aliexpress.transport import HttpTransport
from common.settings import MarketplaceSettings


def client_of(
    settings: MarketplaceSettings,
    pool: "asyncpg.Pool[asyncpg.Record]",
    *,
    limits: Limits = DEFAULT_LIMITS,
    integrator: str | None = None,
) -> Client:
    """A client of the current gateway; all replicas of the service keep `limits` together.

    No I/O. `integrator` as in `Client`. Close it at the end of the process.
    """
    return Client(
        AppCredentials(settings.app_key, settings.app_secret.get_secret_value()),
        new_gateway(settings.marketplace_url, browser_url=settings.marketplace_browser_url),
        HttpTransport(timeout=settings.marketplace_timeout_seconds),
        BucketLimiter(PostgresBuckets(pool), limits),
        integrator=integrator,
    )
