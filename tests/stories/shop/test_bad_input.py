"""Other systems and people send what they should not: each gets an answer, the rest goes on."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from channel_cli.client import Channel
from channel_cli.following import import_and_follow
from channel_cli.order_answers import Order
from channel_cli.session import Problem, open_session
from channel_cli.settings import CATALOG, Access
from channel_demo import bring_in, trade
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import encode
from stack.testing import eventually

from ..sample import Sold


def product(merchant: str, catalogue: str, name: str, version: int = 1) -> CatalogUpdated:
    return CatalogUpdated(
        merchant_id=merchant,
        catalogue_id=catalogue,
        product_id=name,
        action="upsert",
        version=version,
        fields={"title": "A product among others"},
    )


async def send_raw(sold: Sold, event: CatalogUpdated, value: bytes) -> None:
    """A record whose headers and key are right and whose data may be anything."""
    record = encode(event, source="/careless")
    async with AIOKafkaProducer(bootstrap_servers=sold.session.kafka_bootstrap) as producer:
        topic = sold.session.topic_prefix + record.topic
        await producer.send_and_wait(topic, value, record.key, headers=record.headers)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("photo.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", id="a-picture"),
        pytest.param("page.csv", b"<!doctype html><html><body>503</body></html>", id="a-page"),
        pytest.param("empty.csv", b"", id="nothing"),
    ],
)
async def test_a_file_that_is_no_catalogue_is_refused_and_deletes_nothing(
    sold: Sold, tmp_path: Path, name: str, content: bytes
) -> None:
    channel, merchant = sold.session.channel, sold.session.merchant
    catalogue = f"files-{uuid4().hex[:8]}"
    await channel.register_catalogue(merchant, catalogue, versioning="arrival", fed_by="files")
    good = tmp_path / "good.csv"
    good.write_text("id,title\nA-1,One\nA-2,Two\n")
    first = await import_and_follow(channel, merchant, catalogue, good, {"mode": "full"})
    assert (first.state, first.accepted) == ("completed", 2)
    bad = tmp_path / name
    bad.write_bytes(content)
    result = await import_and_follow(channel, merchant, catalogue, bad, {"mode": "full"})
    assert result.state == "failed"
    assert result.failure
    assert (await channel.catalogue(merchant, catalogue)).products == 2


async def test_an_event_that_is_no_json_is_a_dead_letter_and_its_neighbours_arrive(
    sold: Sold,
) -> None:
    session = sold.session
    name = f"BAD-{uuid4().hex[:8]}"
    broken = product(session.merchant, session.catalogue, name)
    await send_raw(sold, broken, b'{"merchant_id": "lumo", ')
    neighbour = product(session.merchant, session.catalogue, f"{name}-neighbour")
    await bring_in.publish(session, [neighbour])

    async def found() -> list[Any]:
        letters = session.channel.dead_letters(CATALOG, session.merchant, {"reason": "not-json"})
        return [letter async for letter in letters if name in (letter.key or "")]

    async def is_kept() -> bool:
        return bool(await found())

    await eventually(is_kept)
    letter = (await found())[0]
    assert letter.remedy
    corrected = json.dumps(
        {
            "merchant_id": session.merchant,
            "catalogue_id": session.catalogue,
            "product_id": name,
            "action": "upsert",
            "version": 1,
            "fields": {},
        }
    )
    outcomes = await session.channel.replay_dead_letters(
        CATALOG, session.merchant, {"ids": [letter.id], "value": corrected}
    )
    assert [outcome.outcome for outcome in outcomes] == ["taken"]
    assert await found() == []
    taken = await session.channel.source_product(session.merchant, session.catalogue, name)
    assert taken.version == 1
    for gone in (name, f"{name}-neighbour"):
        await remove(sold, gone)


async def remove(sold: Sold, name: str) -> None:
    """Delete a product of this story again."""
    session = sold.session
    event = CatalogUpdated(
        merchant_id=session.merchant,
        catalogue_id=session.catalogue,
        product_id=name,
        action="delete",
        version=2,
    )
    await send_raw(sold, event, encode(event, source="/careful").value)

    async def is_gone() -> bool:
        found = await session.channel.source_product(session.merchant, session.catalogue, name)
        return found.is_deleted

    await eventually(is_gone)


async def test_an_event_for_an_unknown_catalogue_waits_and_is_taken_in_when_it_is_declared(
    sold: Sold,
) -> None:
    session = sold.session
    catalogue = f"later-{uuid4().hex[:8]}"
    early = product(session.merchant, catalogue, "EARLY-1")
    await send_raw(sold, early, encode(early, source="/eager").value)
    neighbour = product(session.merchant, session.catalogue, f"N-{uuid4().hex[:8]}")
    await bring_in.publish(session, [neighbour])  # it is taken in, so the early one was seen
    await remove(sold, neighbour.product_id)
    with pytest.raises(Problem) as caught:
        await session.channel.catalogue(session.merchant, catalogue)
    assert caught.value.details.status == 404
    await session.channel.register_catalogue(
        session.merchant, catalogue, versioning="explicit", fed_by="events"
    )

    async def is_taken_in() -> bool:
        return (await session.channel.catalogue(session.merchant, catalogue)).products == 1

    await eventually(is_taken_in, within=30)


async def an_order(sold: Sold, status: str) -> Order:
    """An order of a product that is online, as the channel imported it."""
    session = sold.session
    sku = sold.shop[0].skus[0].sku_code
    placed = await session.sandbox.place_order([(sku, 1)], seed=77, status=status)
    orders = {order.order_id: order for order in await trade.import_orders(session)}
    return orders[placed.order_id]


PARCEL = {"carrier": trade.CARRIER, "tracking_number": "LP000000001"}


async def refusal(sold: Sold, order_id: str, parcel: dict[str, str], key: str) -> Problem:
    session = sold.session
    with pytest.raises(Problem) as caught:
        await session.channel.ship(session.merchant, session.shop, order_id, parcel, key)
    assert caught.value.details.remedy
    return caught.value


async def test_a_parcel_without_tracking_number_is_refused_by_that_field(sold: Sold) -> None:
    order = await an_order(sold, trade.WAITS_FOR_SELLER)
    problem = await refusal(sold, order.order_id, {"carrier": trade.CARRIER}, uuid4().hex)
    assert (problem.details.status, problem.details.field) == (422, "tracking_number")


async def test_a_foreign_merchants_order_does_not_exist(sold: Sold) -> None:
    order = await an_order(sold, trade.WAITS_FOR_SELLER)
    session = sold.session
    await session.channel.register_merchant("nosy", name="Nosy", is_eligible=True)
    client = await session.channel.make_api_client("nosy", name="erp", scopes=["orders:write"])
    access = Access(
        session.channel.session.access.urls, client.client_id, SecretStr(client.client_secret)
    )
    async with open_session(access) as nosy:
        for merchant in (session.merchant, "nosy"):
            with pytest.raises(Problem) as caught:
                await Channel(nosy).ship(
                    merchant, session.shop, order.order_id, PARCEL, uuid4().hex
                )
            assert caught.value.details.status == 404


async def test_an_order_that_is_not_to_be_shipped_is_refused_with_its_state(sold: Sold) -> None:
    order = await an_order(sold, trade.RISK_CONTROL)
    problem = await refusal(sold, order.order_id, PARCEL, uuid4().hex)
    assert (problem.details.status, problem.details.rule) == (409, "M8.4")
    assert "new" in problem.details.title


async def test_the_same_key_ships_once_and_another_body_under_it_is_refused(sold: Sold) -> None:
    session = sold.session
    order = await an_order(sold, trade.WAITS_FOR_SELLER)
    before = await session.sandbox.last_sequence()
    key = uuid4().hex
    parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{order.order_id}"}
    first = await session.channel.ship(session.merchant, session.shop, order.order_id, parcel, key)
    again = await session.channel.ship(session.merchant, session.shop, order.order_id, parcel, key)
    assert again.shipment_id == first.shipment_id
    problem = await refusal(sold, order.order_id, parcel | {"tracking_number": "LP9"}, key)
    assert problem.details.status == 422

    async def is_confirmed() -> bool:
        shipment = await session.channel.shipment(
            session.merchant, session.shop, order.order_id, first.shipment_id
        )
        return shipment.state == "confirmed"

    await eventually(is_confirmed, within=60)
    shipped = [
        entry
        for entry in await session.sandbox.ledger(since=before, operation="order.ship")
        if entry.order_id == order.order_id
    ]
    assert len(shipped) == 1
