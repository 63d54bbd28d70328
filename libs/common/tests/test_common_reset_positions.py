"""`python -m <service> positions reset`, on real Kafka and Postgres."""

import asyncio
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import SettingsConfigDict

from common.service import Context, Parts, Service, main
from common.settings import ServiceSettings
from stack.testing import eventually

from .backbone_harness import Harness, product

RESET = ("positions", "reset", "--group", "test.sources", "--topic", "catalog.updated")


class BedSettings(ServiceSettings):
    """The harness's, as its service would be published them."""

    model_config = SettingsConfigDict(env_prefix="BED_")


def build(_context: Context[Any]) -> Parts:
    raise AssertionError("a command needs no parts")


SERVICE = Service("harness", BedSettings, Path("nowhere"), build)


@pytest.fixture(autouse=True)
def published(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's environment; Kafka keeps the harness's members for six seconds."""
    for name, value in {
        "PORT": "0",
        "DATABASE_URL": harness.url,
        "KAFKA_BOOTSTRAP": harness.bootstrap,
        "TOPIC_PREFIX": harness.prefix,
        "SESSION_TIMEOUT_SECONDS": "8",
    }.items():
        monkeypatch.setenv(f"BED_{name}", value)


async def type_(*words: str) -> str | None:
    """Run the service's command line; what it refuses with."""
    try:
        await asyncio.to_thread(main, SERVICE, words)
    except SystemExit as end:
        return str(end.code)
    return None


async def times_seen(harness: Harness) -> set[int]:
    return {row["times"] for row in await harness.fetch("SELECT times FROM seen")}


async def taken_once(harness: Harness) -> None:
    await harness.send(*(product(f"p{n}") for n in range(9)))
    await eventually(harness.table_has("seen", 9))


async def test_the_remedy_of_a_lost_position_can_be_typed_as_it_is_told(harness: Harness) -> None:
    consumer = harness.consumer()
    consumer.start()
    await taken_once(harness)
    await consumer.stop()
    await harness.pool.execute("UPDATE consumer_position SET next_offset = 1000000")
    lost = harness.consumer()
    lost.start()

    async def has_stopped() -> bool:
        return lost.failure is not None

    await eventually(has_stopped)
    published = re.search(r"`python -m <service> (.+)`", str(lost.failure))
    assert published is not None
    words = shlex.split(published[1].replace("<group>", lost.group))
    assert await type_(*words) is None
    assert await harness.count("consumer_position") == 0
    harness.consumer().start()

    async def is_read_again() -> bool:
        return await times_seen(harness) == {2}

    await eventually(is_read_again)


async def test_a_group_with_members_is_not_reset_unless_forced(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BED_SESSION_TIMEOUT_SECONDS", "0")
    harness.consumer("one").start()
    await taken_once(harness)
    stored = await harness.fetch("SELECT * FROM consumer_position ORDER BY partition")
    refusal = await type_(*RESET)
    assert refusal is not None
    assert "has members" in refusal
    assert "--force" in refusal
    assert await harness.fetch("SELECT * FROM consumer_position ORDER BY partition") == stored
    assert await times_seen(harness) == {1}
    assert await type_(*RESET, "--force") is None
    # the living member finds its position gone with the next record, and starts over
    await harness.send(*(product(f"q{n}") for n in range(9)))

    async def is_read_again() -> bool:
        rows = await harness.fetch("SELECT times FROM seen WHERE product_id LIKE 'p%'")
        return {row["times"] for row in rows} == {2}

    await eventually(is_read_again)
    await eventually(harness.table_has("seen", 18))


async def test_only_what_the_group_stores_can_be_reset(harness: Harness) -> None:
    consumer = harness.consumer()
    consumer.start()
    await taken_once(harness)
    await consumer.stop()
    for group, topic in (("test.feeds", "catalog.updated"), ("test.sources", "shop.state")):
        refusal = await type_("positions", "reset", "--group", group, "--topic", topic, "--force")
        assert refusal is not None
        assert "test.sources: catalog.updated" in refusal
    assert await harness.count("consumer_position") == 3


async def test_while_kafka_is_away_nothing_is_reset_unless_forced(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = harness.consumer()
    consumer.start()
    await taken_once(harness)
    await consumer.stop()
    monkeypatch.setenv("BED_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    refusal = await type_(*RESET)
    assert refusal is not None
    assert "Kafka does not say" in refusal
    assert await harness.count("consumer_position") == 3
    assert await type_(*RESET, "--force") is None
    assert await harness.count("consumer_position") == 0
