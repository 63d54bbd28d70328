"""A parked record that fails when replayed becomes a dead letter; its neighbours are taken. Large
ones are replayed fewer at a time."""

import pytest

from common.messaging import dead_letters
from common.messaging.replay import Replayer
from stack.testing import eventually
from stack.testing.poison import poison

from .backbone_harness import Harness, product
from .test_common_consumer import known_catalogues


async def test_a_parked_record_that_fails_does_so_alone(harness: Harness) -> None:
    consumer = harness.consumer()
    consumer.start()
    names = [f"p{number}" for number in range(20)]
    await harness.send(*(product(name, catalogue="later") for name in names))
    await eventually(harness.table_has("parked_event", 20))
    await consumer.stop()
    await harness.pool.execute("INSERT INTO catalogue VALUES ('later')")
    await poison(harness.pool, "seen", "INSERT", "NEW.product_id = 'p7'")

    replayer = Replayer(harness.pool, [consumer.applier])
    while await replayer.sweep(known_catalogues):
        pass

    taken = await harness.pool.fetch("SELECT product_id FROM seen")
    assert {name for (name,) in taken} == {*names} - {"p7"}
    assert await harness.count("parked_event") == 0
    [letter] = await harness.fetch("SELECT key, reason FROM dead_letter")
    assert letter["key"].endswith(b"/p7")


async def test_of_large_parked_records_fewer_are_replayed_at_a_time(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "FULL_AT_BYTES", 50_000)
    consumer = harness.consumer()
    consumer.start()
    large = [product(f"p{n}", catalogue="later", title="x" * 10_000) for n in range(60)]
    await harness.send(*large)
    await eventually(harness.table_has("parked_event", 60))
    await consumer.stop()
    await harness.pool.execute("INSERT INTO catalogue VALUES ('later')")

    replayer = Replayer(harness.pool, [consumer.applier])
    while await replayer.sweep(known_catalogues):
        pass

    replayed = await harness.fetch("SELECT count(*) AS products FROM seen GROUP BY xmin::text")
    assert sum(row["products"] for row in replayed) == 60
    assert max(row["products"] for row in replayed) <= 5
