"""A signed catalogue is sold and its order comes back, over a Kafka that knows its users."""

from uuid import uuid4

from channel_cli.answers import DeadLetter
from channel_cli.settings import CATALOG
from channel_demo import trade
from channel_demo.session import Session
from channel_demo.survey import audited_shop
from channel_producer import CatalogPublisher, upsert
from stack.kafka_identity import USERS
from stack.run import Stack
from stack.testing import eventually

from ..sample import bring_online, part_of, sample_of, sample_session


async def test_a_signed_catalogue_is_sold_and_its_order_comes_back(system: Stack) -> None:
    async with sample_session(system) as session:
        await bring_online(session, part_of(sample_of(system), "KET-07"))
        assert [s.sku_code for p in await audited_shop(session) for s in p.skus] == ["KET-07"]
        placed = await session.sandbox.place_order(
            [("KET-07", 1)], seed=1, status=trade.WAITS_FOR_SELLER
        )
        orders = await trade.import_orders(session)
        assert [order.order_id for order in orders] == [placed.order_id]
        await unsigned_is_refused(session)
        assert await secrets_in_logs(system, session) == []


async def unsigned_is_refused(session: Session) -> None:
    """The same producer without a key: a dead letter that says what to do, and no product."""
    name = f"BARE-{uuid4().hex[:8]}"
    async with CatalogPublisher(
        session.kafka, source="/bare", topic_prefix=session.topic_prefix
    ) as publisher:
        await publisher.publish(
            [upsert(session.merchant, session.catalogue, name, {"title": "x"}, version=1)]
        )
    letters: list[DeadLetter] = []

    async def is_dead_letter() -> bool:
        found = session.channel.dead_letters(CATALOG, session.merchant, {})
        letters[:] = [letter async for letter in found if name in (letter.key or "")]
        return bool(letters)

    await eventually(is_dead_letter)
    assert letters[0].reason == "unsigned"
    known = session.channel.source_products(session.merchant, session.catalogue)
    assert name not in {product.product_id async for product in known}


async def secrets_in_logs(system: Stack, session: Session) -> list[str]:
    """Logs that hold a password of Kafka or a producer's key."""
    client = await session.channel.make_api_client(
        session.merchant, name="canary", scopes=["catalogue:write"]
    )
    key = await session.channel.make_producer_key(session.merchant, client.client_id)
    canary = key.signing_key.partition(":")[2]
    secrets = [canary, *(system.kafka_access(user).password for user in USERS)]
    return [
        log.name
        for log in system.logs.iterdir()
        if any(secret in log.read_text(errors="replace") for secret in secrets)
    ]
