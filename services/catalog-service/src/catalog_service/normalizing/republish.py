"""Emit the state of feeds again, in pieces: for a reader that lost its own."""

from collections.abc import Sequence

from catalog_service.families.store import ProductKey, row_of_product
from catalog_service.feeds.save_feed import REPUBLISHING
from catalog_service.feeds.store import list_all_feeds
from catalog_service.normalizing.store import (
    claim_republish,
    lock_events,
    move_republish,
    request_republish,
)
from catalog_service.settings import SOURCE
from common.messaging.outbox import Caused, add_events
from common.postgres.pool import Connection, Pool
from common.postgres.schedules import Schedule, run_due
from common.postgres.set_aside import each_apart
from common.postgres.unit_of_work import unit_of_work

JOB = "republishing"
RECORDS_PER_TURN = 500


async def republish(connection: Connection, merchant_id: str | None) -> int:
    """Have the state of these feeds emitted again; how many there are. None: of all merchants."""
    feeds = await list_all_feeds(connection, merchant_id)
    await add_events(connection, [feed.state() for feed in feeds], source=SOURCE)
    await request_republish(connection, [(feed.merchant_id, feed.feed_id) for feed in feeds])
    return len(feeds)


class Republisher:
    """The job behind `POST /v1/republish` and the daily round."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run(self) -> bool:
        """Emit the next piece; whether there was any."""
        await run_due(self._pool, REPUBLISHING, _request)
        async with unit_of_work(self._pool) as connection:
            claimed = await claim_republish(connection, limit=RECORDS_PER_TURN)
            if claimed is None:
                return False
            request_id, keys = claimed
            await each_apart(self._pool, JOB, keys, self._emit, key=row_of_product)
            last = keys[-1][2] if keys else None
            await move_republish(connection, request_id, after_family_id=last)
        return True

    async def _emit(self, keys: Sequence[ProductKey]) -> None:
        """In a transaction of its own: emitted twice, should the process end before the next."""
        async with unit_of_work(self._pool) as connection:
            records = await lock_events(connection, keys)
            await add_events(
                connection, [Caused(event, trace) for event, trace in records], source=SOURCE
            )


async def _request(connection: Connection, due: Schedule) -> None:
    await request_republish(connection, [(due.merchant_id, due.subject)])
