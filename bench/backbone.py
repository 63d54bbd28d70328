"""What exactly-once costs: ingest as it ships against a bare loop, on the same topic.

`make bench-backbone` (EVENTS=100000 ROUNDS=5). The baseline is `getmany` and COPY into a logged
table, one commit a batch, with the same `max_records`; fsync and synchronous commit are on. Rounds
alternate between the two, each on a fresh database; the ratio is of their medians. The same for two
processes that share the partitions, for one that takes the place of a killed one against one that
nothing disturbs, and for the relay against a bare claim, send, delete loop.
Results go to `bench/results/backbone.json`.
"""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from bench.ratios import results_file

from catalog_service.app import SERVICE
from catalog_service.sources.consumer import catalog_updated
from common import clock
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import encode, headers_from_json
from common.messaging.consumer import Consumer
from common.messaging.create_topics import create_topics
from common.messaging.outbox import add_events
from common.messaging.relay import CLAIM_ROWS, Relay
from common.postgres.migrate import upgrade
from common.postgres.pool import open_pool
from common.service import tune_gc
from stack.postgres import (
    create_database,
    create_role,
    database_url,
    for_everybody,
    random_password,
)
from stack.settings import StackSettings
from stack.stores import running_stores

EVENTS = int(os.environ.get("EVENTS", "100000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
MAX_RECORDS = int(os.environ.get("MAX_RECORDS", "1000"))
PARTITIONS = 6
TOPIC = CatalogUpdated.topic
RESULTS = results_file("backbone")
SERVICE_ROLE = "bench_service"
Running = asyncio.subprocess.Process
PASSWORD = random_password()

BARE_TABLE = """
CREATE TABLE bare (topic text, partition int, "offset" bigint, key bytea, value bytea);
CREATE TABLE bare_position (partition int PRIMARY KEY, next_offset bigint)
"""


def event(number: int) -> CatalogUpdated:
    """A product of some 600 bytes, as shops have them."""
    return CatalogUpdated(
        merchant_id="bench",
        catalogue_id="main",
        product_id=f"P-{number:07d}",
        action="upsert",
        version=1,
        parent_id=f"F-{number // 4:07d}" if number % 2 else None,
        fields={
            "title": f"Stoneware mug number {number}, 350 ml, hand glazed",
            "description": "A mug for every day. " * 12,
            "price": f"{number % 90 + 9}.90",
            "stock": number % 40,
            "brand": "Bench",
            "colour": ["red", "blue", "white"][number % 3],
            "images": [f"https://pictures.example/{number}-{n}.jpg" for n in range(3)],
        },
    )


async def fill_topic(bootstrap: str) -> None:
    """Publish the events once; every round reads them again."""
    await create_topics(bootstrap, partitions=PARTITIONS)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=256_000)
    await producer.start()
    for number in range(EVENTS):
        record = encode(event(number), source="/bench")
        await producer.send(TOPIC, record.value, record.key, headers=record.headers)
    await producer.flush()
    await producer.stop()


# -- the two arms, each run in processes of its own -------------------------------------------


async def ingest(url: str, bootstrap: str, group: str, instance: str) -> None:
    """Ingest exactly as catalog-service ships it, until every event is stored."""
    pool = await open_pool(url)
    consumer = Consumer(
        pool,
        bootstrap,
        group,
        [catalog_updated()],
        instance_id=instance,
        max_batch_records=MAX_RECORDS,
    )
    consumer.start()
    await stored(url, "SELECT coalesce(sum(next_offset), 0) FROM consumer_position")
    await consumer.stop()
    await pool.close()


async def bare(url: str, bootstrap: str, group: str, instance: str) -> None:
    """The least one can do: fetch, COPY, commit."""
    connection = await asyncpg.connect(url)
    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=bootstrap,
        group_id=group,
        group_instance_id=f"{group}-{instance}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    await consumer.start()
    done = asyncio.create_task(
        stored(url, "SELECT coalesce(sum(next_offset), 0) FROM bare_position")
    )
    while not done.done():
        fetched = await consumer.getmany(timeout_ms=200, max_records=MAX_RECORDS)
        rows = [
            (record.topic, record.partition, record.offset, record.key, record.value)
            for batch in fetched.values()
            for record in batch
        ]
        if rows:
            async with connection.transaction():
                await connection.copy_records_to_table("bare", records=rows)
                await connection.executemany(
                    """INSERT INTO bare_position VALUES ($1, $2)
                    ON CONFLICT (partition) DO UPDATE SET next_offset = $2""",
                    [(p.partition, batch[-1].offset + 1) for p, batch in fetched.items()],
                )
    await consumer.stop()
    await connection.close()


async def stored(url: str, query: str) -> None:
    """Return once all events are."""
    connection = await asyncpg.connect(url)
    while await connection.fetchval(query) < EVENTS:
        await asyncio.sleep(0.02)
    await connection.close()


# -- the rounds ---------------------------------------------------------------------------


async def new_database(admin_url: str, name: str, arm: str) -> str:
    """A database migrated for the arm; its user is the one the arm works as."""
    await create_database(admin_url, name)
    url = database_url(admin_url, database=name)
    if arm == "ingest":
        await create_role(admin_url, SERVICE_ROLE, PASSWORD)
        await asyncio.to_thread(upgrade, SERVICE.migrations, url, service_role=SERVICE_ROLE)
        connection = await asyncpg.connect(url)
        await connection.execute(
            """INSERT INTO catalogue (merchant_id, catalogue_id, versioning, fed_by, created_at)
            VALUES ('bench', 'main', 'explicit', 'events', $1)""",
            clock.now(),
        )
    else:
        connection = await asyncpg.connect(url)
        await connection.execute(BARE_TABLE)
    await connection.execute("CHECKPOINT")
    await connection.close()
    if arm == "ingest":  # as services work: under row-level security
        url = database_url(admin_url, database=name, user=SERVICE_ROLE, password=PASSWORD)
        return for_everybody(url)
    return url


POSITIONS = {"ingest": "consumer_position", "bare": "bare_position"}


async def start_arm(arm: str, url: str, bootstrap: str, name: str, instance: int) -> Running:
    """A process of the arm; one of the same name and instance is the same member of the group."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.backbone"), arm, url, bootstrap, name, str(instance)
    )


async def reached(
    connection: asyncpg.Connection, arm: str, count: int, running: Sequence[Running]
) -> int:
    """How many events are stored, once there are so many."""
    query = f"SELECT coalesce(sum(next_offset), 0) FROM {POSITIONS[arm]}"
    while (stored := await connection.fetchval(query)) < count:
        require_running(running)
        await asyncio.sleep(0.005)
    return int(stored)


async def timed_round(
    admin_url: str, bootstrap: str, arm: str, number: int, processes: int
) -> float:
    """Events a second, from the first record stored to the last, start of the processes aside."""
    name = f"{arm}_{processes}_{number}"
    url = await new_database(admin_url, name, arm)
    running = [
        await start_arm(arm, url, bootstrap, name, instance) for instance in range(processes)
    ]
    return await rate_of_rest(url, arm, 0, running)


async def rate_of_rest(url: str, arm: str, stored: int, running: Sequence[Running]) -> float:
    """Events a second, from the first record that is stored above so many to the last."""
    connection = await asyncpg.connect(url)
    begun = await reached(connection, arm, stored + 1, running)
    began = time.perf_counter()
    await reached(connection, arm, EVENTS, running)
    took = time.perf_counter() - began
    await connection.close()
    for process in running:
        await process.wait()
    return (EVENTS - begun) / took


async def timed_drain(admin_url: str, bootstrap: str, number: int) -> float:
    """Events a second of a process that takes the place of one that was killed at a tenth."""
    name = f"drain_{number}"
    url = await new_database(admin_url, name, "ingest")
    killed = await start_arm("ingest", url, bootstrap, name, 0)
    connection = await asyncpg.connect(url)
    await reached(connection, "ingest", EVENTS // 10, [killed])
    killed.kill()
    await killed.wait()
    stored = await reached(connection, "ingest", 0, [])
    await connection.close()
    return await rate_of_rest(
        url, "ingest", stored, [await start_arm("ingest", url, bootstrap, name, 0)]
    )


async def compare_drain(admin_url: str, bootstrap: str) -> dict[str, object]:
    """Interleaved rounds of a drain after a kill and of ingest that nothing disturbs."""
    drains, rates = [], []
    for number in range(ROUNDS):
        rates.append(await timed_round(admin_url, bootstrap, "ingest", ROUNDS + number, 1))
        drains.append(await timed_drain(admin_url, bootstrap, number))
        print(f"round {number + 1}: after a kill {drains[-1]:,.0f}/s, without {rates[-1]:,.0f}/s")
    return summary(drains, rates)


def require_running(processes: Sequence[Running]) -> None:
    """Raise where one failed: what it was to store would be waited for without end."""
    if any(process.returncode for process in processes):
        raise RuntimeError("a process of the bench failed: see what it printed")


async def compare_ingest(admin_url: str, bootstrap: str, processes: int) -> dict[str, object]:
    """Interleaved rounds of both arms."""
    rates: dict[str, list[float]] = {"ingest": [], "bare": []}
    for number in range(ROUNDS):
        for arm in ("bare", "ingest"):
            rates[arm].append(await timed_round(admin_url, bootstrap, arm, number, processes))
            print(f"{processes} process(es), round {number + 1}: {arm} {rates[arm][-1]:,.0f}/s")
    return summary(rates["ingest"], rates["bare"])


def summary(ours: list[float], baseline: list[float]) -> dict[str, object]:
    """The ratio of the medians, with every round beside it."""
    return {
        "ratio": round(statistics.median(ours) / statistics.median(baseline), 3),
        "events_per_second": round(statistics.median(ours)),
        "baseline_events_per_second": round(statistics.median(baseline)),
        "rounds": [round(rate) for rate in ours],
        "baseline_rounds": [round(rate) for rate in baseline],
    }


# -- the relay ------------------------------------------------------------------------------


async def fill_outbox(url: str) -> None:
    """The events in the outbox of a fresh database."""
    pool = await open_pool(url)
    for start in range(0, EVENTS, 5_000):
        async with pool.acquire() as connection, connection.transaction():
            await add_events(
                connection,
                [event(number) for number in range(start, min(start + 5_000, EVENTS))],
                source="/bench",
            )
    await pool.close()


async def analyze(admin_url: str, name: str) -> None:
    """Let the planner know the outbox of database `name`."""
    connection = await asyncpg.connect(database_url(admin_url, database=name))
    await connection.execute("VACUUM ANALYZE outbox")
    await connection.close()


async def relay_rate(url: str, bootstrap: str) -> float:
    """The relay as it ships."""
    relay = Relay(url, bootstrap, service="bench", topic_prefix="relay.")
    return await emptied(url, relay.start, relay.stop)


async def bare_relay_rate(url: str, bootstrap: str) -> float:
    """Claim, send, delete; no lock, no order, nothing survives a failure."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_batch_size=256 * 1024
    )
    await producer.start()
    connection = await asyncpg.connect(url)

    async def loop() -> None:
        while True:
            rows = await connection.fetch(
                "SELECT id, topic, key, value, headers FROM outbox ORDER BY id LIMIT $1",
                CLAIM_ROWS,
            )
            if not rows:
                return
            futures = [
                await producer.send(
                    "relay." + row["topic"],
                    row["value"],
                    row["key"],
                    headers=headers_from_json(row["headers"]),
                )
                for row in rows
            ]
            await asyncio.gather(*futures)
            await connection.execute(
                "DELETE FROM outbox WHERE id = ANY($1)", [row["id"] for row in rows]
            )

    task: asyncio.Task[None] | None = None

    def start() -> None:
        nonlocal task
        task = asyncio.create_task(loop())

    async def stop() -> None:
        if task is not None:
            await task
        await producer.stop()
        await connection.close()

    return await emptied(url, start, stop)


async def emptied(
    url: str, start: Callable[[], None], stop: Callable[[], Awaitable[None]]
) -> float:
    """Events a second from the first deleted to the last."""
    connection = await asyncpg.connect(url)
    start()
    while (left := await connection.fetchval("SELECT count(*) FROM outbox")) == EVENTS:
        await asyncio.sleep(0.01)
    began = time.perf_counter()
    while await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
        await asyncio.sleep(0.01)
    took = time.perf_counter() - began
    await stop()
    await connection.close()
    return float(left) / took


async def compare_relay(admin_url: str, bootstrap: str) -> dict[str, object]:
    """Interleaved rounds of the relay and the bare loop."""
    await create_topics(bootstrap, "relay.", partitions=PARTITIONS)
    rates: dict[str, list[float]] = {"relay": [], "bare": []}
    for number in range(ROUNDS):
        for arm in ("bare", "relay"):
            url = await new_database(admin_url, f"relay_{arm}_{number}", "ingest")
            await fill_outbox(url)
            await analyze(admin_url, f"relay_{arm}_{number}")
            rate = await (relay_rate if arm == "relay" else bare_relay_rate)(url, bootstrap)
            rates[arm].append(rate)
            print(f"relay, round {number + 1}: {arm} {rate:,.0f}/s")
    return summary(rates["relay"], rates["bare"])


@contextlib.asynccontextmanager
async def durable_stores() -> AsyncIterator[tuple[str, str]]:
    """Postgres with fsync on, and Kafka, for this run alone."""
    with tempfile.TemporaryDirectory(prefix="aliexpress-channel-bench-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        settings = StackSettings(state_dir=Path(folder), is_durable=True)
        async with running_stores(settings, postgres_password=os.urandom(12).hex()) as stores:
            yield stores.postgres.admin_url, stores.kafka.bootstrap


async def main() -> None:
    """Run everything and write the results."""
    async with durable_stores() as (admin_url, bootstrap):
        connection = await asyncpg.connect(admin_url)
        durability = {
            name: await connection.fetchval(f"SHOW {name}")
            for name in ("fsync", "synchronous_commit")
        }
        await connection.close()
        await fill_topic(bootstrap)
        results = {
            "command": "make bench-backbone",
            "events": EVENTS,
            "rounds": ROUNDS,
            "max_records": MAX_RECORDS,
            "durability": durability,
            "ingest_1_process": await compare_ingest(admin_url, bootstrap, 1),
            "ingest_2_processes": await compare_ingest(admin_url, bootstrap, 2),
            "drain_after_kill": await compare_drain(admin_url, bootstrap),
            "relay": await compare_relay(admin_url, bootstrap),
        }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        tune_gc()
        uvloop.run({"ingest": ingest, "bare": bare}[sys.argv[1]](*sys.argv[2:]))
    else:
        asyncio.run(main())
