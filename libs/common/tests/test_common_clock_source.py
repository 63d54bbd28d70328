"""A process's clock goes with the one it follows, at once."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx2
import pytest

from common import clock
from common.clock_source import Follower
from common.jobs import Job
from stack.sandbox import Sandbox
from stack.testing import eventually

MOMENT = datetime(2031, 5, 5, 12, tzinfo=UTC)


@pytest.fixture
async def follower(sandbox: Sandbox) -> AsyncIterator[Follower]:
    made = Follower(f"{sandbox.url}/control/clock")
    await made.begin()
    made.start()
    yield made
    await made.stop()
    await made.aclose()


@pytest.fixture
async def market(sandbox: Sandbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=sandbox.url) as client:
        yield client
        now = {"set": datetime.now(UTC).isoformat(), "is_frozen": False}
        (await client.post("/control/clock", json=now)).raise_for_status()
    clock.set_to(datetime.now(UTC))


async def test_a_move_is_followed_while_it_is_waited_for(
    market: httpx2.AsyncClient, follower: Follower
) -> None:
    for moment in (MOMENT, MOMENT + timedelta(days=30), MOMENT - timedelta(days=1)):
        body = {"set": moment.isoformat(), "is_frozen": True}
        moved_at = time.monotonic()
        (await market.post("/control/clock", json=body)).raise_for_status()
        await eventually(partial(_is_now, moment))
        assert time.monotonic() - moved_at < 1.0


def _is_now(moment: datetime) -> bool:
    return clock.now() == moment


async def test_it_stops_while_it_waits(follower: Follower) -> None:
    asked_at = time.monotonic()
    await follower.stop()
    assert time.monotonic() - asked_at < 1.0


async def test_a_job_looks_at_once_for_what_a_move_has_made_due(
    market: httpx2.AsyncClient, follower: Follower
) -> None:
    looked_at: list[datetime] = []

    async def look() -> bool:
        looked_at.append(clock.now())
        return False

    job = Job("seldom", look, every=timedelta(hours=1))
    follower.wake_by_moves([job])
    job.start()
    try:
        await eventually(lambda: len(looked_at) == 1)
        body = {"set": MOMENT.isoformat(), "is_frozen": True}
        (await market.post("/control/clock", json=body)).raise_for_status()
        await eventually(lambda: looked_at[1:] == [MOMENT])
    finally:
        await job.stop()
