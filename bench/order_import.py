"""How fast orders are imported (P11): `make bench-order_import` (ORDERS=1000 ROUNDS=5).

The first import of a shop, from a marketplace that answers at once what the sandbox answered
(`recorded_marketplace.py`), against a bare page loop and COPY (`order_import_arms.py`). Each round
has a new database, its arm a process of its own; they take turns, after a round of each that is not
counted. Every round must have written each order and its event once. Postgres works with fsync.
Results go to `bench/results/order_import.json`.
"""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from bench import ratios
from bench.ratios import results_file
from bench.recorded_marketplace import record

from common.postgres.migrate import upgrade
from order_importer.app import SERVICE
from stack.postgres import (
    create_database,
    create_role,
    database_url,
    for_everybody,
    random_password,
)
from stack.testing.own_postgres import own_postgres

ORDERS = int(os.environ.get("ORDERS", "1000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
RESULTS = results_file("order_import")
ROLE, PASSWORD = "bench_service", random_password()
BARE_TABLES = """
CREATE TABLE bare (order_id text, status text, placed_at timestamptz, listed text, details text,
    receipt text, content text);
CREATE TABLE bare_outbox (topic text, key bytea, value bytea);
CREATE TABLE bare_change (order_id text, revision bigint, kind text)
"""
COUNTED = {
    "ours": """SELECT (SELECT count(*) FROM marketplace_order WHERE content IS NOT NULL),
        (SELECT count(DISTINCT key) FROM outbox WHERE topic = 'order.received'),
        (SELECT count(*) FROM order_change)""",
    "bare": """SELECT (SELECT count(*) FROM bare), (SELECT count(DISTINCT key) FROM bare_outbox),
        (SELECT count(*) FROM bare_change)""",
}


@contextlib.asynccontextmanager
async def marketplace(file: Path) -> AsyncIterator[str]:
    """The recorded marketplace in a process of its own; its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.recorded_marketplace", str(file)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def timed_round(admin_url: str, market: str, arm: str, number: int) -> tuple[float, float]:
    """Orders a second, and the arm's own processor seconds an order; its results are checked."""
    name = f"{arm}_{number}"
    await create_database(admin_url, name)
    owner = url = database_url(admin_url, database=name)
    if arm == "ours":
        await asyncio.to_thread(upgrade, SERVICE.migrations, owner, service_role=ROLE)
        url = database_url(admin_url, database=name, user=ROLE, password=PASSWORD)
        url = for_everybody(url)
    connection = await asyncpg.connect(owner)
    if arm == "bare":
        await connection.execute(BARE_TABLES)
    await connection.execute("CHECKPOINT")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.order_import_arms", arm, url, market),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    counted = tuple(await connection.fetchrow(COUNTED[arm]) or ())
    await connection.close()
    if counted != (ORDERS, ORDERS, ORDERS):
        raise RuntimeError(f"{name} wrote {counted} orders, events, changes")
    seconds, used = json.loads(out.splitlines()[-1])  # after the log
    return ORDERS / seconds, used / ORDERS


async def main() -> None:
    """All rounds, in turns."""
    rates: dict[str, list[float]] = {"bare": [], "ours": []}
    used: dict[str, list[float]] = {"bare": [], "ours": []}
    began = ratios.load()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answers.json"
        await asyncio.to_thread(record, ORDERS, file)
        async with own_postgres("orders") as postgres, marketplace(file) as market:
            await create_role(postgres.admin_url, ROLE, PASSWORD)
            for number in range(ROUNDS + 1):
                for arm in COUNTED:
                    rate, processor = await timed_round(postgres.admin_url, market, arm, number)
                    print(f"round {number}: {arm} {rate:,.0f} orders/s", flush=True)
                    if number:
                        rates[arm].append(rate)
                        used[arm].append(processor)
    found = ratios.ratio(rates["ours"], rates["bare"])
    result: dict[str, Any] = {
        "command": "make bench-order_import",
        "orders": ORDERS,
        "rounds": ROUNDS,
        "machine": began,
        "P11": found,
        "orders_per_second": {arm: [round(rate) for rate in some] for arm, some in rates.items()},
        "processor_microseconds_per_order": {
            arm: round(statistics.median(some) * 1e6) for arm, some in used.items()
        },
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    ratios.show("P11", "orders imported a second", found, wanted="0.5, aim 0.7")


if __name__ == "__main__":
    uvloop.run(main())
