"""Whatever happens in whatever order, after quiet the shop is what is wanted; `make histories`."""

import os
import random
from collections.abc import Callable

import pytest

from channel_demo import bring_in, sell
from stack.testing import StartSystem

from ..stories.sample import sample_of, sample_session
from .history import History, make_families

LENGTHS = {"short": (8, 6, 3), "long": (300, 200, 25)}
"""Families, rounds, and after how many rounds it comes to rest."""
STEPS_A_ROUND = 4


@pytest.mark.timeout(0)
async def test_after_any_history_the_shop_is_what_is_wanted(
    start_system: StartSystem,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    number, rounds, rest_after = LENGTHS[pytestconfig.getoption("--length")]
    seed = int(os.environ.get("HISTORY_SEED", random.randrange(10**6)))
    async with start_system() as system, sample_session(system) as session:
        sources = sample_of(system)
        families = make_families(sources, number)
        history = History(system, session, sources, families, random.Random(seed))
        await bring_in.connect_shop(session)
        await history.apply_configuration()
        await bring_in.publish(session, [row.event for f in families for row in f.rows])
        await sell.settle(session)
        await sell.publish_products(session)
        await history.come_to_rest()
        assert await history.differences() == [], f"HISTORY_SEED={seed}, before anything happened"
        for round_number in range(1, rounds + 1):
            for _ in range(STEPS_A_ROUND):
                await history.take_step()
            if round_number % rest_after == 0:
                await history.come_to_rest()
                wrong = [*await history.differences(), *await history.wrong_deletions()]
                assert wrong == [], f"HISTORY_SEED={seed}, round {round_number}"
    record_property("summary", f"HISTORY_SEED={seed}: {rounds} rounds, {dict(history.done)}")
