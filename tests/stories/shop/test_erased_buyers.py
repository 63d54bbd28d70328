"""A buyer asks to be forgotten; the merchant erases them, and nobody finds them any more (M8.6)."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from channel_demo import trade
from common.contracts.topics import BY_NAME, TOPICS
from stack.run import Stack
from stack.system import SERVICES
from stack.testing import eventually, tables_with

from ..command_line import ChannelCommand
from ..sample import Sold

ENDED = "FINISH"


async def test_a_buyer_who_asks_is_forgotten(
    system: Stack, sold: Sold, channel: ChannelCommand
) -> None:
    session = sold.session
    canary = f"Canary{uuid4().hex[:12]}"
    placed = await session.sandbox.place_order(
        [(sold.shop[-1].skus[0].sku_code, 1)], seed=971, status=trade.WAITS_FOR_SELLER
    )
    where = {name: f"{canary} {name}" for name in ("name", "street", "city", "zip")}
    await control(sold, placed.order_id, "address", **where)
    await trade.import_orders(session)
    await session.channel.ship(
        session.merchant,
        session.shop,
        placed.order_id,
        {"carrier": "CAINIAO_STANDARD", "tracking_number": "LP99000111", "note": f"for {canary}"},
        f"key of {canary}",
    )

    async def is_shipped() -> bool:
        order = await session.channel.order(session.merchant, session.shop, placed.order_id)
        return [parcel["state"] for parcel in order["parcels"]] == ["confirmed"]

    await eventually(is_shipped)
    await control(sold, placed.order_id, "status", status=ENDED)
    await trade.import_orders(session)
    assert await services_tables_with(system, canary) >= {"marketplace_order", "shipment"}

    result = await channel("orders", "erase", placed.order_id, "--yes", "--json")

    assert result.code == 0, result.err
    erased = json.loads(result.out)

    async def is_published() -> bool:
        topic = system.addresses.topic_prefix + "order.updated"
        newest = [r.value async for r in records(system, {topic}) if ends_with(r, placed.order_id)]
        return bool(newest) and b'"erased_at"' in newest[-1] and canary.encode() not in newest[-1]

    await eventually(is_published)
    assert await services_tables_with(system, canary) == set()
    for log in system.logs.iterdir():
        assert log.name == "sandbox.log" or canary not in log.read_text(errors="replace"), log.name
    prefix, until = system.addresses.topic_prefix, datetime.fromisoformat(erased["kafka_until"])
    async for record in records(system, topics_of(prefix)):
        if canary.encode() in record.value + (record.key or b""):
            topic = BY_NAME[record.topic.removeprefix(prefix)]
            written = datetime.fromtimestamp(record.timestamp / 1_000, until.tzinfo)
            assert topic.kind == "fact", topic.name
            assert written + topic.retention <= until + timedelta(minutes=1)
    shown = await channel("orders", "show", placed.order_id)
    assert canary not in shown.out
    assert json.loads(shown.out)["total"]["amount"]


async def control(sold: Sold, order_id: str, what: str, **body: Any) -> None:
    http = sold.session.sandbox.http
    (await http.post(f"/control/orders/{order_id}/{what}", json=body)).raise_for_status()


async def services_tables_with(system: Stack, text: str) -> set[str]:
    """The tables of all services in which the text stands."""
    found: set[str] = set()
    for service in SERVICES:
        connection = await asyncpg.connect(system.database_url(service.name))
        try:
            found |= await tables_with(connection, text)
        finally:
            await connection.close()
    return found


def topics_of(prefix: str) -> set[str]:
    return {prefix + topic.name for topic in TOPICS}


def ends_with(record: ConsumerRecord, order_id: str) -> bool:
    return (record.key or b"").endswith(f"/{order_id}".encode())


async def records(system: Stack, topics: set[str]) -> AsyncIterator[ConsumerRecord]:
    """Every record that Kafka keeps of these topics now."""
    reader = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=system.addresses.kafka_bootstrap,
        group_id=None,
        auto_offset_reset="earliest",
    )
    await reader.start()
    try:
        ends = await reader.end_offsets(list(reader.assignment()))
        while any([await reader.position(place) < end for place, end in ends.items()]):
            for batch in (await reader.getmany(timeout_ms=200)).values():
                for record in batch:
                    yield record
    finally:
        await reader.stop()
