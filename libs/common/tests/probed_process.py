"""A small service in a process of its own: to be probed, and to lose a part.

A row `cancel <name>` in its table of catalogues cancels the task of that name once; a row `deaf`
lets a job swallow every cancellation from then on.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from pydantic_settings import SettingsConfigDict

from common.contracts.catalog import CatalogUpdated
from common.jobs import Job
from common.messaging.consumer import Consumer
from common.messaging.records import Delivery, NotApplied, Subscription
from common.postgres.pool import Connection
from common.service import Context, Parts, Service, main
from common.settings import ServiceSettings


class ProbedSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="PROBED_")


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

    jobs = [Job(name, make_trouble, every=timedelta(seconds=0.1)) for name in ("one", "two")]
    return Parts(consumers=[consumer], jobs=jobs)


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
