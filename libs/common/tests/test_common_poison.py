"""Ten thousand poison events of thirty kinds from one source: everyone else's arrive unhurt."""

import msgspec

from common.contracts.envelope import Headers
from common.messaging.quarantine import lift
from common.messaging.replay import Replayer
from common.postgres.unit_of_work import unit_of_work
from stack.testing import eventually

from .backbone_harness import Harness, product
from .test_common_consumer import known_catalogues

POISON = 10_000
SOURCE = b"/broken"
TYPE = b"channel.catalog.updated.v1"


def data(**changes: object) -> bytes:
    whole: dict[str, object] = {
        "merchant_id": "m1",
        "catalogue_id": "main",
        "product_id": "p",
        "action": "upsert",
        "fields": {},
    }
    return msgspec.json.encode({**whole, **changes})


def without(name: str) -> bytes:
    return msgspec.json.encode(
        {key: value for key, value in msgspec.json.decode(data()).items() if key != name}
    )


KEY = b"m1/main/p"

KINDS: dict[str, tuple[bytes | None, bytes | None, bytes | None]] = {
    "not JSON": (KEY, b"<html>", TYPE),
    "empty": (KEY, b"", TYPE),
    "truncated": (KEY, data()[:-5], TYPE),
    "two documents": (KEY, data() + data(), TYPE),
    "UTF-16": (KEY, data().decode().encode("utf-16"), TYPE),
    "bytes": (KEY, bytes(range(256)), TYPE),
    "CSV": (KEY, b"id;title\n1;Mug", TYPE),
    "null": (KEY, b"null", TYPE),
    "no value": (KEY, None, TYPE),
    "array": (KEY, b"[]", TYPE),
    "text": (KEY, b'"product"', TYPE),
    "number": (KEY, b"1", TYPE),
    "empty object": (KEY, b"{}", TYPE),
    "too deep": (KEY, b'{"merchant_id":' + b"[" * 5_000, TYPE),
    "no merchant": (KEY, without("merchant_id"), TYPE),
    "no catalogue": (KEY, without("catalogue_id"), TYPE),
    "no product": (KEY, without("product_id"), TYPE),
    "no action": (KEY, without("action"), TYPE),
    "unknown action": (KEY, data(action="replace"), TYPE),
    "fields a list": (KEY, data(fields=[]), TYPE),
    "nested fields": (KEY, data(fields={"price": {"amount": 1}}), TYPE),
    "merchant a number": (KEY, data(merchant_id=1), TYPE),
    "merchant with a slash": (KEY, data(merchant_id="a/b"), TYPE),
    "version as text": (KEY, data(version="1"), TYPE),
    "negative version": (KEY, data(version=-1), TYPE),
    "version 2^63": (KEY, data(version=2**63), TYPE),
    "NUL": (KEY, data(fields={"title": "a\x00b"}), TYPE),
    "too large": (KEY, data(fields={f"f{n}": "x" * 99_000 for n in range(11)})[:1_020_000], TYPE),
    "foreign key": (b"m1/main/other", data(), TYPE),
    "unknown version": (KEY, data(), b"channel.catalog.updated.v9"),
    "no type": (KEY, data(), None),
}


async def test_ten_thousand_poison_events_hurt_nobody_else(harness: Harness) -> None:
    consumer = harness.consumer(max_batch_records=500)
    consumer.start()
    poisons = list(KINDS.values())
    for number in range(POISON):
        # The large kind now and then only: it is for its size, not for the disk.
        is_large = number % len(poisons) == list(KINDS).index("too large")
        kind = poisons[0] if is_large and number > 500 else poisons[number % len(poisons)]
        await harness.producer.send(
            harness.prefix + "catalog.updated", kind[1], kind[0], headers=headers(kind[2])
        )
        if number % 50 == 0:
            await harness.send(product(f"good-{number}"), product(f"other-{number}", merchant="m2"))
    await harness.producer.flush()
    # Before that one of a partition without poison may be taken while poison waits in another.
    await eventually(harness.table_has("quarantine", 1), within=90)
    await harness.send(*(product(f"held-{n}") for n in range(20)), source=SOURCE.decode())
    await eventually(harness.table_has("dead_letter", POISON), within=90)
    await eventually(harness.table_has("seen", 2 * POISON // 50), within=90)
    await eventually(harness.table_has("parked_event", 20))
    letters = await harness.fetch("SELECT reason, remedy, source FROM dead_letter")
    assert len(letters) == POISON
    assert {row["source"] for row in letters} == {SOURCE.decode()}
    assert all(row["remedy"] for row in letters)
    assert len({row["reason"] for row in letters}) >= 8
    quarantined = await harness.fetch("SELECT source, merchant_id FROM quarantine")
    assert [tuple(row) for row in quarantined] == [(SOURCE.decode(), "m1")]
    async with unit_of_work(harness.pool) as connection:
        assert await lift(connection, "test.sources", SOURCE.decode(), "m1")
    assert await Replayer(harness.pool, [consumer.applier]).sweep(known_catalogues)
    assert await harness.count("seen") == 2 * POISON // 50 + 20
    assert {row["times"] for row in await harness.fetch("SELECT times FROM seen")} == {1}


def headers(type_name: bytes | None) -> Headers:
    named = [("ce_source", SOURCE)]
    return named if type_name is None else [*named, ("ce_type", type_name)]
