"""The service's REST as a merchant calls it, without a broker and without its jobs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from catalog_service.app import SERVICE
from catalog_service.settings import CatalogSettings
from common import clock
from common.postgres.pool import Pool
from common.service import Context, create_app
from common.web.identity import AUDIENCE, ISSUER, Verifier

SCOPES = "catalogue:read catalogue:write feeds:read feeds:write dead-letters:read"
AsMerchant = Callable[[str], httpx2.AsyncClient]
Open = Callable[..., AbstractAsyncContextManager[AsMerchant]]
"""Opens the API by settings of the test's; what it gives makes a client of a merchant."""


def signer() -> tuple[Callable[..., str], dict[str, jwt.PyJWK]]:
    key = Ed25519PrivateKey.generate()
    public = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    keys = {"test": jwt.PyJWK(public | {"kid": "test", "alg": "EdDSA"})}

    def sign(merchant: str | None, scope: str) -> str:
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "test",
            "scope": scope,
            "exp": int((clock.now() + timedelta(minutes=5)).timestamp()),
        }
        if merchant is not None:
            claims["merchant"] = merchant
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "test"})

    return sign, keys


@asynccontextmanager
async def opened_app(
    pool: Pool, database_url: str, **changes: Any
) -> AsyncIterator[tuple[FastAPI, Callable[..., str]]]:
    """The app, and what signs tokens for it."""
    settings = CatalogSettings(
        database_url=database_url, kafka_bootstrap="unused:9092", auth_url="http://127.0.0.1:9",
        **{"spool_free_bytes": 0, **changes},
    )  # fmt: skip
    sign, keys = signer()
    context = Context(settings, pool, Verifier("http://127.0.0.1:9/jwks"))
    context.verifier.trust(keys)
    parts = SERVICE.build(context)
    yield create_app(SERVICE, context, parts), sign
    for closer in parts.closers:
        await closer()  # type: ignore[misc]


@asynccontextmanager
async def opened_api(pool: Pool, database_url: str, **changes: Any) -> AsyncIterator[AsMerchant]:
    async with opened_app(pool, database_url, **changes) as (app, sign):
        clients: list[httpx2.AsyncClient] = []

        def as_merchant(name: str) -> httpx2.AsyncClient:
            clients.append(
                httpx2.AsyncClient(
                    transport=httpx2.ASGITransport(app=app),
                    base_url="http://catalog",
                    headers={"authorization": f"Bearer {sign(name, SCOPES)}"},
                )
            )
            return clients[-1]

        yield as_merchant
        for client in clients:
            await client.aclose()
