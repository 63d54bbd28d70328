"""What keeps a feed or its shop from being right is published, and its end too."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest

from common import clock
from common.contracts.condition import KINDS, ConditionState
from feed_publisher.conditions.observers import observers
from feed_publisher.settings import PublisherSettings
from stack.sandbox import Sandbox
from stack.testing import NewDatabase, eventually

from ..publisher_harness import FEED, SHOP, Harness, Sku
from ..publisher_running import new_harness

PRODUCTS = 12
HOUR = timedelta(hours=1)
OF_FEED = f"feed/{FEED}"


@pytest.fixture
async def harness(
    database: NewDatabase, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox
) -> AsyncIterator[Harness]:
    """It looks for them all the time."""
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, conditions_seconds=0.5
    ) as made:
        yield made


async def present(harness: Harness) -> dict[tuple[str, str], ConditionState]:
    """By kind and subject, as whoever reads the topic knows it."""
    newest: dict[tuple[str, str], ConditionState] = {}
    for event in await harness.emitted(ConditionState):
        known = newest.get((event.kind, event.subject))
        assert known is None or known.revision < event.revision
        newest[event.kind, event.subject] = event
    return {key: event for key, event in newest.items() if event.present}


async def becomes(harness: Harness, *kinds: str) -> Mapping[str, ConditionState]:
    """Wait until these are all that is present of the feed and the shop."""
    found: dict[str, ConditionState] = {}

    async def are_there() -> bool:
        found.clear()
        found.update({kind: event for (kind, _), event in (await present(harness)).items()})
        return found.keys() == set(kinds)

    await eventually(are_there, within=30)
    return found


async def test_runs_that_wait_and_runs_that_are_refused(harness: Harness) -> None:
    empty = [harness.product(f"p{n}", Sku(f"p{n}", stock=0)) for n in range(PRODUCTS)]
    await harness.take(*empty)
    first = await harness.ask("product")
    await harness.wait(first, "awaiting_confirmation")
    waits = (await becomes(harness, "run_withheld"))["run_withheld"]
    assert (waits.subject, waits.feed_id, waits.shop_id) == (OF_FEED, FEED, SHOP)
    assert (waits.run_id, waits.details) == (first, {"guard": "first-run", "run_kind": "product"})

    await harness.call("POST", f"/runs/{first}/confirm")
    await harness.wait(first)
    refused = (await becomes(harness, "mostly_refused"))["mostly_refused"]
    assert refused.run_id == first
    assert refused.details == {"run_kind": "product", "refused": "12", "items": "12"}
    await harness.quiet()
    await harness.publish(*[harness.product(f"p{n}") for n in range(PRODUCTS)])
    await becomes(harness)

    await harness.quiet()
    await harness.publish(*[harness.absent(f"p{n}") for n in range(PRODUCTS - 1)])
    held = (await becomes(harness, "run_withheld"))["run_withheld"]
    assert held.details == {"guard": "removal", "run_kind": "product", "changes": "11"}
    began = held.since
    await harness.run("product")  # it waits on, with the newer plan
    held = (await becomes(harness, "run_withheld"))["run_withheld"]
    assert held.since == began
    await harness.publish(*[harness.product(f"p{n}") for n in range(PRODUCTS - 1)])
    await becomes(harness)


async def test_runs_that_fail_or_do_not_come_and_shops_that_differ_or_are_banned(
    harness: Harness,
) -> None:
    await harness.publish(*[harness.product(f"p{n}") for n in range(PRODUCTS)])
    await harness.quiet()
    now = clock.now()
    await harness.pool.execute(
        """
        UPDATE feed_run SET state = 'failed', trouble = 'KeyError: 1' WHERE run_id = (
            SELECT run_id FROM feed_run WHERE kind = 'product' ORDER BY finished_at DESC LIMIT 1)
        """
    )
    failed = (await becomes(harness, "run_failed"))["run_failed"]
    assert failed.details == {"run_kind": "product", "cause": "KeyError: 1"}
    await harness.run("product")
    await becomes(harness)

    await harness.call("POST", f"/feeds/{FEED}/pause", {"reason": "holidays"})
    await harness.pool.execute(
        "UPDATE feed_run SET finished_at = finished_at - interval '4 hours' WHERE kind = 'offer'"
    )
    await harness.pool.execute("UPDATE feed SET confirmed_at = $1", now - 4 * HOUR)
    await harness.take(harness.product("p0", Sku("p0", stock=4)))
    await becomes(harness)
    await harness.call("POST", f"/feeds/{FEED}/resume")
    idle = (await becomes(harness, "feed_idle"))["feed_idle"]
    assert idle.details["run_kind"] == "offer"
    assert idle.since <= now
    await harness.run("offer")
    await becomes(harness)

    await harness.pool.execute("UPDATE listing SET drift = '[]' WHERE family_id <> 'p0'")
    await harness.pool.execute(
        """
        INSERT INTO rate_bucket (scope, operation, banned_until) VALUES ('app', 'one', $1)
        ON CONFLICT (scope, operation) DO UPDATE SET banned_until = $1
        """,
        now + HOUR,
    )
    found = await becomes(harness, "drift", "banned")
    assert found["drift"].details == {"percent": "90"}
    assert (found["banned"].subject, found["banned"].details["methods"]) == (f"shop/{SHOP}", "one")
    await harness.pool.execute("UPDATE listing SET drift = NULL")
    await harness.pool.execute("UPDATE rate_bucket SET banned_until = $1", now)
    await becomes(harness)


def test_every_kind_of_the_contract_is_observed() -> None:
    assert [one.kind for one in observers(PublisherSettings.model_construct())] == list(
        KINDS["feed-publisher"]
    )
