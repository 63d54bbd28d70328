"""One storm: traffic through two replicas of catalog-service on to feed-publisher, under faults."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from aiokafka import AIOKafkaProducer

from channel_cli.client import Channel
from channel_cli.following import apply_feed
from channel_cli.session import open_session
from channel_cli.settings import Access
from channel_demo.consent import agree
from common.contracts.catalog import CatalogUpdated
from common.contracts.product import ProductNormalized
from stack.ports import free_port
from stack.processes import Process, Spawn
from stack.run import Stack, running_stack
from stack.sandbox import answers
from stack.settings import StackSettings
from stack.system import CATALOG, PUBLISHER, Ports
from stack.testing import FaultProxy, proxy_to

from .faults import SESSION_TIMEOUT, FaultCounts, FaultInjector
from .ledger import OUTAGES, Watcher, end_offsets, violations, work_in_flight
from .traffic import CATALOGUE, MERCHANT, Sent, Traffic, make_traffic

SELLER = "2200100001"
FEED = "storm"
CONFIGURATION = {
    "shop": "main",
    "catalogue": CATALOGUE,
    "main_locale": "en_US",
    "currency": "USD",
    "image_checks": "off",
    "category": {"source": {"constant": "Notebooks"}, "exact": {"Notebooks": "211105"}},
    "languages": {
        "en_US": {"title": {"field": "title"}, "description": {"constant": "A notebook."}}
    },
    "attributes": {
        "sku_code": {"field": "sku"},
        "price": {"field": "price"},
        "inventory": {"field": "stock"},
        "image_url_list": {"constant": "https://pictures.example/notebook.jpg"},
        "product_units_type": {"constant": "piece/pieces"},
        "inventory_deduction_strategy": {"constant": "place_order_withhold"},
        "package_weight": {"constant": 0.3},
        "package_length": {"constant": 30},
        "package_width": {"constant": 20},
        "package_height": {"constant": 10},
        "shipping_preparation_time": {"constant": 3},
        "shipping_template_id": {"constant": "free shipping"},
        "service_template_id": {"constant": "0"},
    },
    "category_attributes": {},
    "sku_attributes": {"Color": {"field": "colour"}},
}
"""Valid but for what the leaf requires: normalizing works fully, nothing is ever published."""

COMMANDS = {"short": "make test-one TEST=tests/storms", "long": "make storm"}
QUIET_WITHIN = timedelta(seconds=120)


@dataclass(frozen=True)
class Outcome:
    """How a storm went."""

    seed: int
    events: int
    faults: dict[str, int]
    violations: list[str]
    ahead: list[str]
    samples: int
    seconds: float
    seconds_to_quiet: float


async def run_storm(
    folder: Path, spawn: Spawn, *, seed: int, events: int, counts: FaultCounts
) -> Outcome:
    """Run it, its programs started by `spawn`; raises when it does not come back by itself."""
    began = time.monotonic()
    chance = random.Random(seed)
    traffic = make_traffic(seed, events)
    async with storm_system(folder, spawn) as system:
        watcher = Watcher(
            system.bootstrap, {"catalog": system.catalog, "publisher": system.publisher}
        )
        is_over = asyncio.Event()
        sampling = asyncio.create_task(watcher.run(is_over))
        await _inject_faults(system, traffic, counts, chance)
        disturbed_until = time.monotonic()
        await _wait_for_quiet(system, len(traffic.records))
        to_quiet = time.monotonic() - disturbed_until
        is_over.set()
        await sampling
        await watcher.sample()
        found = await _violations_at_rest(system, traffic)
    return Outcome(
        seed,
        events,
        dict(system.faults.injected),
        found,
        watcher.ahead,
        watcher.samples,
        round(time.monotonic() - began, 1),
        round(to_quiet, 1),
    )


@dataclass
class System:
    """The running parts a storm needs to know."""

    stack: Stack
    bootstrap: str
    catalog: str
    publisher: str
    faults: FaultInjector
    producer: AIOKafkaProducer


@asynccontextmanager
async def storm_system(folder: Path, spawn: Spawn) -> AsyncIterator[System]:
    """The whole stack, a second replica of catalog-service, a connected shop and a feed.

    The replica reaches Postgres through a proxy, whose connections can be cut.
    """
    settings = {"SESSION_TIMEOUT_SECONDS": str(SESSION_TIMEOUT.total_seconds())}
    environment = {
        service.name: {f"{service.prefix}_{name}": value for name, value in settings.items()}
        for service in (CATALOG, PUBLISHER)
    }
    stack_settings = StackSettings(state_dir=folder)
    async with (
        running_stack(
            stack_settings, ports=Ports.free(), environment=environment, spawn=spawn
        ) as stack,
        proxy_to(stack.database_url(CATALOG.name)) as proxy,
    ):
        replica = _second_replica(stack, proxy, spawn)
        await replica.start()
        chance = random.Random(0)
        victims = [stack.process(CATALOG.name), replica, stack.process(PUBLISHER.name)]
        faults = FaultInjector(stack, victims, partial(_cut, proxy), chance)
        await _declare(stack)
        producer = AIOKafkaProducer(
            bootstrap_servers=stack.addresses.kafka_bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=5,
        )
        await producer.start()
        try:
            yield System(
                stack,
                stack.addresses.kafka_bootstrap,
                stack.database_url(CATALOG.name),
                stack.database_url(PUBLISHER.name),
                faults,
                producer,
            )
        finally:
            await producer.stop()
            await replica.stop()


def _second_replica(stack: Stack, proxy: FaultProxy, spawn: Spawn) -> Process:
    first = stack.process(CATALOG.name).command
    port = free_port()
    environment = dict(first.environment) | {
        "CATALOG_PORT": str(port),
        "CATALOG_INSTANCE_ID": "catalog-service-1",
        "CATALOG_DATABASE_URL": proxy.reroute(first.environment["CATALOG_DATABASE_URL"]),
    }
    command = replace(
        first,
        name="catalog-service-2",
        environment=environment,
        log=first.log.with_name("catalog-service-2.log"),
    )

    async def is_ready(_pid: int) -> bool:
        return await answers(f"http://127.0.0.1:{port}/health/ready")

    return Process(command, is_ready=is_ready, spawn=spawn)


async def _cut(proxy: FaultProxy) -> None:
    proxy.cut()


async def _declare(stack: Stack) -> None:
    async with open_session(Access.of_stack(stack.addresses)) as session:
        channel = Channel(session)
        await channel.register_merchant(MERCHANT, name="Storm", is_eligible=True)
        link = await channel.connect_shop(MERCHANT, "main")
        await agree(link.start_url, seller_id=SELLER)
        await channel.register_catalogue(
            MERCHANT, CATALOGUE, versioning="explicit", fed_by="events"
        )
        await apply_feed(channel, MERCHANT, FEED, CONFIGURATION)


async def _inject_faults(
    system: System, traffic: Traffic, counts: FaultCounts, chance: random.Random
) -> None:
    """A share of the traffic with each fault, so that there always is work to disturb."""
    kinds = counts.shuffled(chance)
    share = len(traffic.records) // len(kinds) + 1
    sent = 0
    for number, kind in enumerate(kinds):
        records = traffic.records[number * share : (number + 1) * share]
        sending = asyncio.create_task(_send(system.producer, records))
        await _until_in_flight(system, sent)
        await system.faults.inject(kind)
        await sending
        sent += len(records)
    await system.faults.settle()


async def _send(producer: AIOKafkaProducer, records: list[Sent]) -> None:
    futures = [
        await producer.send(CatalogUpdated.topic, record.value, record.key, headers=record.headers)
        for record in records
    ]
    await asyncio.gather(*futures)


async def _until_in_flight(system: System, sent_before: int) -> None:
    """A fault counts only when there is work to disturb."""
    async with asyncio.timeout(60):
        while True:
            try:
                ends = await _sent_so_far(system)
                if await _in_flight(system, max(ends, sent_before)) > 0:
                    return
            except OUTAGES:
                await asyncio.sleep(0.1)


async def _sent_so_far(system: System) -> int:
    return sum((await end_offsets(system.bootstrap, CatalogUpdated.topic)).values())


async def _in_flight(system: System, sent: int) -> int:
    return await work_in_flight(system.bootstrap, system.catalog, system.publisher, sent)


async def _wait_for_quiet(system: System, sent: int) -> None:
    """Without a person: lag, marks and outbox return to zero by themselves (invariant 9)."""
    async with asyncio.timeout(QUIET_WITHIN.total_seconds()):
        while True:
            try:
                if await _in_flight(system, sent) == 0:
                    return
            except OUTAGES:
                pass
            await asyncio.sleep(0.3)


async def _violations_at_rest(system: System, traffic: Traffic) -> list[str]:
    """What is wrong while nothing moves: a family that is evaluated again while the books are read
    stands in some of them already and in others not yet."""
    sent = len(traffic.records)
    while True:
        await _wait_for_quiet(system, sent)
        before = await end_offsets(system.bootstrap, ProductNormalized.topic)
        found = await violations(traffic, system.bootstrap, system.catalog, system.publisher)
        after = await end_offsets(system.bootstrap, ProductNormalized.topic)
        if before == after and await _in_flight(system, sent) == 0:
            return found


def replay_command(outcome: Outcome, length: str) -> str:
    """What runs this storm again."""
    return f"STORM_SEED={outcome.seed} {COMMANDS[length]}"


def seed_from_environment() -> int:
    """The seed asked for, else a new one."""
    return int(os.environ.get("STORM_SEED") or random.SystemRandom().randrange(1, 1_000_000))
