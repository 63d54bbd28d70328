"""Marks and revisions of families are never lost, whatever order their transactions commit in."""

import asyncio

import asyncpg

from common.contracts.product import ProductNormalized
from feed_publisher.desired.store import (
    forget_marks,
    list_marked,
    lock_revisions,
    mark_families,
    save_desired,
)
from stack.testing import NewDatabase, eventually

from ..publisher_auth import MERCHANT
from ..publisher_harness import FEED, SHOP, migrate


async def test_a_mark_committed_while_a_plan_is_made_stays_for_the_next(
    database: NewDatabase,
) -> None:
    url = await database(migrate)
    slow, quick, planner = [await asyncpg.connect(url) for _ in range(3)]
    late = slow.transaction()
    await late.start()
    await mark_families(slow, MERCHANT, FEED, ["product"], ["F1"])  # the lower id, not committed
    await mark_families(quick, MERCHANT, FEED, ["product"], ["F1", "F2"])
    async with planner.transaction():
        marks = await list_marked(planner, MERCHANT, FEED, "product", after="", limit=10)
        await late.commit()
        await forget_marks(planner, [mark for family in marks.values() for mark in family.ids])
    left = await list_marked(planner, MERCHANT, FEED, "product", after="", limit=10)
    assert list(marks) == ["F1", "F2"]
    assert list(left) == ["F1"]
    for connection in (slow, quick, planner):
        await connection.close()


def absent(family_id: str, revision: int) -> ProductNormalized:
    return ProductNormalized(
        merchant_id=MERCHANT,
        feed_id=FEED,
        family_id=family_id,
        revision=revision,
        shop_id=SHOP,
        presence="absent",
        absent_reason="deleted",
    )


async def test_no_family_moves_on_while_its_intent_is_written(database: NewDatabase) -> None:
    url = await database(migrate)
    consumer, sender, other = [await asyncpg.connect(url) for _ in range(3)]
    families = ["a", "B", "c"]
    await save_desired(consumer, [(absent(name, 1), None) for name in sorted(families)])

    async def waits() -> bool:
        return bool(
            await other.fetchval(
                "SELECT 1 FROM pg_locks WHERE pid = $1 AND NOT granted", consumer.get_server_pid()
            )
        )

    async with sender.transaction():
        assert await lock_revisions(sender, MERCHANT, FEED, families) == dict.fromkeys(families, 1)
        newer = [(absent(name, 2), None) for name in sorted(families)]
        saving = asyncio.create_task(save_desired(consumer, newer))
        await eventually(waits)
    await saving
    assert await lock_revisions(sender, MERCHANT, FEED, families) == dict.fromkeys(families, 2)
    for connection in (consumer, sender, other):
        await connection.close()
