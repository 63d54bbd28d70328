"""From an event in Kafka to the outbox, beside a FastStream program: `make bench-peer`.

`PRODUCTS=6000 ROUNDS=5`. P1p: events a second of catalog-service's own consumer and its job that
evaluates, in one process under row-level security, over those of a FastStream program
(`bench/peers/faststream_outbox.py`), which does the same visible work with pydantic, jsonschema and
asyncpg: once by batches of a thousand, once a message at a time, each in a transaction. Same topic,
a database of its own for each round, fsync on; in turns after a round that is not counted, and
every round's outbox and states are checked. The schema is the one AliExpress gives; a further arm
has it as we correct it, whose enumerations take jsonschema a fifth of the time of the same choices
by `oneOf`. The clock runs from the first product that is stored to the last record in the outbox;
what is in the outbox when it begins does not count, so that of ours only the time in which the
first batch is stored is left out, a fiftieth of a second. FastStream is installed at the versions
of `bench/peers/requirements.txt` into `.venv/peer`, once. Results go to `bench/results/peer.json`.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaProducer
from bench import backbone
from bench.drafts import SHOP, fill
from bench.evaluation import LEAVES, PRODUCTS, ROUNDS, rows
from bench.evaluation_arms import PILLOWS, Leaf
from bench.ratios import load, ratio, results_file, show
from tests.stories.cases import inputs

from catalog_service.categories.schema import _corrected
from catalog_service.families.store import NORMALIZING
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.normalizing.worker import Normalizer
from catalog_service.sources.consumer import catalog_updated
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import encode
from common.contracts.product import ProductNormalized
from common.jobs import Job
from common.messaging.consumer import Consumer
from common.messaging.create_topics import create_topics
from common.postgres.pool import open_pool
from common.service import tune_gc
from sandbox.catalogue import Catalogue as Tree
from stack.postgres import database_url

PEERS = Path(__file__).parent / "peers"
VENV = Path(__file__).parent.parent / ".venv" / "peer"
RESULTS = results_file("peer")
OURS, BATCH, SINGLE, CORRECTED = "ours", "batch", "single", "batch, schema corrected"
ARMS = (OURS, BATCH, SINGLE, CORRECTED)
STUCK_SECONDS = 300
LEAST_PRODUCTS = 3_000
"""Three batches: of the first is counted only how many it had."""
LAST_NUMBER = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'id')), 0)"


async def ours(url: str, bootstrap: str, group: str) -> None:
    """The consumer and the job as catalog-service runs them, until the process is ended."""
    pool = await open_pool(url)
    consumer = Consumer(pool, bootstrap, group, [catalog_updated()], instance_id="0")
    every = timedelta(seconds=1)
    job = Job("normalizing", Normalizer(pool).run, every=every, woken_by=[NORMALIZING])
    consumer.start()
    job.start()
    await asyncio.Event().wait()


# ---- what the rounds work on


def peer_python() -> Path:
    """The interpreter of the peer's venv, which is made when it is not as asked for."""
    wanted, installed = PEERS / "requirements.txt", VENV / "installed.txt"
    if not installed.exists() or installed.read_text() != wanted.read_text():
        print(f"installing FastStream into {VENV} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "-q"]
        subprocess.run([*pip, "--no-deps", "--requirement", str(wanted)], check=True)
        installed.write_text(wanted.read_text())
    return VENV / "bin" / "python"


async def fill_topic(bootstrap: str) -> None:
    """Publish the products once; every round reads them again."""
    await create_topics(bootstrap, partitions=backbone.PARTITIONS)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=256_000)
    await producer.start()
    for product_id, parent_id, fields in rows("simple", PRODUCTS):
        event = CatalogUpdated(
            merchant_id=SHOP[0],
            catalogue_id="defects",
            product_id=product_id,
            parent_id=parent_id,
            action="upsert",
            version=1,
            fields=dict(fields),
        )
        record = encode(event, source="/bench")
        await producer.send(event.topic, record.value, record.key, headers=record.headers)
    await producer.flush()
    await producer.stop()


async def prepare_ours(url: str) -> None:
    """The shop, its schemas and the feed, before the first event."""
    body = inputs.form(attributes={"image_url_list": {"field": "images"}})
    form = FeedConfiguration.model_validate(body | {"shop": SHOP[1], "catalogue": "defects"})
    categories = Tree().categories
    pool = await open_pool(url)
    await fill(pool, [categories[int(leaf)] for leaf in LEAVES], form)
    await pool.close()


async def write_leaf(url: str, folder: Path) -> None:
    """What the peer knows when it starts: the leaf's schema, as AliExpress gives it and as we
    correct it, and the part of the body that is the same for all products."""
    connection = await asyncpg.connect(url)
    text = await connection.fetchval(
        "SELECT body FROM category_schema WHERE category_id = $1", PILLOWS
    )
    await connection.close()
    leaf = Leaf(PILLOWS, text, inputs.form()["category_attributes"])
    of_none: dict[str, Any] = {"title": "", "description": "", "images": []}
    common, schema = leaf.body(of_none, []), json.loads(text)
    for name, form in (("received", schema), ("corrected", _corrected(schema))):
        (folder / f"{name}.json").write_text(json.dumps({"schema": form, "common": common}))


# ---- the rounds


@dataclass(frozen=True)
class Places:
    """What every round needs."""

    admin_url: str
    bootstrap: str
    python: Path
    leaf: Path
    """The folder of what the peer knows when it starts."""


@dataclass(frozen=True)
class Watched:
    """How the bench sees what an arm has done."""

    products: str
    outbox: str
    states: str


WATCHED = {
    OURS: Watched(
        "SELECT EXISTS (SELECT FROM source_product)",
        f"SELECT count(*) FROM outbox WHERE topic = '{ProductNormalized.topic}'",
        "SELECT state, count(*) FROM normalized_product GROUP BY 1",
    ),
    BATCH: Watched(
        "SELECT EXISTS (SELECT FROM product)",
        "SELECT count(*) FROM outbox",
        "SELECT state, count(*) FROM product GROUP BY 1",
    ),
}
WATCHED[SINGLE] = WATCHED[CORRECTED] = WATCHED[BATCH]


async def timed_round(places: Places, arm: str, number: int) -> float:
    """Events a second of the arm, its results checked."""
    name = f"{arm.replace(', ', '_').replace(' ', '_')}_{number}"
    url = await backbone.new_database(places.admin_url, name, "ingest" if arm == OURS else "bare")
    if arm == OURS:
        await prepare_ours(url)
        await write_leaf(database_url(places.admin_url, database=name), places.leaf)
        command = [sys.executable, "-m", "bench.peer", url, places.bootstrap, name]
    else:
        program = str(PEERS / "faststream_outbox.py")
        leaf = places.leaf / ("corrected.json" if arm == CORRECTED else "received.json")
        mode = SINGLE if arm == SINGLE else BATCH
        command = [str(places.python), program, mode, url, places.bootstrap, name, str(leaf)]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        async with asyncio.timeout(STUCK_SECONDS):
            return await rate(database_url(places.admin_url, database=name), arm, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def rate(url: str, arm: str, process: asyncio.subprocess.Process) -> float:
    """Events a second, from the first product to the last record in the outbox."""
    watched = WATCHED[arm]
    connection = await asyncpg.connect(url)
    while not await connection.fetchval(
        "SELECT to_regclass('outbox') IS NOT NULL"
    ) or not await connection.fetchval(watched.products):
        backbone.require_running([process])
        await asyncio.sleep(0.005)
    began = time.perf_counter()
    begun = await connection.fetchval(watched.outbox)
    while await connection.fetchval(LAST_NUMBER) < PRODUCTS:  # to count would take time of both
        backbone.require_running([process])
        await asyncio.sleep(0.01)
    while (emitted := await connection.fetchval(watched.outbox)) < PRODUCTS:
        backbone.require_running([process])
        await asyncio.sleep(0.01)
    took = time.perf_counter() - began
    states = {str(row[0]): int(row[1]) for row in await connection.fetch(watched.states)}
    await connection.close()
    if states != {"valid": PRODUCTS} or emitted != PRODUCTS:
        raise RuntimeError(f"{arm}: {states}, {emitted} events")
    return float(PRODUCTS - begun) / took


async def main() -> None:
    """On stores of its own, with fsync."""
    if PRODUCTS < LEAST_PRODUCTS:
        raise SystemExit(f"PRODUCTS is to be {LEAST_PRODUCTS} at least: see this file's head")
    python = await asyncio.to_thread(peer_python)
    rates: dict[str, list[float]] = {arm: [] for arm in ARMS}
    machine = load()
    with tempfile.TemporaryDirectory() as folder:
        async with backbone.durable_stores() as (admin_url, bootstrap):
            places = Places(admin_url, bootstrap, python, Path(folder))
            await fill_topic(bootstrap)
            for number in range(ROUNDS + 1):
                for arm in ARMS:
                    found = await timed_round(places, arm, number)
                    print(f"round {number}, {arm}: {found:,.0f}/s", flush=True)
                    if number:
                        rates[arm].append(found)
    ratios = {f"P1p {arm}": ratio(rates[OURS], rates[arm]) for arm in ARMS[1:]}
    result = {
        "command": "make bench-peer",
        "products": PRODUCTS,
        "rounds": ROUNDS,
        "machine": machine,
        "peer": (PEERS / "requirements.txt").read_text().splitlines()[1:],
        "ratios": ratios,
        "events_per_second": {arm: [round(one) for one in some] for arm, some in rates.items()},
        "median_events_per_second": {
            arm: round(statistics.median(some)) for arm, some in rates.items()
        },
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    show("P1p", "over FastStream, batches", ratios["P1p batch"], wanted=">= 2, aim 4")
    show("P1p", "over FastStream, batches, our schema", ratios[f"P1p {CORRECTED}"], wanted="none")
    show("P1p", "over FastStream, single", ratios["P1p single"], wanted=">= 15, aim 30")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        tune_gc()
        uvloop.run(ours(*sys.argv[1:]))
    else:
        asyncio.run(main())
