"""Products are sold with pictures of the shop's photo bank (M3.5), from the event to the shop."""

import json
from typing import Any

import msgspec

from channel_cli.settings import CATALOG
from channel_demo import bring_in, sell
from channel_demo.session import Session
from channel_demo.sources import Sources


async def uploads(session: Session) -> list[str]:
    """The addresses of what was uploaded, one for each call."""
    answer = await session.sandbox.http.get("/control/ledger", params={"operation": "image.upload"})
    lines = answer.raise_for_status().text.splitlines()
    return [json.loads(line)["detail"]["address"] for line in lines]


async def bodies_sent(session: Session) -> dict[str, dict[str, Any]]:
    """The newest body the marketplace got of each product, by its first SKU code."""
    answer = await session.sandbox.http.get("/control/received")
    lines = map(json.loads, answer.raise_for_status().text.splitlines())
    bodies = [json.loads(line["content"]) for line in lines]
    return {
        body["sku_info_list"][0]["sku_code"]: body for body in bodies if "image_url_list" in body
    }


async def preview_of(session: Session, family_id: str) -> dict[str, Any]:
    path = f"/v1/merchants/{session.merchant}/feeds/{session.feed}/preview/{family_id}"
    shown: dict[str, Any] = await session.channel.session.get(CATALOG, path, dict[str, Any])
    return shown


async def test_every_product_is_online_with_pictures_of_the_bank(
    session: Session, sources: Sources
) -> None:
    families = {event.parent_id or event.product_id for event in sources.events}
    assert len(await session.sandbox.products()) == len(families) == 3
    there = await uploads(session)
    assert len(there) == len(set(there))
    sent = await bodies_sent(session)
    assert len(sent) == 3
    for body in sent.values():
        assert set(body["image_url_list"]) <= set(there)
    shown = await preview_of(session, "KET-07")
    assert shown["body"]["image_url_list"] == sent["KET-07"]["image_url_list"]
    assert [picture["photo_bank_url"] for picture in shown["pictures"]] == (
        shown["body"]["image_url_list"]
    )


async def test_another_picture_is_uploaded_alone_and_updates_its_product(
    session: Session, sources: Sources
) -> None:
    before = await uploads(session)
    event = next(event for event in sources.events if event.product_id == "KET-07")
    shown = await preview_of(session, "KET-07")
    known = [picture["url"] for picture in shown["pictures"]]
    [field] = [
        name
        for name, value in event.fields.items()
        if isinstance(value, str | list) and known[0].rsplit("/", 1)[1] in str(value)
    ]
    name = known[0].rsplit("/", 1)[1]
    changed = json.loads(json.dumps(event.fields[field]).replace(name, f"other-{name}"))
    newer = msgspec.structs.replace(
        event, version=(event.version or 0) + 1_000, fields=event.fields | {field: changed}
    )
    await bring_in.publish(session, [newer])
    await sell.settle(session)
    await sell.publish_products(session)
    after = await uploads(session)
    [new] = after[len(before) :]
    sent = (await bodies_sent(session))["KET-07"]
    assert new in sent["image_url_list"]
    assert (await preview_of(session, "KET-07"))["body"]["image_url_list"] == sent["image_url_list"]
