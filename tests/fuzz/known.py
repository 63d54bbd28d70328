"""Things that exist on a system, by the names routes have for them in their paths."""

from pathlib import Path

from aiokafka import AIOKafkaProducer

from channel_cli.following import import_and_follow
from channel_cli.settings import CATALOG
from channel_demo import trade
from channel_demo.session import Session
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import encode
from stack.testing import eventually

LETTER_WITHIN = 30.0


async def gather_known(session: Session, folder: Path) -> dict[str, str]:
    """Make one of each thing that the sample does not bring; the parameters that name them."""
    merchant, channel = session.merchant, session.channel
    await trade.place_orders(session)
    orders = await trade.import_orders(session)
    await trade.ship_one(session, orders)
    audit = await channel.audit_orders(merchant, session.shop)
    online = await session.sandbox.products()
    sku_code = online[0].skus[0].sku_code
    runs = [run.run_id async for run in channel.runs(merchant, session.feed)]
    return {
        "merchant_id": merchant,
        "shop_id": session.shop,
        "catalogue_id": session.catalogue,
        "feed_id": session.feed,
        "family_id": "TSH-01",
        "product_id": sku_code,
        "sku_code": sku_code,
        "run_id": runs[0],
        "import_id": str(await _import_file(session, folder)),
        "order_id": orders[0].order_id,
        "audit_id": str(audit.audit_id),
        "letter_id": str(await _make_dead_letter(session)),
    }


async def _import_file(session: Session, folder: Path) -> int:
    await session.channel.register_catalogue(
        session.merchant, "files", versioning="arrival", fed_by="files"
    )
    file = folder / "good.csv"
    file.write_text("id,title\nA-1,One\nA-2,Two\n")
    done = await import_and_follow(
        session.channel, session.merchant, "files", file, {"mode": "full"}
    )
    return done.import_id


async def _make_dead_letter(session: Session) -> int:
    """Publish what is no event, and wait for its dead letter."""
    event = CatalogUpdated(
        merchant_id=session.merchant,
        catalogue_id=session.catalogue,
        product_id="X-1",
        action="upsert",
        version=1,
        fields={"title": "A product among others"},
    )
    record = encode(event, source="/careless")
    async with AIOKafkaProducer(bootstrap_servers=session.kafka_bootstrap) as producer:
        topic = session.topic_prefix + record.topic
        await producer.send_and_wait(topic, b"no event", record.key, headers=record.headers)
    found: list[int] = []

    async def is_there() -> bool:
        letters = session.channel.dead_letters(CATALOG, session.merchant)
        found.extend([letter.id async for letter in letters])
        return bool(found)

    await eventually(is_there, within=LETTER_WITHIN)
    return found[0]
