"""Plans beside one statement: `make bench-plan_ratios` (PRODUCTS=1000000 ROUNDS=5).

P2: the plan of an offer run, of a feed with 1 % of its prices changed, and of one with nothing
changed, beside one join of what is desired with what was accepted, which finds the same by reading
all. P2p: the first product plan, all to be created, beside one statement that writes as many items,
each with its product's content, into a table with the same indexes. Plans are made as a run's
driver makes them, under a lease, row-level security and the counting triggers; the statements run
as the owner without either. In turns, after a round that is not counted; the number of items of
every round is checked. Results go to `bench/results/plan_ratios.json`.
"""

import json
import os
import time
from typing import Any

import asyncpg
import uvloop
from bench.plans import PRODUCTS, accept_all, change, desired, fill, installed, mark, plan
from bench.ratios import load, ratio, results_file, show
from msgspec.structs import replace

from common.postgres.pool import Pool
from stack.testing.own_postgres import own_postgres

ROUNDS = int(os.environ.get("ROUNDS", "5"))
RESULTS = results_file("plan_ratios")
JOIN_SECONDS = 600

# The price that is wanted and the one that was accepted, of every SKU of the feed.
_JOIN = """
SELECT count(*) FROM desired_product AS d JOIN listing AS l USING (merchant_id, feed_id, family_id)
WHERE d.merchant_id = 'm' AND d.feed_id = 'f'
    AND convert_from(d.document, 'UTF8')::json #>> '{offers,0,price}' IS DISTINCT FROM
        convert_from(l.document, 'UTF8')::json #>> ARRAY['skus', d.family_id, 'price']
"""
_WRITE = """
INSERT INTO written (merchant_id, run_id, item_no, feed_id, family_id, action, status, is_removal,
    desired_revision, sku_codes, change)
SELECT merchant_id, 'r', row_number() OVER (), feed_id, family_id, 'create', 'pending', false,
    revision, ARRAY[family_id],
    convert_to((convert_from(document, 'UTF8')::json -> 'content')::text, 'UTF8')
FROM desired_product AS d WHERE merchant_id = 'm' AND feed_id = 'f' AND NOT EXISTS (
    SELECT 1 FROM listing AS l WHERE l.merchant_id = d.merchant_id AND l.feed_id = d.feed_id
        AND l.family_id = d.family_id)
"""

Rounds = dict[str, list[float]]


async def first_plans(pool: Pool, admin: asyncpg.Connection) -> Rounds:
    """Seconds of the statement and of the plan, with nothing online."""
    rounds: Rounds = {"statement": [], "plan": []}
    await admin.execute("CREATE TABLE written (LIKE run_item INCLUDING ALL)")
    for number in range(ROUNDS + 1):
        await admin.execute("TRUNCATE run_item, written")
        await admin.execute("CHECKPOINT")
        began = time.monotonic()
        written = await admin.execute(_WRITE, timeout=JOIN_SECONDS)
        statement = time.monotonic() - began
        _expect(int(written.rpartition(" ")[2]), PRODUCTS)
        await admin.execute("CHECKPOINT")
        made = await plan(pool, "first: all created", "product")
        _expect(made.items, PRODUCTS)
        print(f"{made}\n{'one statement':<22} {statement:8.1f} s", flush=True)
        if number:
            rounds["statement"].append(statement)
            rounds["plan"].append(made.seconds)
        await mark(pool, "product", every=1)
    await admin.execute("DROP TABLE written; TRUNCATE run_item, family_mark")
    return rounds


async def offer_plans(pool: Pool, admin: asyncpg.Connection) -> tuple[Rounds, Rounds]:
    """The same of 1 % changed prices, and of none, with everything online."""
    await accept_all(pool)
    changed: Rounds = {"statement": [], "plan": []}
    unchanged: Rounds = {"statement": [], "plan": []}
    for number in range(ROUNDS + 1):
        await admin.execute("VACUUM ANALYZE")
        await _online_again(pool, revision=3 * number + 2)
        await _compare(pool, admin, "nothing changed", 0, unchanged if number else None)
        state = replace(desired(f"21.{number:02}"), revision=3 * number + 4)
        await change(pool, "offer", state, every=100)
        await _compare(
            pool, admin, "1 % of the prices", PRODUCTS // 100, changed if number else None
        )
        await admin.execute("TRUNCATE run_item")
    return changed, unchanged


async def _online_again(pool: Pool, *, revision: int) -> None:
    """What the round before changed is wanted as it is online."""
    await change(pool, "offer", replace(desired("20.00"), revision=revision), every=100)
    await pool.execute("DELETE FROM family_mark")


async def _compare(
    pool: Pool, admin: asyncpg.Connection, name: str, differ: int, rounds: Rounds | None
) -> None:
    began = time.monotonic()
    found = await admin.fetchval(_JOIN, timeout=JOIN_SECONDS)
    statement = time.monotonic() - began
    _expect(found, differ)
    made = await plan(pool, name, "offer")
    _expect(made.items, differ)
    print(f"{made}\n{'one join':<22} {statement:8.1f} s", flush=True)
    if rounds is not None:
        rounds["statement"].append(statement)
        rounds["plan"].append(made.seconds)


def _expect(found: int, wanted: int) -> None:
    if found != wanted:
        raise SystemExit(f"{found} items where {wanted} were to be found: no round counts")


def _seconds(rounds: Rounds) -> dict[str, list[float]]:
    return {name: [round(one, 3) for one in values] for name, values in rounds.items()}


async def measure(admin_url: str) -> dict[str, Any]:
    """All ratios on one database."""
    pool = await installed(admin_url)
    admin = await asyncpg.connect(admin_url)
    try:
        await fill(pool)
        first = await first_plans(pool, admin)
        changed, unchanged = await offer_plans(pool, admin)
    finally:
        await admin.close()
        await pool.close()
    ratios = {
        "P2 changed": ratio(changed["statement"], changed["plan"]),
        "P2 unchanged": ratio(unchanged["plan"], unchanged["statement"]),
        "P2p": ratio(first["statement"], first["plan"]),
    }
    show("P2", "1 % changed, a join's time over the plan's", ratios["P2 changed"], wanted=">= 0.40")
    show("P2", "nothing changed, plan over join", ratios["P2 unchanged"], wanted="<= 0.02")
    show("P2p", "first plan, one statement over it", ratios["P2p"], wanted=">= 0.30")
    seconds = {"first": first, "changed": changed, "unchanged": unchanged}
    return {"ratios": ratios, "seconds": {name: _seconds(of) for name, of in seconds.items()}}


async def main() -> None:
    """On a Postgres of its own."""
    async with own_postgres("plans") as postgres:
        found = await measure(postgres.admin_url)
    result = {"command": "make bench-plan_ratios", "products": PRODUCTS, "rounds": ROUNDS}
    RESULTS.write_text(json.dumps({**result, "machine": load(), **found}, indent=1) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
