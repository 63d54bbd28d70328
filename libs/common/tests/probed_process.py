"""A small service in a process of its own: to be probed, and to lose a part.

A row `cancel <name>` in its table of catalogues cancels the task of that name once; a row `deaf`
lets a job swallow every cancellation from then on. `GET /slow?row=<name>` answers piece by piece,
and ends once there is no row of that name.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import jwt
import structlog
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic_settings import SettingsConfigDict

from common.contracts.catalog import CatalogUpdated
from common.jobs import Job
from common.messaging.consumer import Consumer
from common.messaging.records import Delivery, NotApplied, Subscription
from common.postgres.pool import Connection, Pool
from common.service import Context, Parts, Service, main
from common.settings import ServiceSettings
from stack.testing import eventually

log = structlog.get_logger()

PUBLIC_KEY = {
    "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "k1",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}  # fmt: skip


class ProbedSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="PROBED_")

    own_keys: bool = True


def build(context: Context[ProbedSettings]) -> Parts:
    settings, pool = context.settings, context.pool
    consumer = Consumer(
        pool,
        settings.kafka_bootstrap,
        "test.sources",
        [Subscription(CatalogUpdated, take_all)],
        instance_id=settings.instance_id,
        topic_prefix=settings.topic_prefix,
        session_timeout=settings.session_timeout,
    )

    async def make_trouble() -> bool:
        rows = await pool.fetch("DELETE FROM catalogue WHERE catalogue_id <> 'main' RETURNING *")
        for row in rows:
            request, _, name = row["catalogue_id"].partition(" ")
            if request == "deaf":
                await be_deaf()
            for task in asyncio.all_tasks():
                if task.get_name() == name:
                    task.cancel()
        return bool(rows)

    if settings.own_keys:
        context.verifier.trust({PUBLIC_KEY["kid"]: jwt.PyJWK(PUBLIC_KEY)})
    jobs = [Job(name, make_trouble, every=timedelta(seconds=0.1)) for name in ("one", "two")]
    return Parts(routers=[slow_router(pool)], consumers=[consumer], jobs=jobs)


def slow_router(pool: Pool) -> APIRouter:
    router = APIRouter()

    @router.get("/slow")
    async def slow(row: str) -> StreamingResponse:
        async def is_gone() -> bool:
            found = await pool.fetchval("SELECT 1 FROM catalogue WHERE catalogue_id = $1", row)
            return found is None

        async def pieces() -> AsyncIterator[bytes]:
            yield b"the whole "
            log.info("slow.begun", row=row)
            await eventually(is_gone, within=30)
            yield b"of it"

        return StreamingResponse(pieces())

    return router


async def take_all(
    _connection: Connection, _deliveries: Sequence[Delivery[CatalogUpdated]]
) -> Sequence[NotApplied]:
    return []


async def be_deaf() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


if __name__ == "__main__":
    main(Service("probed", ProbedSettings, Path(__file__).parent, build))
