"""Marks of families are never lost, whatever order their transactions commit in."""

import asyncpg
from publisher_auth import MERCHANT
from publisher_bed import FEED, migrate

from feed_publisher.desired.store import mark_families
from feed_publisher.planning.store import forget_marks, list_marked
from stack.testing import NewDatabase


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
        await forget_marks(planner, [mark for ids in marks.values() for mark in ids])
    left = await list_marked(planner, MERCHANT, FEED, "product", after="", limit=10)
    assert list(marks) == ["F1", "F2"]
    assert list(left) == ["F1"]
    for connection in (slow, quick, planner):
        await connection.close()
