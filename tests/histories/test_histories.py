"""Whatever happens in whatever order, after quiet the shop is what is wanted; `make histories`."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from channel_demo import bring_in, sell
from channel_demo.session import Session
from stack.run import Stack
from stack.testing import StartSystem

from ..stories.sample import sample_of, sample_session
from .accounts import Accounts
from .evidence import evidence_of
from .history import History
from .rest import Rest
from .wanted import make_families

LENGTHS = {"short": "6,4,4", "long": "300,200,25"}
"""Families, rounds, and after how many rounds it comes to rest; `HISTORY_LENGTH` sets others."""
STEPS_A_ROUND = 4
SHOWN = 1
"""Products of which a failure shows what is stored."""


@pytest.mark.timeout(0)
async def test_after_any_history_the_shop_is_what_is_wanted(
    start_system: StartSystem,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    length = os.environ.get("HISTORY_LENGTH", LENGTHS[pytestconfig.getoption("--length")])
    number, rounds, rest_after = (int(part) for part in length.split(","))
    seed = int(os.environ.get("HISTORY_SEED", random.randrange(10**6)))
    where = f"HISTORY_LENGTH={length} HISTORY_SEED={seed}"
    async with start_system() as system, sample_session(system) as session:
        rest = await begin(system, session, number, seed)
        history = rest.history
        await require_none(rest, f"{where}, before anything happened")
        async with watching(history.accounts):
            for round_number in range(1, rounds + 1):
                for _ in range(STEPS_A_ROUND):
                    await history.take_step()
                if round_number % rest_after == 0:
                    await rest.come_to_rest()
                    await require_none(rest, f"{where}, round {round_number}")
                    await history.trade()  # and nothing else, that might set its stock right too
                    await rest.come_to_rest()
                    await require_none(rest, f"{where}, orders after round {round_number}")
    looks, audited = history.accounts.looks, len(history.accounts.audited)
    record_property(
        "summary",
        f"{where}: {looks} looks, {audited} runs, {dict(history.done)};"
        f" left to the daily read-back: {rest.found_late}",
    )


async def begin(system: Stack, session: Session, number: int, seed: int) -> Rest:
    """So many families, all online."""
    sources = sample_of(system)
    families = make_families(sources, number)
    history = History(system, session, sources, families, random.Random(seed), Accounts(session))
    await bring_in.connect_shop(session)
    await history.apply_configuration()
    await bring_in.publish(session, [row.event for f in families for row in f.rows])
    await sell.settle(session)
    await sell.publish_products(session)
    rest = Rest(history)
    await rest.come_to_rest()
    return rest


async def require_none(rest: Rest, where: str) -> None:
    """Fail with every violation, and with what is stored of the products they name."""
    history, found = rest.history, await rest.violations()
    if found:
        named = [f.name for f in history.families if any(f.name in line for line in found)]
        stored = await evidence_of(history.stack, named[:SHOWN])
        pytest.fail(
            "\n".join([where, *found, f"so far: {dict(history.done)}", *rest.found_late, stored])
        )


@asynccontextmanager
async def watching(accounts: Accounts) -> AsyncIterator[None]:
    """The accounts are looked at all the while; what fails in looking fails the test."""
    watch = asyncio.create_task(accounts.watch())
    try:
        yield
        if watch.done():
            watch.result()
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
