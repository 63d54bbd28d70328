"""Other systems do as the examples show: publish a product, follow orders and ship them."""

import asyncio
import json
import os
import sys
from pathlib import Path
from uuid import uuid4

from channel_cli.following import RUN_ENDED
from channel_demo import sell, trade
from stack.run import Stack
from stack.settings import CHECKOUT
from stack.system import AUTH, ORDERS
from stack.testing import eventually

from ..sample import Sold

EXAMPLES = CHECKOUT / "examples"
MODEL = "NOT-07"
"""A simple product of the sample, whose fields another one is made of."""


async def run(script: str, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    """An example as a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / script),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )


async def output_of(process: asyncio.subprocess.Process) -> list[str]:
    """What it printed, once it ended well."""
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode().splitlines()


def test_the_examples_are_short_enough_to_read() -> None:
    for script in ("publish_catalog_events.py", "follow_orders.py"):
        assert len((EXAMPLES / script).read_text().splitlines()) < 60


async def test_a_published_product_is_reported_online(
    system: Stack, sold: Sold, tmp_path: Path
) -> None:
    session = sold.session
    name = f"NEW-{uuid4().hex[:8]}"
    model = await session.channel.source_product(session.merchant, session.catalogue, MODEL)
    file = tmp_path / "product.json"
    file.write_text(
        json.dumps({"product_id": name, "version": 1, "fields": model.fields | {"sku": name}})
    )
    addresses = system.addresses
    publisher = await run(
        "publish_catalog_events.py",
        addresses.kafka_bootstrap,
        session.merchant,
        session.catalogue,
        str(file),
        addresses.topic_prefix,
    )
    assert publisher.stdout is not None
    assert name in (await publisher.stdout.readline()).decode()

    async def is_normalized() -> bool:
        found = session.channel.preview(session.merchant, session.feed, {"q": name})
        return [family.state async for family in found] == ["valid"]

    await eventually(is_normalized, within=30)
    await sell.settle(session)
    await sell.run_feed(session, "product", RUN_ENDED, is_dry_run=False)
    report = json.loads("\n".join(await output_of(publisher)))
    assert (report["family_id"], report["status"]) == (name, "live")
    shop = {item.product_id: item for item in await session.sandbox.products()}
    assert [sku.sku_code for sku in shop[report["marketplace_product_id"]].skus] == [name]


async def test_followed_orders_are_shipped_once_each(system: Stack, sold: Sold) -> None:
    session = sold.session
    placed = [
        await session.sandbox.place_order(
            [(sold.shop[index].skus[0].sku_code, 1)],
            seed=900 + index,
            status=trade.WAITS_FOR_SELLER,
        )
        for index in range(2)
    ]
    await trade.import_orders(session)
    client = await session.channel.make_api_client(
        session.merchant, name="erp", scopes=["orders:write"]
    )
    addresses = system.addresses
    waiting = [
        order
        for order in await trade.imported_orders(session)
        if order.status == "waiting_shipment"
    ]
    follower = await run(
        "follow_orders.py",
        addresses.kafka_bootstrap,
        system.url(AUTH.name),
        system.url(ORDERS.name),
        str(len(waiting)),
        addresses.topic_prefix,
        CLIENT_ID=client.client_id,
        CLIENT_SECRET=client.client_secret,
    )
    lines = await output_of(follower)
    assert {order.order_id for order in placed} <= {line.split()[0] for line in lines}

    async def are_shipped() -> bool:
        orders = {order.order_id: order for order in await session.sandbox.orders()}
        return all(len(orders[order.order_id].shipments) == 1 for order in placed)

    await eventually(are_shipped, within=60)
