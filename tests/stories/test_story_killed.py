"""Every service is killed in the middle of its work; the merchant notices nothing but a delay."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import httpx2
import pytest
from endings import Ending, ending_of
from storyteller import own_system, sample_of, sample_stage

from channel_cli.demo import bring_in, sell, trade
from channel_cli.demo.sources import Sources
from channel_cli.demo.stage import Stage
from channel_cli.session import Unreachable
from stack.run import Stack
from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER
from stack.testing import eventually
from stack.throwaway import StoreAddresses

pytestmark = [pytest.mark.xdist_group("killed"), pytest.mark.timeout(600)]

KILLED_AT: Mapping[str, tuple[str, ...]] = {
    AUTH.name: ("auth.after-token",),
    CATALOG.name: ("normalizing.before-commit", "consumer.before-commit"),
    PUBLISHER.name: (
        "publisher.after-intent",
        "publisher.after-call",
        "publisher.before-outcome",
    ),
    ORDERS.name: ("importer.before-commit", "shipping.after-call"),
}
"""Places inside the work: between a call's intent and its outcome, between writing and commit."""


async def test_killed_in_mid_work_every_service_goes_on_to_the_same_end(
    stack_addresses: StoreAddresses, tmp_path: Path
) -> None:
    async with own_system(stack_addresses, tmp_path / "calm") as calm:
        undisturbed = await live_through(calm)
    marks = tmp_path / "marks"
    marks.mkdir()
    environment = {
        name: {
            "FAILPOINTS": ",".join(f"{place}=kill" for place in places),
            "FAILPOINT_MARKS": str(marks / name),
        }
        for name, places in KILLED_AT.items()
    }
    for name in KILLED_AT:
        (marks / name).mkdir()
    async with own_system(stack_addresses, tmp_path / "wild", environment) as wild:
        disturbed = await live_through(wild)
        for name, places in KILLED_AT.items():
            assert {mark.name for mark in (marks / name).iterdir()} == set(places)
            assert wild.process(name).restarts == len(places)
    assert disturbed == undisturbed
    assert set(disturbed.created.values()) == {1}
    assert set(disturbed.shipped.values()) == {1}


async def live_through(stack: Stack) -> Ending:
    """The whole path, by a merchant who tries the connection again when it fails."""
    async with sample_stage(stack) as stage:
        sources = sample_of(stack)
        await connect(stack, stage)
        await patiently(lambda: bring_in.apply_configuration(stage, sources))
        await patiently(lambda: publish_all(stage, sources))
        await sell.publish_products(stage)
        await sell.send_offers(stage)
        await sell.change_offers(stage)
        await sell.send_offers(stage)
        await trade.place_orders(stage)
        orders = await trade.import_orders(stage)
        await trade.ship_one(stage, sorted(orders, key=lambda order: order.order_id))
        return await ending_of(stage)


async def connect(stack: Stack, stage: Stage) -> None:
    """Connect the shop; once more where the page did not answer."""
    try:
        await bring_in.connect_shop(stage)
    except httpx2.HTTPError:
        auth = stack.process(AUTH.name)
        await eventually(lambda: auth.restarts > 0)
        await auth.wait_until_ready()
        await bring_in.connect_shop(stage)


async def patiently(step: Callable[[], Awaitable[None]]) -> None:
    """Repeat a step, harmless when repeated, until the service it needs is back."""

    async def is_done() -> bool:
        try:
            await step()
        except Unreachable:
            return False
        return True

    await eventually(is_done, within=120)


async def publish_all(stage: Stage, sources: Sources) -> None:
    await bring_in.bring_in(stage, sources)
    await sell.settle(stage)
