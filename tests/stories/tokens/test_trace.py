"""One product can be followed from the event to AliExpress, across outboxes and Kafka."""

import secrets

import msgspec

from channel_cli.following import RUN_ENDED
from channel_demo import sell
from channel_demo.session import Session
from channel_demo.sources import SAMPLE_EVENTS, read_events
from channel_producer import CatalogPublisher
from stack.testing import eventually

from .spans import Spans

PRODUCT = "NOT-07"
"""Of the sample, and not online yet."""


async def test_a_published_event_is_followed_to_the_call_it_caused(
    spans: Spans, session: Session
) -> None:
    beginning = (secrets.token_bytes(16), secrets.token_bytes(8))
    [event] = [event for event in read_events(SAMPLE_EVENTS) if event.product_id == PRODUCT]
    async with CatalogPublisher(
        session.kafka_bootstrap, source="/traced", topic_prefix=session.topic_prefix
    ) as publisher:
        traceparent = f"00-{beginning[0].hex()}-{beginning[1].hex()}-01"
        await publisher.publish(
            [msgspec.structs.replace(event, version=7)], traceparent=traceparent
        )

    async def is_normalized() -> bool:
        found = session.channel.preview(session.merchant, session.feed, {"q": PRODUCT})
        return [family.state async for family in found] == ["valid"]

    await eventually(is_normalized, within=60)
    await sell.settle(session)
    await sell.run_feed(session, "product", RUN_ENDED, is_dry_run=False)

    def has_called() -> bool:
        names = spans.caused_by(beginning)
        return any(name.startswith("aliexpress ") for name in names)

    try:
        await eventually(has_called, within=15)
    finally:
        names = sorted(spans.caused_by(beginning))
        print("it caused:", names, "of", sorted({s.name for s in spans.by_id.values()}))
    for step in ("catalog-service.sources", "feed-publisher.desired"):
        assert any(name.startswith("process ") and name.endswith(step) for name in names)
    assert "normalize families" in names
    assert any(name.startswith("publish ") for name in names)
