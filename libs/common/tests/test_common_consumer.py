from collections.abc import Sequence
from datetime import timedelta

import pytest

from common.messaging import batch_loop
from common.messaging.consumer import Consumer
from common.messaging.quarantine import lift
from common.messaging.replay import Replayer
from common.postgres.pool import Connection
from common.postgres.unit_of_work import unit_of_work
from stack.testing import eventually

from .backbone_harness import PARTITIONS, Harness, product


async def stored(harness: Harness) -> int:
    total = await harness.pool.fetchval(
        "SELECT coalesce(sum(next_offset), 0) FROM consumer_position"
    )
    return int(total)


async def known_catalogues(connection: Connection, waits: Sequence[str]) -> set[str]:
    rows = await connection.fetch("SELECT catalogue_id FROM catalogue")
    return {f"catalogue:{row['catalogue_id']}" for row in rows} & set(waits)


async def test_every_event_takes_effect_once_over_restarts(harness: Harness) -> None:
    await harness.send(*(product(f"p{n}") for n in range(200)))
    first = harness.consumer(max_batch_records=20)
    first.start()
    await eventually(harness.table_has("seen", 20))
    await first.stop()
    await harness.send(*(product(f"q{n}") for n in range(100)))
    harness.consumer(max_batch_records=20).start()
    await eventually(harness.table_has("seen", 300))
    assert {row["times"] for row in await harness.fetch("SELECT times FROM seen")} == {1}
    assert await stored(harness) == 300


async def test_a_batch_of_large_records_has_fewer(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_loop, "FULL_AT_BYTES", 50_000)
    monkeypatch.setattr(batch_loop, "FETCHED_AT_ONCE", 2)
    await harness.send(*(product(f"p{n}", title="x" * 10_000) for n in range(60)))
    harness.consumer().start()
    await eventually(harness.table_has("seen", 60))
    batches = await harness.fetch("SELECT count(*) AS products FROM seen GROUP BY xmin::text")
    assert max(row["products"] for row in batches) <= 6


async def test_partitions_without_records_do_not_hold_up_one_that_has_many(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_loop, "IDLE_FETCH", timedelta(hours=1))
    await harness.execute_as_owner(
        """
        CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN PERFORM pg_sleep(0.15); RETURN new; END';
        CREATE TRIGGER slow BEFORE INSERT ON seen FOR EACH ROW EXECUTE FUNCTION take_long()
        """
    )
    a_few_at_a_time = "x" * 200_000
    large = {f"part_{n}": a_few_at_a_time for n in range(4)}
    await harness.send(*[product("p", **large) for _ in range(12)])
    harness.consumer(max_batch_records=1).start()

    async def taken() -> bool:
        return await stored(harness) == 12

    await eventually(taken)


async def test_kafka_is_shown_positions_never_ahead_of_the_stored_ones(harness: Harness) -> None:
    await harness.send(*(product(f"p{n}") for n in range(50)))
    consumer = harness.consumer()
    consumer.start()
    await eventually(harness.table_has("seen", 50))
    await consumer.stop()
    assert await harness.shown() == await stored(harness) == 50


async def test_a_bad_record_is_a_dead_letter_and_its_neighbours_are_unharmed(
    harness: Harness,
) -> None:
    await harness.send(product("a"))
    await harness.send_raw(b"{not json", b"m1/main/x")
    await harness.send_raw(b'{"merchant_id": 5}', b"m1/main/y")
    await harness.send_raw(None, b"m1/main/z")
    await harness.send(product("b"))
    harness.consumer().start()
    await eventually(harness.table_has("seen", 2))
    await eventually(harness.table_has("dead_letter", 3))
    letters = await harness.fetch("SELECT reason, remedy, merchant_id, source FROM dead_letter")
    assert {row["reason"] for row in letters} == {"not-json", "wrong-shape", "no-value"}
    assert {(row["merchant_id"], row["source"]) for row in letters} == {("m1", "/broken")}
    assert all(row["remedy"] for row in letters)
    shown = await harness.fetch("SELECT topic FROM outbox")
    assert [row["topic"] for row in shown] == ["catalog.updated.dead-letter"] * 3


async def test_a_record_the_handler_cannot_take_is_found_by_halving(harness: Harness) -> None:
    events = [product(f"p{n}") for n in range(30)]
    events[17] = product("p17", version="not a number")
    await harness.send(*events)
    harness.consumer().start()
    await eventually(harness.table_has("dead_letter", 1))
    await eventually(harness.table_has("seen", 29))
    [letter] = await harness.fetch("SELECT reason, key FROM dead_letter")
    assert (letter["reason"], letter["key"]) == ("handler-refused", b"m1/main/p17")
    assert {row["times"] for row in await harness.fetch("SELECT times FROM seen")} == {1}


async def test_a_stale_owner_is_fenced_and_goes_on_from_the_stored_position(
    harness: Harness,
) -> None:
    consumer = harness.consumer()
    consumer.start()
    await harness.send(*(product(f"p{n}") for n in range(30)))
    await eventually(harness.table_has("seen", 30))
    # Another owner took ten more records of every partition while this one slept.
    await harness.pool.execute("UPDATE consumer_position SET next_offset = next_offset + 10")
    await harness.send(*(product(f"q{n}") for n in range(120)))

    async def passed() -> bool:
        return await stored(harness) == 150

    await eventually(passed)
    taken = await harness.count("seen")
    assert taken == 30 + 120 - 10 * PARTITIONS
    assert {row["times"] for row in await harness.fetch("SELECT times FROM seen")} == {1}


async def test_a_new_member_shares_the_partitions_and_nothing_is_doubled(harness: Harness) -> None:
    harness.consumer("one", max_batch_records=5).start()
    await harness.send(*(product(f"p{n}") for n in range(150)))
    await eventually(harness.table_has("seen", 20))
    harness.consumer("two", max_batch_records=5).start()
    await harness.send(*(product(f"q{n}") for n in range(300)))
    await eventually(harness.table_has("seen", 450))
    assert {row["times"] for row in await harness.fetch("SELECT times FROM seen")} == {1}


async def test_an_event_for_an_unknown_catalogue_is_parked_and_replayed_later(
    harness: Harness,
) -> None:
    consumer = harness.consumer()
    consumer.start()
    await harness.send(product("a", catalogue="later"), product("b"))
    await eventually(harness.table_has("parked_event", 1))
    replayer = Replayer(harness.pool, [consumer.applier])
    assert not await replayer.sweep(known_catalogues)
    await harness.pool.execute("INSERT INTO catalogue VALUES ('later')")
    assert await replayer.sweep(known_catalogues)
    assert {row["product_id"] for row in await harness.fetch("SELECT product_id FROM seen")} == {
        "a",
        "b",
    }
    assert await harness.count("parked_event") == 0


async def test_a_dead_letter_is_replayed_by_the_groups_own_handler(harness: Harness) -> None:
    consumer = harness.consumer()
    consumer.start()
    await harness.send(product("a", refuse=True))
    await eventually(harness.table_has("dead_letter", 1))
    replayer = Replayer(harness.pool, [consumer.applier])
    [letter] = await harness.fetch("SELECT id, value FROM dead_letter")
    again = await replayer.replay(letter["id"], merchant_id="m1", actor="op")
    assert (again.outcome, again.reason) == ("rejected", "asked-for")
    corrected = letter["value"].replace(b"refuse", b"accept")
    done = await replayer.replay(letter["id"], merchant_id="m1", actor="op", value=corrected)
    assert done.outcome == "taken"
    assert await harness.count("seen") == 1
    audit = await harness.fetch("SELECT action, outcome FROM dead_letter_audit ORDER BY id")
    assert [tuple(row) for row in audit] == [
        ("replay", "rejected: asked-for"),
        ("replay-edited", "taken"),
    ]


async def test_a_poisonous_source_is_quarantined_alone_and_lifted(harness: Harness) -> None:
    consumer = harness.consumer()
    consumer.start()
    for n in range(150):
        await harness.producer.send(
            harness.prefix + "catalog.updated",
            b"poison",
            f"m1/main/{n}".encode(),
            headers=[("ce_type", b"channel.catalog.updated.v1"), ("ce_source", b"/broken")],
        )
    await harness.producer.flush()
    await eventually(harness.table_has("quarantine", 1))
    await harness.send(product("held"), source="/broken")
    await harness.send(product("free"), source="/shop-system")
    await harness.send(product("other", merchant="m2"), source="/broken")
    await eventually(harness.table_has("seen", 2))
    await eventually(harness.table_has("parked_event", 1))
    assert {row["product_id"] for row in await harness.fetch("SELECT product_id FROM seen")} == {
        "free",
        "other",
    }
    async with unit_of_work(harness.pool) as connection:
        assert await lift(connection, "test.sources", "/broken", "m1")
    assert await Replayer(harness.pool, [consumer.applier]).sweep(known_catalogues)
    assert await harness.count("seen") == 3


async def test_a_consumer_knows_when_it_has_caught_up(harness: Harness) -> None:
    await harness.send(*(product(f"p{n}") for n in range(40)))
    consumer = harness.consumer()
    assert not consumer.caught_up.is_set()
    consumer.start()

    async def caught_up() -> bool:
        return consumer.caught_up.is_set()

    await eventually(caught_up)
    assert await harness.count("seen") == 40


async def test_an_idle_consumer_stops_at_once(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_loop, "FETCH_WAIT", timedelta(hours=1))
    consumer = harness.consumer()
    consumer.start()
    await eventually(consumer.caught_up.wait)
    await consumer.stop()
    assert consumer.task is not None
    assert consumer.task.done()
    assert not consumer.task.cancelled()


async def test_a_position_off_the_log_stops_the_consumer_and_names_the_remedy(
    harness: Harness,
) -> None:
    await harness.send(*(product(f"p{n}") for n in range(9)))
    consumer: Consumer = harness.consumer()
    consumer.start()
    await eventually(harness.table_has("seen", 9))
    await consumer.stop()
    await harness.pool.execute("UPDATE consumer_position SET next_offset = 1000000")
    lost = harness.consumer()
    lost.start()

    async def stopped() -> bool:
        return lost.failure is not None

    await eventually(stopped)
    assert "positions reset" in str(lost.failure)
    assert not lost.is_ready
