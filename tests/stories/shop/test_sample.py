"""A merchant sells a catalogue of 280 rows, with the mistakes every catalogue has."""

from dataclasses import replace

import msgspec
import pytest

from channel_cli.following import RUN_ENDED
from channel_demo import bring_in, sell
from channel_demo.sandbox import ONLINE
from channel_demo.session import open_demo
from channel_demo.sources import SAMPLE_EVENTS, expected_outcomes, read_events
from stack.run import Stack

from ..sample import Sold, bring_online, listings, sample_of, survey_sale, writes_in

EXPECTED = expected_outcomes()


@pytest.mark.parametrize("expected", EXPECTED, ids=[item["fault"] for item in EXPECTED])
def test_each_mistake_is_reported_with_its_rule_its_field_and_a_remedy(
    sold: Sold, expected: dict[str, str]
) -> None:
    family = expected["family"]
    preview = sold.previews[family]
    if expected["outcome"] == "excluded":
        assert preview.state == "excluded"
        return
    rejections = {item.product: item for item in sold.found.rejected}
    if expected["outcome"] == "online":
        assert family not in rejections
        issues = [(i.rule, i.field, i.severity) for i in preview.issues if i.remedy]
        assert (expected["rule"], expected["field"], "advice") in issues
        return
    assert rejections[family].rule == expected["rule"]
    assert rejections[family].remedy
    if expected["rule"] != "M1.7":  # known to feed-publisher only
        assert expected["field"] in {issue.field for issue in preview.issues}


def test_every_other_product_is_online_by_the_marketplaces_own_record(sold: Sold) -> None:
    odd = {item["family"] for item in EXPECTED if item["outcome"] != "online"}
    wanted = {
        frozenset(preview.sku_codes)
        for family, preview in sold.previews.items()
        if family not in odd
    }
    assert set(listings(sold.shop)) == wanted
    assert {product.status for product in sold.shop} == {ONLINE}
    assert sold.found.online + len(sold.found.rejected) + sold.found.excluded == (
        sold.found.families
    )


async def test_a_catalogue_in_order_ends_as_the_shuffled_one_did(system: Stack, sold: Sold) -> None:
    """Another merchant sends the same, parents first; its shop has templates of its own."""
    sources = sample_of(system)
    events = [
        msgspec.structs.replace(event, merchant_id="orderly")
        for event in read_events(SAMPLE_EVENTS)
    ]
    configuration = sources.configuration | {
        "attributes": sources.configuration["attributes"]
        | {"shipping_template_id": {"constant": "standard"}}
    }
    ordered = replace(sources, events=events, configuration=configuration)
    async with open_demo(
        system.addresses, currency="USD", catalogue="sample", feed="sample"
    ) as session:
        sandbox = replace(session.sandbox, seller_id="2200100002")
        other = replace(session, merchant="orderly", shop="second", sandbox=sandbox)
        await bring_online(other, ordered)
        assert listings((await survey_sale(other)).shop) == listings(sold.shop)


async def test_run_again_unchanged_it_calls_nothing_that_writes(system: Stack, sold: Sold) -> None:
    session = sold.session
    await sell.send_offers(session)  # the stock that orders of other stories moved
    before = await session.sandbox.last_sequence()
    await bring_in.publish(session, sample_of(system).events)
    await bring_in.apply_configuration(session, sample_of(system))
    await sell.settle(session)
    for kind in ("product", "offer"):
        run = await sell.run_feed(session, kind, RUN_ENDED, is_dry_run=False)
        assert (run.state, run.counts["items"]) in {
            ("completed", 0),
            ("completed_with_errors", 0),  # the sample's mistakes are missing in every run
        }
    assert writes_in(await session.sandbox.ledger(since=before)) == []


async def test_of_changed_offers_exactly_those_are_sent(sold: Sold) -> None:
    session = sold.session
    await sell.send_offers(session)  # the stock that orders of other stories moved
    before = await session.sandbox.last_sequence()
    changed = await sell.change_offers(session)
    await sell.send_offers(session)
    entries = writes_in(await session.sandbox.ledger(since=before))
    assert len(changed) == 15
    assert sorted(entry.sku_code or "" for entry in entries) == sorted(changed)
    assert sum(entry.operation == "price.update" for entry in entries) == 10
    assert sum(entry.operation == "stock.update" for entry in entries) == 5
