"""Exactly-once effects while things die: `make storm-short` in every run, or `make storm`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import Dose
from storm import play_storm, replay_command, seed_from_environment

DOSES = {
    "short": (20_000, Dose(kills=15, stops=5, kafka_restarts=2, postgres_restarts=2, cuts=3)),
    "long": (
        200_000,
        Dose(kills=200, stops=40, kafka_restarts=10, postgres_restarts=10, cuts=20),
    ),
}


@pytest.mark.timeout(0)
@pytest.mark.xdist_group("killed")  # not beside the other heavy ones
async def test_nothing_is_lost_or_doubled_whatever_dies_when(
    tmp_path: Path,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    length = pytestconfig.getoption("--storm")
    events, dose = DOSES[length]
    outcome = await play_storm(tmp_path, seed=seed_from_environment(), events=events, dose=dose)
    told = f"{json.dumps(outcome.__dict__)}; to play it again: {replay_command(outcome, length)}"
    record_property("told", told)
    assert outcome.violations == []
    assert outcome.ahead == []
    assert outcome.samples > 10
    assert outcome.struck["kill"] >= dose.kills
    assert outcome.struck["stop"] >= dose.stops
