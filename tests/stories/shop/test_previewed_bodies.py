"""The preview is what is sent: of every product of the sample, byte for byte (M6.1)."""

from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from channel_cli.client import route_of
from channel_cli.settings import CATALOG, PUBLISHER
from channel_demo import bring_in, sell
from channel_demo.session import Session
from stack.run import Stack

from ..command_line import ChannelCommand
from ..sample import Sold, own_copy, sample_of

NAME = "bodies"
Body = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """What was shown before the sample was sent once more, and what the marketplace was handed."""

    session: Session
    previews: dict[str, Body]
    bodies: dict[str, Body]
    received: list[Body]
    claimed: frozenset[str]
    """Products that came second to a SKU code: known when the first one's is taken (M1.7)."""


def canonical(body: Body) -> bytes:
    return msgspec.json.encode(body, order="sorted")


def skus_of(body: Body) -> frozenset[str]:
    return frozenset(sku["sku_code"] for sku in body["sku_info_list"])


@pytest.fixture(scope="module")
async def sent(system: Stack, sold: Sold) -> Sent:
    """The sample in a catalogue and feed of its own, previewed and sent."""
    sample = sample_of(system)
    events = [own_copy(event, NAME, f"{NAME}-") for event in sample.events]
    sources = replace(sample, events=events, catalogue=NAME, feed=NAME)
    session = replace(sold.session, catalogue=NAME, feed=NAME)
    await bring_in.apply_configuration(session, sources)
    await bring_in.bring_in(session, sources)
    await sell.wait_for_publisher(session)
    shown = await session.channel.session.text(
        CATALOG, route_of(session.merchant, "feeds", NAME, "preview-download"), "*/*"
    )
    previews = [msgspec.json.decode(line) for line in shown.splitlines()]
    bodies = {
        preview["family_id"]: await session.channel.session.get(
            PUBLISHER,
            route_of(session.merchant, "feeds", NAME, "bodies", preview["family_id"]),
            dict[str, Any],
        )
        for preview in previews
    }
    await sell.publish_products(session)
    return Sent(
        session,
        {preview["family_id"]: preview for preview in previews},
        bodies,
        await received(session, "PRODUCT_CREATE"),
        await claimed(session),
    )


async def claimed(session: Session) -> frozenset[str]:
    """Products whose SKU codes another product of the feed has."""
    published = session.channel.published(session.merchant, session.feed)
    return frozenset(
        [
            product.family_id
            async for product in published
            if "sku-claimed" in {cause.code for cause in product.causes}
        ]
    )


async def received(session: Session, operation_type: str) -> list[Body]:
    """What the marketplace was handed of this feed's products."""
    query = {"seller": session.sandbox.seller_id, "operation_type": operation_type}
    answer = await session.sandbox.http.get("/control/received", params=query)
    items = [msgspec.json.decode(line) for line in answer.text.splitlines()]
    found = [msgspec.json.decode(item["content"]) for item in items]
    return [body for body in found if any(sku.startswith(NAME) for sku in skus_of(body))]


def test_each_previewed_body_is_what_the_marketplace_received(sent: Sent) -> None:
    handed = {skus_of(body): canonical(body) for body in sent.received}
    previewed = {
        skus_of(preview["body"]): canonical(preview["body"])
        for family, preview in sent.previews.items()
        if sent.bodies[family]["operation"] == "PRODUCT_CREATE" and family not in sent.claimed
    }
    assert len(sent.claimed) == 1
    assert len(handed) == len(sent.received) > 80
    assert handed == previewed


def test_both_services_show_the_same_body_and_none_of_what_is_not_sent(sent: Sent) -> None:
    for family, preview in sent.previews.items():
        shown = sent.bodies[family]
        if shown["body"] is None:
            verdict = shown["steps"][0]["verdict"]
            assert verdict in {"waits", "refused", "not-online"}, (family, shown)
            assert shown["operation"] is None
        else:
            assert canonical(shown["body"]) == canonical(preview["body"]), family
        assert (preview["state"] == "valid") <= (preview["body"] is not None), family


def test_each_body_stands_beside_its_source_fields(sent: Sent) -> None:
    for preview in sent.previews.values():
        if preview["body"] is not None:
            named = {row["fields"].get("sku") for row in preview["sources"]}
            assert skus_of(preview["body"]) <= named


async def test_why_shows_the_whole_chain_of_a_sku(channel: ChannelCommand, sent: Sent) -> None:
    sku = min(skus_of(min(sent.received, key=canonical)))
    result = await channel("why", sku, "--feed", NAME, "--json")
    assert result.code == 0, result.err
    wanted, published = result.document["wanted"], result.document["published"]
    assert wanted["source"]["version"] >= 1
    assert {m["field"] for m in wanted["matches"]} >= {"sku_info_list > price", "category_id"}
    assert published["last_outcome"]["call"]["job_id"]
    assert published["last_outcome"]["status"] == "accepted"
    assert published["shown"]["is_live"]
    assert published["shown"]["offer"]["price"] == wanted["wanted"]["price"]
    assert "on AliExpress as it is wanted" in result.document["conclusion"]

    unknown = await channel("why", f"{sku}X", "--feed", NAME)
    assert unknown.code == 1
    assert sku in "".join(unknown.err.split())


async def test_the_plan_of_a_run_is_shown_by_the_command_line(
    channel: ChannelCommand, sent: Sent
) -> None:
    runs = sent.session.channel.runs(sent.session.merchant, NAME)
    run_id = next(run.run_id for run in [run async for run in runs] if run.has_sent)
    result = await channel("plan", run_id, "--action", "create", "--json")
    assert result.code == 0, result.err
    titles = {
        line["after"]["content"]["titles"][0]["text"]
        for line in result.document["lines"]
        if line["status"] == "accepted"
    }
    assert titles == {body["title_multi_language_list"][0]["title"] for body in sent.received}
    unsent = sum(shown["body"] is None for shown in sent.bodies.values())
    assert result.document["missing"] <= unsent
