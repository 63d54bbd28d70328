"""Counters are what counting from scratch gives, whatever happened, in whatever order."""

import asyncio
from collections import Counter
from random import Random

from common.postgres.counters import fold, load_all
from common.postgres.pool import Connection, Pool, open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.driving import store
from stack.testing import NewDatabase

from ..publisher_harness import migrate

STATUSES = ("pending", "sending", "in_job", "accepted", "rejected", "withheld", "deferred")
ACTIONS = ("create", "update", "price")


async def step(connection: Connection, random: Random) -> None:
    """Statements as the stores make them, of several families in the order of their ids."""
    families = sorted({f"f{random.randrange(15):02}" for _ in range(random.randrange(1, 7))})
    match random.randrange(7):
        case 0 | 1:
            await connection.execute(
                """
                INSERT INTO desired_product
                    (merchant_id, feed_id, family_id, revision, presence, document)
                SELECT 'm', $1, f, 1, $2, '' FROM unnest($3::text[]) AS f
                ON CONFLICT (merchant_id, feed_id, family_id)
                    DO UPDATE SET presence = excluded.presence
                """,
                random.choice(["f", "g"]),
                random.choice(["present", "absent"]),
                families,
            )
        case 2 | 3:
            feed = random.choice(["f", "g"])
            is_online = random.random() < 0.6
            # Of new listings or of known ones: of both, two triggers would lock what is desired,
            # each in its own order.
            is_known = random.random() < 0.7
            await connection.execute(
                """
                INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, document,
                    marketplace_product_id)
                SELECT 'm', d.feed_id, d.family_id, 's', '',
                    CASE WHEN $3 THEN $4 || d.family_id END
                FROM desired_product AS d
                LEFT JOIN listing AS l USING (merchant_id, feed_id, family_id)
                WHERE merchant_id = 'm' AND d.feed_id = $1 AND d.family_id = ANY($2::text[])
                    AND (l.family_id IS NOT NULL) = $5
                ORDER BY d.family_id
                ON CONFLICT (merchant_id, feed_id, family_id)
                    DO UPDATE SET marketplace_product_id = excluded.marketplace_product_id
                """,
                feed,
                families,
                is_online,
                random.randbytes(8).hex(),  # AliExpress gives no product's id again
                is_known,
            )
        case 4:
            await connection.execute(
                "INSERT INTO family_mark (merchant_id, feed_id, kind, family_id)"
                " SELECT 'm', 'f', $1, f FROM unnest($2::text[]) AS f",
                random.choice(["product", "offer"]),
                families[:1],
            )
            await connection.execute(
                "INSERT INTO held_change (merchant_id, feed_id, kind, family_id, guard,"
                " desired_revision, sku_codes, held_at)"
                " SELECT 'm', 'f', 'product', f, 'removal', $1, '{}', '2026-01-01'"
                " FROM unnest($2::text[]) AS f ON CONFLICT DO NOTHING",
                random.randrange(3),
                families[1:2],
            )
            await connection.execute(
                "UPDATE listing SET reported_status = $1 WHERE feed_id = $2 AND family_id = $3",
                random.choice(["live", "rejected"]),
                random.choice(["f", "g"]),
                families[0],
            )
        case _:
            code = random.choice([None, "F1", "F2"])
            await connection.execute(
                """
                INSERT INTO run_item (merchant_id, run_id, item_no, feed_id, family_id, action,
                    status, is_removal, desired_revision, sku_codes, change, code, message)
                SELECT 'm', 'run', right(f, 2)::integer, 'f', f, $2, $3, false, 1, '{}', '', $4, $5
                FROM unnest($1::text[]) AS f
                ON CONFLICT (merchant_id, run_id, item_no) DO UPDATE
                    SET status = excluded.status, code = excluded.code, message = excluded.message
                """,
                families,
                random.choice(ACTIONS),
                random.choice(STATUSES),
                code,
                random.choice([None, "Brand is missing", "x" * 900]),
            )


async def history(pool: Pool, seed: int) -> None:
    random = Random(seed)
    for _ in range(80):
        async with unit_of_work(pool) as connection:
            await step(connection, random)
        if random.random() < 0.2:
            await fold(pool)


async def from_scratch(pool: Pool, subject: str) -> dict[str, Counter[str]]:
    """What the rows there are come to, in other words than the triggers'."""
    counts: dict[str, Counter[str]] = {
        "placed": Counter(), "items": Counter(), "refusals": Counter()
    }  # fmt: skip
    online = {
        row["family_id"]
        for row in await pool.fetch("SELECT * FROM listing WHERE feed_id = $1", subject)
        if row["marketplace_product_id"] is not None
    }
    for row in await pool.fetch("SELECT * FROM desired_product WHERE feed_id = $1", subject):
        place = "online" if row["family_id"] in online else "offline"
        counts["placed"][f"{row['presence']}/{place}"] += 1
    for item in await pool.fetch("SELECT * FROM run_item WHERE run_id = $1", subject):
        counts["items"][f"{item['action']}/{item['status']}"] += 1
        is_noted = item["status"] in {"deferred", "in_job"} and item["code"] is not None
        if item["status"] in {"rejected", "withheld"} or is_noted:
            counts["refusals"][f"{item['code'] or ''}\n{(item['message'] or '')[:400]}"] += 1
    return counts


async def test_counters_are_what_counting_from_scratch_gives(database: NewDatabase) -> None:
    pool = await open_pool(await database(migrate), max_size=4)
    await asyncio.gather(*(history(pool, seed) for seed in range(3)))
    async with reading(pool) as connection:
        counts = {feed: await store.count_feed(connection, "m", feed) for feed in ("f", "g")}
        assert any(count["desired"] for count in counts.values())
        for feed, count in counts.items():
            assert count == await store._count_all(connection, "m", feed)
    for _ in range(2):
        async with reading(pool) as connection:
            found = await load_all(
                connection, "m", ["f", "g", "run"], ["placed", "items", "refusals"]
            )
        for subject in ("f", "g", "run"):
            expected = await from_scratch(pool, subject)
            assert {kind: found[subject, kind] for kind in expected} == expected
        while await fold(pool):
            pass
        assert await pool.fetchval("SELECT count(*) FROM counter_change") == 0
    await pool.execute("DELETE FROM run_item; DELETE FROM listing; DELETE FROM desired_product")
    async with reading(pool) as connection:
        left = await load_all(connection, "m", ["f", "g", "run"], ["placed", "items", "refusals"])
    assert not any(left.values())
    await pool.close()
