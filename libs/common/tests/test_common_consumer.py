from collections.abc import Sequence

from backbone_bed import PARTITIONS, Bed, product, until

from common.messaging.consumer import Consumer
from common.messaging.quarantine import lift
from common.messaging.replay import Replayer
from common.postgres.pool import Connection
from common.postgres.unit_of_work import unit_of_work


async def stored(bed: Bed) -> int:
    total = await bed.pool.fetchval("SELECT coalesce(sum(next_offset), 0) FROM consumer_position")
    return int(total)


async def known_catalogues(connection: Connection, waits: Sequence[str]) -> set[str]:
    rows = await connection.fetch("SELECT catalogue_id FROM catalogue")
    return {f"catalogue:{row['catalogue_id']}" for row in rows} & set(waits)


async def test_every_event_takes_effect_once_over_restarts(bed: Bed) -> None:
    await bed.send(*(product(f"p{n}") for n in range(200)))
    first = bed.consumer(max_batch_records=20)
    first.start()
    await until(bed.table_has("seen", 20))
    await first.stop()
    await bed.send(*(product(f"q{n}") for n in range(100)))
    bed.consumer(max_batch_records=20).start()
    await until(bed.table_has("seen", 300))
    assert {row["times"] for row in await bed.fetch("SELECT times FROM seen")} == {1}
    assert await stored(bed) == 300


async def test_kafka_is_shown_positions_never_ahead_of_the_stored_ones(bed: Bed) -> None:
    await bed.send(*(product(f"p{n}") for n in range(50)))
    consumer = bed.consumer()
    consumer.start()
    await until(bed.table_has("seen", 50))
    await consumer.stop()
    assert await bed.shown() == await stored(bed) == 50


async def test_a_bad_record_is_a_dead_letter_and_its_neighbours_are_unharmed(bed: Bed) -> None:
    await bed.send(product("a"))
    await bed.send_raw(b"{not json", b"m1/main/x")
    await bed.send_raw(b'{"merchant_id": 5}', b"m1/main/y")
    await bed.send_raw(None, b"m1/main/z")
    await bed.send(product("b"))
    bed.consumer().start()
    await until(bed.table_has("seen", 2))
    await until(bed.table_has("dead_letter", 3))
    letters = await bed.fetch("SELECT reason, remedy, merchant_id, source FROM dead_letter")
    assert {row["reason"] for row in letters} == {"not-json", "wrong-shape", "no-value"}
    assert {(row["merchant_id"], row["source"]) for row in letters} == {("m1", "/broken")}
    assert all(row["remedy"] for row in letters)
    shown = await bed.fetch("SELECT topic FROM outbox")
    assert [row["topic"] for row in shown] == ["catalog.updated.dead-letter"] * 3


async def test_a_record_the_handler_cannot_take_is_found_by_halving(bed: Bed) -> None:
    events = [product(f"p{n}") for n in range(30)]
    events[17] = product("p17", version="not a number")
    await bed.send(*events)
    bed.consumer().start()
    await until(bed.table_has("dead_letter", 1))
    await until(bed.table_has("seen", 29))
    [letter] = await bed.fetch("SELECT reason, key FROM dead_letter")
    assert (letter["reason"], letter["key"]) == ("handler-refused", b"m1/main/p17")
    assert {row["times"] for row in await bed.fetch("SELECT times FROM seen")} == {1}


async def test_a_stale_owner_is_fenced_and_goes_on_from_the_stored_position(bed: Bed) -> None:
    consumer = bed.consumer()
    consumer.start()
    await bed.send(*(product(f"p{n}") for n in range(30)))
    await until(bed.table_has("seen", 30))
    # Another owner took ten more records of every partition while this one slept.
    await bed.pool.execute("UPDATE consumer_position SET next_offset = next_offset + 10")
    await bed.send(*(product(f"q{n}") for n in range(120)))

    async def passed() -> bool:
        return await stored(bed) == 150

    await until(passed)
    taken = await bed.count("seen")
    assert taken == 30 + 120 - 10 * PARTITIONS
    assert {row["times"] for row in await bed.fetch("SELECT times FROM seen")} == {1}


async def test_a_new_member_shares_the_partitions_and_nothing_is_doubled(bed: Bed) -> None:
    bed.consumer("one", max_batch_records=5).start()
    await bed.send(*(product(f"p{n}") for n in range(150)))
    await until(bed.table_has("seen", 20))
    bed.consumer("two", max_batch_records=5).start()
    await bed.send(*(product(f"q{n}") for n in range(300)))
    await until(bed.table_has("seen", 450))
    assert {row["times"] for row in await bed.fetch("SELECT times FROM seen")} == {1}


async def test_an_event_for_an_unknown_catalogue_is_parked_and_played_later(bed: Bed) -> None:
    consumer = bed.consumer()
    consumer.start()
    await bed.send(product("a", catalogue="later"), product("b"))
    await until(bed.table_has("parked_event", 1))
    replayer = Replayer(bed.pool, [consumer.applier])
    assert not await replayer.sweep(known_catalogues)
    await bed.pool.execute("INSERT INTO catalogue VALUES ('later')")
    assert await replayer.sweep(known_catalogues)
    assert {row["product_id"] for row in await bed.fetch("SELECT product_id FROM seen")} == {
        "a",
        "b",
    }
    assert await bed.count("parked_event") == 0


async def test_a_dead_letter_is_replayed_by_the_groups_own_handler(bed: Bed) -> None:
    consumer = bed.consumer()
    consumer.start()
    await bed.send(product("a", refuse=True))
    await until(bed.table_has("dead_letter", 1))
    replayer = Replayer(bed.pool, [consumer.applier])
    [letter] = await bed.fetch("SELECT id, value FROM dead_letter")
    again = await replayer.replay(letter["id"], merchant_id="m1", actor="op")
    assert (again.outcome, again.reason) == ("rejected", "asked-for")
    mended = letter["value"].replace(b"refuse", b"accept")
    done = await replayer.replay(letter["id"], merchant_id="m1", actor="op", value=mended)
    assert done.outcome == "taken"
    assert await bed.count("seen") == 1
    audit = await bed.fetch("SELECT action, outcome FROM dead_letter_audit ORDER BY id")
    assert [tuple(row) for row in audit] == [
        ("replay", "rejected: asked-for"),
        ("replay-edited", "taken"),
    ]


async def test_a_poisonous_source_is_quarantined_alone_and_lifted(bed: Bed) -> None:
    consumer = bed.consumer()
    consumer.start()
    for n in range(150):
        await bed.producer.send(
            bed.prefix + "catalog.updated",
            b"poison",
            f"m1/main/{n}".encode(),
            headers=[("ce_type", b"channel.catalog.updated.v1"), ("ce_source", b"/broken")],
        )
    await bed.producer.flush()
    await until(bed.table_has("quarantine", 1))
    await bed.send(product("held"), source="/broken")
    await bed.send(product("free"), source="/shop-system")
    await bed.send(product("other", merchant="m2"), source="/broken")
    await until(bed.table_has("seen", 2))
    await until(bed.table_has("parked_event", 1))
    assert {row["product_id"] for row in await bed.fetch("SELECT product_id FROM seen")} == {
        "free",
        "other",
    }
    async with unit_of_work(bed.pool) as connection:
        assert await lift(connection, "test.sources", "/broken", "m1")
    assert await Replayer(bed.pool, [consumer.applier]).sweep(known_catalogues)
    assert await bed.count("seen") == 3


async def test_a_consumer_knows_when_it_has_caught_up(bed: Bed) -> None:
    await bed.send(*(product(f"p{n}") for n in range(40)))
    consumer = bed.consumer()
    assert not consumer.caught_up.is_set()
    consumer.start()

    async def caught_up() -> bool:
        return consumer.caught_up.is_set()

    await until(caught_up)
    assert await bed.count("seen") == 40


async def test_a_position_off_the_log_stops_the_consumer_and_names_the_remedy(bed: Bed) -> None:
    await bed.send(*(product(f"p{n}") for n in range(9)))
    consumer: Consumer = bed.consumer()
    consumer.start()
    await until(bed.table_has("seen", 9))
    await consumer.stop()
    await bed.pool.execute("UPDATE consumer_position SET next_offset = 1000000")
    lost = bed.consumer()
    lost.start()

    async def stopped() -> bool:
        return lost.failure is not None

    await until(stopped)
    assert "positions reset" in str(lost.failure)
    assert not lost.is_ready
