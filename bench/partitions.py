"""Whether source products are better partitioned by merchant where they outgrow memory:
`make bench-partitions`.

Two databases on one server hold `ROWS` (1,000,000) products of 100 merchants, some 1.5 kB each: the
table as it is, and in 16 partitions by a hash of the merchant. Events' merge, as ingest sends it,
takes turns on both, each set of 1,000 changed products from all merchants, or from one. With
`MEMORY_GROUP`, the folder of a control group with a limit below the table's size, the server is
moved into it, so that most of a table is not in memory:

    mkdir /sys/fs/cgroup/memory/few
    echo 1G > /sys/fs/cgroup/memory/few/memory.limit_in_bytes    # memory.max in version 2
    make bench-partitions MEMORY_GROUP=/sys/fs/cgroup/memory/few

Products a second and ratios of the rounds go to `bench/results/partitions.json`.
"""

import contextlib
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import uvloop
from bench.backbone import new_database
from bench.ratios import load, ratio, results_file, show

from catalog_service.sources.store import upsert_sources
from catalog_service.sources.versions import SourceRow
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import unit_of_work
from common.service import tune_gc
from stack.postgres import database_url
from stack.testing.own_postgres import own_postgres

ROWS = int(os.environ.get("ROWS", "1000000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
MEMORY_GROUP = os.environ.get("MEMORY_GROUP", "")
MERCHANTS = 100
PARTITIONS = 16
SETS, SET = 40, 1_000
RESULTS = results_file("partitions")

SPLIT = f"""
ALTER TABLE source_product RENAME TO whole;
CREATE TABLE source_product (LIKE whole INCLUDING ALL) PARTITION BY HASH (merchant_id);
DO $$ DECLARE made record; BEGIN
    FOR n IN 0..{PARTITIONS - 1} LOOP
        EXECUTE format('CREATE TABLE source_product_%s PARTITION OF source_product
            FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER %s)', n, n);
    END LOOP;
    FOR made IN SELECT oid, tgname FROM pg_trigger WHERE tgrelid = 'whole'::regclass LOOP
        EXECUTE replace(pg_get_triggerdef(made.oid), '.whole', '.source_product');
    END LOOP;
    FOR made IN SELECT * FROM pg_policies WHERE tablename = 'whole' LOOP
        EXECUTE format('CREATE POLICY %I ON source_product USING (%s)', made.policyname, made.qual);
    END LOOP;
    FOR made IN SELECT * FROM information_schema.role_table_grants
            WHERE table_name = 'whole' LOOP
        EXECUTE format('GRANT %s ON source_product TO %I', made.privilege_type, made.grantee);
    END LOOP;
END $$;
ALTER TABLE source_product ENABLE ROW LEVEL SECURITY;
DROP TABLE whole;
"""
FILL = """
INSERT INTO source_product (merchant_id, catalogue_id, product_id, version, sub_version, is_deleted,
    content_hash, fields, updated_at)
SELECT 'm' || n % $3, 'c', 'p' || n, 1, 0, false, ''::bytea, json_build_object('description',
    (SELECT string_agg(md5((n * 50 + part)::text), '') FROM generate_series(1, 45) AS part))::text,
    now()
FROM generate_series($1::bigint, $2::bigint) AS n
"""


async def filled(admin: str, name: str) -> Pool:
    """A database with the products; the pool is the service's."""
    url = await new_database(admin, name, "ingest")
    connection = await asyncpg.connect(database_url(admin, database=name))
    if name == "split":
        await connection.execute(SPLIT)
    await connection.execute(
        "INSERT INTO catalogue (merchant_id, catalogue_id, versioning, fed_by, created_at)"
        f" SELECT 'm' || n, 'c', 'explicit', 'events', now() FROM generate_series(0, {MERCHANTS})"
        " AS n"
    )
    for start in range(0, ROWS, 50_000):
        await connection.execute(FILL, start, min(start + 50_000, ROWS) - 1, MERCHANTS)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    size = await connection.fetchval("SELECT pg_database_size(current_database()) / 1e6")
    print(f"{name}: {size:,.0f} MB", flush=True)
    await connection.close()
    return await open_pool(url, max_size=1)


async def limit_memory(admin: str) -> None:
    """Move the server and what it started into the group."""
    connection = await asyncpg.connect(admin)
    first = (await connection.fetchval("SELECT pg_read_file('postmaster.pid')")).split()[0]
    await connection.close()
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    for process in (first, *children):
        with contextlib.suppress(ProcessLookupError):  # a worker that has ended
            Path(MEMORY_GROUP, "cgroup.procs").write_text(process)


def sets(seed: int, *, of_one: bool) -> Iterator[list[SourceRow]]:
    """Changed products, the same for every arm of the round."""
    chance = random.Random(seed)
    for number in range(SETS):
        count = ROWS // MERCHANTS
        numbers = (
            [n * MERCHANTS + number % MERCHANTS for n in chance.sample(range(count), SET)]
            if of_one
            else chance.sample(range(ROWS), SET)
        )
        hashed = chance.randbytes(16)
        text = json.dumps({"description": chance.randbytes(720).hex()})
        version = seed * SETS + number
        yield [
            SourceRow(
                f"m{n % MERCHANTS}", "c", f"p{n}", version, 0, None, False, hashed, text, None
            )
            for n in numbers
        ]


async def rate(pool: Pool, seed: int, *, of_one: bool) -> float:
    """Products a second that are merged; each must be taken, for it is newer."""
    began = time.perf_counter()
    for rows in sets(seed, of_one=of_one):
        async with unit_of_work(pool) as connection:
            taken, _ = await upsert_sources(connection, rows)
        if taken != SET:
            raise SystemExit(f"{taken} of {SET} products were taken")
    return SETS * SET / (time.perf_counter() - began)


async def main() -> None:
    """Fill both, take turns, write."""
    tune_gc()
    async with own_postgres("partitions") as postgres:
        if MEMORY_GROUP:
            await limit_memory(postgres.admin_url)
        pools = {name: await filled(postgres.admin_url, name) for name in ("whole", "split")}
        found: dict[str, object] = {"rows": ROWS, "partitions": PARTITIONS, "rounds": ROUNDS}
        seed = 1
        for of_one in (False, True):
            rates: dict[str, list[float]] = {name: [] for name in pools}
            for round_number in range(ROUNDS + 1):
                seed += 1
                # Never one twice running: the second time its rows would be in memory.
                for name, pool in pools.items():
                    products = await rate(pool, seed, of_one=of_one)
                    if round_number:
                        rates[name].append(round(products))
                    print(f"{'one' if of_one else 'all'}: {name} {products:,.0f}/s", flush=True)
            what = "a set of one merchant's" if of_one else "a set of all merchants'"
            split_over_whole = ratio(rates["split"], rates["whole"])
            show("split over whole", what, split_over_whole, wanted="-")
            found[what] = {**rates, "split over whole": split_over_whole}
        for pool in pools.values():
            await pool.close()
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept["memory limited" if MEMORY_GROUP else "all in memory"] = {**found, **load()}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
