"""Every service is killed in the middle of its work; the merchant notices nothing but a delay."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

import hardship
import pytest
from endings import Ending
from hardship import FAMILIES, Case
from mortal import Mortal
from storyteller import part_of, sample_of, sample_stage
from theatre import connect

from channel_demo import bring_in
from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER

pytestmark = [pytest.mark.xdist_group("killed"), pytest.mark.timeout(300)]

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


async def test_killed_in_mid_work_every_service_goes_on_to_the_same_end(mortal: Mortal) -> None:
    async with sample_stage(mortal.stack) as stage:
        await bring_in.connect_shop(stage)
        shop = Case(stage, part_of(sample_of(mortal.stack), *FAMILIES), "", 0)
        undisturbed = await live_through(mortal, await shop.begin("calm"))
        async with AsyncExitStack() as blows:
            for service, places in KILLED_AT.items():
                await blows.enter_async_context(mortal.killed_at(service, *places))
            disturbed = await live_through(mortal, await shop.begin("wild"))
    assert disturbed == undisturbed
    assert set(disturbed.created.values()) == {1}
    assert list(disturbed.deleted.values()) == [1]
    assert list(disturbed.shipped.values()) == [1]


async def live_through(mortal: Mortal, case: Case) -> Ending:
    """The whole path, by a merchant who asks again when nobody answers."""
    await connect(case.stage)
    await hardship.live_through(case)
    await mortal.rest()
    return await hardship.recovered(case)
