"""What is kept of orders whose buyer was erased: nothing of the buyer (M8.6)."""

import msgspec

from common import clock
from common.contracts.envelope import encode
from common.contracts.order import Address, OrderUpdated
from stack.testing import eventually

from ..publisher_harness import Harness
from .test_publisher_moved_stock import order_event, take_event

ORDER = "8801"


async def test_a_dead_letter_of_the_order_loses_its_bytes_and_is_no_longer_open(
    harness: Harness,
) -> None:
    ordered = order_event(ORDER, ["A"], OrderUpdated)
    address = Address(contact_name="Canary", country="ES")
    record = encode(
        msgspec.structs.replace(
            ordered, order=msgspec.structs.replace(ordered.order, address=address)
        ),
        source="/test",
    )
    damaged = record.value.replace(b'"quantity":1', b'"quantity":"one"')
    topic = harness.prefix + record.topic
    await harness.producer.send_and_wait(topic, damaged, record.key, headers=record.headers)

    async def is_kept() -> bool:
        return await kept(harness) == [("open", True)]

    await eventually(is_kept)

    await take_event(
        harness,
        order_event(
            ORDER,
            ["A"],
            OrderUpdated,
            order=msgspec.structs.replace(ordered.order, erased_at=clock.now()),
        ),
    )

    assert await kept(harness) == [("discarded", False)]
    audit = await harness.pool.fetch("SELECT action, outcome FROM dead_letter_audit")
    assert [tuple(row) for row in audit] == [("erase", "the buyer's data were erased")]


async def kept(harness: Harness) -> list[tuple[str, bool]]:
    """The state of each dead letter, and whether the buyer stands in it."""
    rows = await harness.pool.fetch(
        "SELECT state, coalesce(position('Canary'::bytea in value), 0) > 0 FROM dead_letter"
    )
    return [(row[0], row[1]) for row in rows]
