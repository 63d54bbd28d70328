"""Every service is killed in the middle of its work; the merchant notices nothing but a delay."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from channel_demo import bring_in
from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER

from ..final_state import FinalState
from ..merchant_path import FAMILIES, Case, recovered_state
from ..merchant_path import walk_path as walk_merchant_path
from ..sample import part_of, sample_of, sample_session
from .crashable import CrashableSystem
from .harness import connect

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
    crashable: CrashableSystem,
) -> None:
    async with sample_session(crashable.stack) as session:
        await bring_in.connect_shop(session)
        shop = Case(session, part_of(sample_of(crashable.stack), *FAMILIES), "", 0)
        undisturbed = await walk_path(crashable, await shop.begin("undisturbed"))
        async with AsyncExitStack() as kills:
            for service, places in KILLED_AT.items():
                await kills.enter_async_context(crashable.killed_at(service, *places))
            disturbed = await walk_path(crashable, await shop.begin("killed"))
    assert disturbed == undisturbed
    assert set(disturbed.created.values()) == {1}
    assert list(disturbed.deleted.values()) == [1]
    assert list(disturbed.shipped.values()) == [1]


async def walk_path(crashable: CrashableSystem, case: Case) -> FinalState:
    """The whole path, by a merchant who asks again when nobody answers."""
    await connect(case.session)
    await walk_merchant_path(case)
    await crashable.wait_until_idle()
    return await recovered_state(case)
