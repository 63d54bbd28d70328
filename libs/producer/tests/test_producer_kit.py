import pytest

from channel_producer import CatalogPublisher, EventRefused, NotPublished, delete, upsert
from stack.testing import eventually

from ...common.tests.backbone_harness import Harness


async def test_published_events_take_effect(harness: Harness) -> None:
    harness.consumer().start()
    async with CatalogPublisher(
        harness.bootstrap, source="/erp", topic_prefix=harness.prefix, batch_events=7
    ) as publisher:
        await publisher.publish(
            [upsert("m1", "main", f"p{n}", {"title": "x"}, version=n) for n in range(20)]
        )
        await publisher.publish([delete("m1", "main", "gone", version=1)])
    await eventually(harness.table_has("seen", 21))


async def test_an_event_that_would_be_a_dead_letter_is_refused_before_any_is_sent(
    harness: Harness,
) -> None:
    async with CatalogPublisher(
        harness.bootstrap, source="/erp", topic_prefix=harness.prefix
    ) as publisher:
        good = upsert("m1", "main", "p", {})
        for bad in (
            upsert("m1", "main", "p", {"text": "a\x00b"}),
            upsert("no/slash", "main", "p", {}),
            upsert("m1", "main", "p", {}, version=2**63),
            upsert("m1", "main", "p", {f"f{n}": "x" * 100_000 for n in range(11)}),
            upsert("m1", "main", "p", {"text": "\ud800"}),
            upsert("m1", "main", "p", {"thing": object()}),  # type: ignore[dict-item]
        ):
            with pytest.raises(EventRefused):
                await publisher.publish([good, bad])
    async with CatalogPublisher(
        harness.bootstrap, source="/erp", topic_prefix=harness.prefix
    ) as publisher:
        await publisher.publish([good])
    harness.consumer().start()
    await eventually(harness.table_has("seen", 1))
    positions = await harness.fetch("SELECT sum(next_offset) AS total FROM consumer_position")
    assert positions[0]["total"] == 1


async def test_what_was_not_acknowledged_is_named(harness: Harness) -> None:
    async with CatalogPublisher(
        harness.bootstrap, source="/erp", topic_prefix="no-such-installation."
    ) as publisher:
        publisher._acknowledged_within /= 15
        with pytest.raises(NotPublished) as caught:
            await publisher.publish([upsert("m1", "main", "p", {})])
    assert [event.product_id for event in caught.value.events] == ["p"]
