"""A dry run and a run of a feed agree: what preview calls valid AliExpress accepts (M6.1)."""

from dataclasses import dataclass, replace
from random import Random

import pytest

from channel_cli.answers import PlanLine, PreviewFamily, PublishedProduct, RunReport
from channel_cli.following import RUN_ENDED, follow_run
from channel_cli.progress import poll
from channel_demo import bring_in, sell
from channel_demo.sandbox import LedgerEntry
from channel_demo.session import Session
from channel_demo.sources import Sources
from common.contracts.catalog import CatalogUpdated
from stack.run import Stack
from stack.system import SANDBOX

from ...defects.families import (
    WRITINGS,
    Assortment,
    Draft,
    configuration,
    draw_assortment,
    draw_family,
)
from ...defects.planting import DEFECTS, Place
from ..sample import Sold

SEED = 11
LEAVES = {"short": 10, "long": 40}
PAIRS = {"short": 30, "long": 500}
"""How many families with a defect, and as many without."""
GONE = frozenset({"excluded", "deleted", "feed_removed"})
"""States of families that are not wanted."""


@dataclass(frozen=True)
class Made:
    """A mixed catalogue: the families, and the places of their defects."""

    drafts: dict[str, Draft]
    places: dict[str, Place]

    def codes(self, family: str) -> set[str]:
        """A family's SKU codes."""
        return {fields["sku"] for fields in self.drafts[family].skus.values()}


@dataclass(frozen=True)
class Shown:
    """What was said before, and what came of it."""

    made: Made
    previews: dict[str, PreviewFamily]
    plan: list[PlanLine]
    report: RunReport
    published: dict[str, PublishedProduct]
    ledger: list[LedgerEntry]
    online: dict[str, frozenset[str]]
    """The SKU codes of the shop's products, by product id."""


def make(random: Random, assortment: Assortment, pairs: int) -> Made:
    """As many families with a defect of the catalogue as without, of one merchant's writing."""
    made = Made({}, {})
    kinds = [defect for defect in DEFECTS if defect.is_of_catalogue]
    for number in range(pairs):
        kind = kinds[(number * 7 + SEED) % len(kinds)]
        right = draw_family(random, f"DEF-V{number}", assortment, WRITINGS[0])
        while not kind.fits(
            wrong := draw_family(random, f"DEF-D{number}", assortment, WRITINGS[0])
        ):
            pass
        made.places[wrong.family_id] = kind.plant(random, wrong)
        made.drafts.update({draft.family_id: draft for draft in (right, wrong)})
    return made


def sources_of(session: Session, assortment: Assortment, made: Made, pictures: str) -> Sources:
    """The feed, and every row as an event, children first."""
    events = [
        CatalogUpdated(
            merchant_id=session.merchant,
            catalogue_id=session.catalogue,
            product_id=product_id,
            action="upsert",
            version=1,
            parent_id=parent_id,
            fields={name: value for name, value in fields.items() if value is not None},
        )
        for draft in made.drafts.values()
        for product_id, parent_id, fields in reversed(list(draft.rows()))
    ]
    form = configuration(assortment, WRITINGS[0], pictures=pictures)
    return Sources(form, session.catalogue, session.feed, events)


@pytest.fixture(scope="module")
async def shown(request: pytest.FixtureRequest, system: Stack, sold: Sold) -> Shown:
    """The catalogue, previewed, planned and sent."""
    length = request.config.getoption("--length")
    session = replace(sold.session, catalogue="defects", feed="defects")
    random = Random(SEED)
    assortment = draw_assortment(random, LEAVES[length])
    made = make(random, assortment, PAIRS[length])
    sources = sources_of(session, assortment, made, f"{system.url(SANDBOX)}/pictures/")
    before = await session.sandbox.last_sequence()
    await bring_in.apply_configuration(session, sources)
    await bring_in.publish(session, sources.events)
    await settle(session)
    previews = {
        family.family_id: family
        async for family in session.channel.preview(session.merchant, session.feed)
    }
    dry_run = await sell.plan_products(session)
    plan = [line async for line in session.channel.plan(session.merchant, dry_run.run_id)]
    await session.channel.confirm_run(session.merchant, dry_run.run_id)
    run = await follow_run(
        session.channel, session.merchant, dry_run.run_id, until=RUN_ENDED, what="product feed"
    )
    published = session.channel.published(session.merchant, session.feed)
    return Shown(
        made,
        previews,
        plan,
        await session.channel.report(session.merchant, run.run_id),
        {item.family_id: item async for item in published},
        await session.sandbox.ledger(since=before),
        {
            product.product_id: frozenset(sku.sku_code for sku in product.skus)
            for product in await session.sandbox.products()
        },
    )


async def settle(session: Session) -> None:
    """Wait until every family is evaluated, none waits for a schema or picture, and handed over."""
    channel = session.channel
    async for progress in poll(
        lambda: channel.normalizing(session.merchant, session.feed), within=600, what="evaluating"
    ):
        if progress.dirty == progress.waiting == 0:
            break
    await sell.wait_for_publisher(session)


def test_preview_calls_valid_what_is_and_names_the_place_of_each_defect(shown: Shown) -> None:
    valid = {name for name, family in shown.previews.items() if family.state == "valid"}
    assert valid == shown.made.drafts.keys() - shown.made.places.keys()
    for family, place in shown.made.places.items():
        preview = shown.previews[family]
        if place.rule == "M5.1":
            assert preview.state == "excluded"
            continue
        errors = {(i.rule, i.field) for i in preview.issues if i.severity == "error"}
        assert errors == {(place.rule, place.field)}


def test_the_plan_is_to_create_what_is_valid_and_nothing_else(shown: Shown) -> None:
    planned = {(line.action, line.family_id) for line in shown.plan}
    valid = {name for name, family in shown.previews.items() if family.state == "valid"}
    assert planned == {("create", family) for family in valid}


def test_what_is_valid_is_accepted_and_what_is_not_is_never_sent(shown: Shown) -> None:
    assert [entry for entry in shown.ledger if not entry.is_accepted] == []
    created = {
        frozenset(entry.detail["skus"])
        for entry in shown.ledger
        if entry.operation == "product.create"
    }
    valid = shown.made.drafts.keys() - shown.made.places.keys()
    assert created == {frozenset(shown.made.codes(family)) for family in valid}


def test_the_runs_report_says_of_each_family_what_preview_said(shown: Shown) -> None:
    valid = {name for name, family in shown.previews.items() if family.state == "valid"}
    assert shown.report.counts == {"create": {"accepted": len(valid)}}
    wanted = {name for name, family in shown.previews.items() if family.state not in GONE}
    named = {name for cause in shown.report.causes for name in cause.families}
    assert named <= wanted - valid
    assert sum(cause.count for cause in shown.report.causes) >= len(wanted - valid)
    for family in shown.previews:
        product_id = shown.published[family].marketplace_product_id
        assert (product_id is not None) == (family in valid)
        if product_id is not None:
            assert shown.online[product_id] == shown.made.codes(family)
