import asyncio
import time
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from hypothesis import given
from hypothesis import strategies as st

from common.messaging.outbox import add_events
from common.messaging.relay import Relay, outcome_of, settled, until_answered
from common.postgres.unit_of_work import unit_of_work
from stack.testing import eventually
from stack.testing.poison import failed_rows

from .backbone_harness import Harness, product


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30))
def test_per_key_nothing_is_deleted_past_the_first_refusal(rows: list[tuple[int, bool]]) -> None:
    claimed = [(place, ("topic", bytes([key]))) for place, (key, _) in enumerate(rows)]
    outcomes = [None if acknowledged else OSError() for _, acknowledged in rows]
    deletable, failure = settled(claimed, outcomes)
    for key in range(4):
        places = [place for place, (k, _) in enumerate(rows) if k == key]
        refused = [place for place in places if outcomes[place] is not None]
        expected = [place for place in places if not refused or place < refused[0]]
        assert [place for place in deletable if place in places] == expected
    assert (failure is None) == all(acknowledged for _, acknowledged in rows)


async def test_a_batch_is_answered_once_every_record_is_however_it_is() -> None:
    acknowledged, refused, given_up, late = (
        asyncio.get_running_loop().create_future() for _ in range(4)
    )
    refusal = OSError()
    acknowledged.set_result(object())
    refused.set_exception(refusal)
    given_up.cancel()
    waiting = asyncio.create_task(until_answered([late, acknowledged, refused, given_up]))
    await asyncio.wait([waiting], timeout=0)
    assert not waiting.done()
    late.set_result(object())
    await waiting
    assert [outcome_of(each, None) for each in (acknowledged, refused, late)] == [
        None,
        refusal,
        None,
    ]
    assert isinstance(outcome_of(given_up, None), asyncio.CancelledError)


async def test_a_batch_given_up_gives_up_each_record_that_is_not_answered() -> None:
    answered, first, second = (asyncio.get_running_loop().create_future() for _ in range(3))
    answered.set_result(object())
    waiting = asyncio.create_task(until_answered([answered, first, second]))
    await asyncio.wait([waiting], timeout=0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert outcome_of(answered, None) is None
    assert first.cancelled()
    assert second.cancelled()


async def consume(harness: Harness, count: int, *, containing: bytes = b"") -> list[Any]:
    reader = AIOKafkaConsumer(
        harness.prefix + "catalog.updated",
        bootstrap_servers=harness.bootstrap,
        auto_offset_reset="earliest",
    )
    await reader.start()
    records: list[Any] = []
    async with asyncio.timeout(20):
        while len(records) < count:
            for batch in (await reader.getmany(timeout_ms=200)).values():
                records += [record for record in batch if containing in record.value]
    await reader.stop()
    return records


async def add(harness: Harness, *names: str) -> None:
    async with unit_of_work(harness.pool) as connection:
        await add_events(
            connection,
            [product("one", name=name) for name in names],
            source="/test",
        )


async def test_events_of_a_key_are_published_in_commit_order_and_leave_the_outbox(
    harness: Harness,
) -> None:
    relay = Relay(harness.url, harness.bootstrap, service="test", topic_prefix=harness.prefix)
    relay.start()
    for n in range(20):
        await add(harness, f"{n}a", f"{n}b")
    records = await consume(harness, 40)
    names = [record.value.split(b'"name":"')[1].split(b'"')[0].decode() for record in records]
    assert names == [f"{n}{letter}" for n in range(20) for letter in "ab"]

    async def empty() -> bool:
        return await harness.count("outbox") == 0

    await eventually(empty)
    await relay.stop()


async def test_what_this_process_commits_is_published_without_waiting_for_a_poll(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.messaging.relay.IDLE_POLL", timedelta(hours=1))
    relay = Relay(harness.url, harness.bootstrap, service="test", topic_prefix=harness.prefix)
    relay.start()
    for number in range(1, 4):
        await add(harness, str(number))
        assert len(await consume(harness, number)) == number
    began = time.monotonic()
    await relay.stop()
    assert time.monotonic() - began < 2, "it slept on when asked to stop"


async def test_a_second_relay_stands_by_and_takes_over(harness: Harness) -> None:
    first = Relay(harness.url, harness.bootstrap, service="test", topic_prefix=harness.prefix)
    second = Relay(harness.url, harness.bootstrap, service="test", topic_prefix=harness.prefix)
    first.start()

    async def is_active(relay: Relay) -> bool:
        return relay.is_active

    await eventually(lambda: is_active(first))
    second.start()
    await add(harness, "a")
    await consume(harness, 1)
    assert not second.is_active
    await first.stop()
    await eventually(lambda: is_active(second))
    await add(harness, "b")
    assert len(await consume(harness, 2)) == 2
    await second.stop()


async def test_a_relay_whose_connection_is_cut_publishes_what_is_left(harness: Harness) -> None:
    relay = Relay(harness.url, harness.bootstrap, service="test", topic_prefix=harness.prefix)
    relay.start()
    await add(harness, "a")
    await consume(harness, 1)
    await harness.cut_relay_off()
    await add(harness, "b")
    # "a" may come twice: the connection may go between the acknowledgement and the delete.
    await consume(harness, 1, containing=b'"b"')
    await relay.stop()


async def test_an_event_committed_after_a_later_one_was_published_is_published_too(
    harness: Harness,
) -> None:
    relay = Relay(harness.url, harness.bootstrap, service="test", topic_prefix=harness.prefix)
    relay.start()
    slow = await asyncpg.connect(harness.url)
    late = slow.transaction()
    await late.start()
    await add_events(slow, [product("slow", name="slow")], source="/test")
    await add(harness, "quick")
    assert len(await consume(harness, 1)) == 1
    await late.commit()
    assert len(await consume(harness, 2)) == 2
    await slow.close()
    await relay.stop()


async def test_a_record_no_broker_takes_is_held_back_alone(harness: Harness) -> None:
    await add(harness, "first", "no headers", "too large", "last")
    ids = [row["id"] for row in await harness.pool.fetch("SELECT id FROM outbox ORDER BY id")]
    await harness.pool.execute("UPDATE outbox SET headers = '[[' WHERE id = $1", ids[1])
    await harness.pool.execute(
        "UPDATE outbox SET value = convert_to(repeat('x', 20000000), 'UTF8') WHERE id = $1", ids[2]
    )
    relay = Relay(harness.url, harness.bootstrap, service="test", topic_prefix=harness.prefix)
    relay.start()

    records = await consume(harness, 2)

    assert [b"first" in records[0].value, b"last" in records[1].value] == [True, True]

    async def are_left() -> bool:
        left = await harness.pool.fetch("SELECT id FROM outbox ORDER BY id")
        return [row["id"] for row in left] == ids[1:3]

    await eventually(are_left)
    held = await failed_rows(harness.pool)
    assert held == [("relay", "m1", str(number)) for number in ids[1:3]]
    await harness.pool.execute("UPDATE outbox SET headers = '[]', value = '{}'")
    await harness.pool.execute("UPDATE failed_row SET retry_at = failed_at")

    async def are_gone() -> bool:
        left = await harness.pool.fetchval("SELECT count(*) FROM outbox")
        return not left and not await failed_rows(harness.pool)

    await eventually(are_gone)
    await relay.stop()
