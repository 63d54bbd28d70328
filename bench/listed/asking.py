"""A service's REST in this process, and a client whose token it takes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common import clock
from common.postgres.pool import open_pool
from common.service import Context, create_app
from common.web.identity import AUDIENCE, ISSUER, Verifier
from stack.testing.serving import serving


@asynccontextmanager
async def asked(module: ModuleType, url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """The service's REST on a socket, and who calls it."""
    pool = await open_pool(url, max_size=4)
    key = Ed25519PrivateKey.generate()
    public = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    settings = module.SERVICE.settings(
        database_url=url, kafka_bootstrap="unused:9092", **module.settings()
    )
    verifier = Verifier("http://127.0.0.1:9/jwks")
    context = Context(settings, pool, verifier)
    parts = module.SERVICE.build(context)
    verifier.trust({"bench": jwt.PyJWK(public | {"kid": "bench", "alg": "EdDSA"})})
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": getattr(module, "SUBJECT", "bench"),
        "scope": module.SCOPES,
        "exp": int(clock.now().timestamp()) + 86_400,
    }
    bearer = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "bench"})
    async with (
        serving(create_app(module.SERVICE, context, parts)) as address,
        httpx2.AsyncClient(
            base_url=address, headers={"authorization": f"Bearer {bearer}"}, timeout=120
        ) as client,
    ):
        yield client
    for close in parts.closers:
        closing = close()
        if closing is not None:
            await closing
    await pool.close()
