"""Exactly-once effects while processes die and networks fail; at length by `make storm`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.forkserver import ForkServer

from .faults import FaultCounts
from .storm import replay_command, run_storm, seed_from_environment

LENGTHS = {
    "short": (
        2_500,
        FaultCounts(kills=2, stops=1, kafka_restarts=1, postgres_restarts=1, cuts=1),
    ),
    "long": (
        200_000,
        FaultCounts(kills=200, stops=40, kafka_restarts=10, postgres_restarts=10, cuts=20),
    ),
}


@pytest.mark.timeout(0)
async def test_nothing_is_lost_or_doubled_whatever_dies_when(
    tmp_path: Path,
    fork_server: ForkServer,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    length = pytestconfig.getoption("--length")
    events, counts = LENGTHS[length]
    outcome = await run_storm(
        tmp_path, fork_server.spawn, seed=seed_from_environment(), events=events, counts=counts
    )
    again = replay_command(outcome, length)
    record_property("summary", f"{json.dumps(outcome.__dict__)}; to run it again: {again}")
    assert outcome.violations == []
    assert outcome.ahead == []
    assert outcome.samples > 10
    assert outcome.faults == {
        "kill": counts.kills,
        "stop": counts.stops,
        "kafka": counts.kafka_restarts,
        "postgres": counts.postgres_restarts,
        "cut": counts.cuts,
    }
