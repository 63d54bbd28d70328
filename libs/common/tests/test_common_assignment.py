"""Positions move from where they stand, and from nowhere else."""

from datetime import timedelta
from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from common.messaging.assignment import Assignment
from common.messaging.positions import PositionMoved
from common.messaging.records import Record

FIRST, SECOND = TopicPartition("t.sources", 0), TopicPartition("t.sources", 1)
NOTHING = cast("Any", None)


def record(partition: int, offset: int) -> Record:
    return Record("sources", partition, offset, 0, b"m", b"{}", [])


@pytest.fixture
def assignment() -> Assignment:
    made = Assignment(NOTHING, NOTHING, "g", prefix="t.", drained_within=timedelta(seconds=1))
    made.positions |= {FIRST: 27, SECOND: 5}
    return made


def test_positions_move_past_the_last_records(assignment: Assignment) -> None:
    records = [record(0, 27), record(1, 7), record(0, 28), record(1, 9)]
    assert assignment.moves_past(records) == {FIRST: (27, 29), SECOND: (5, 10)}


def test_records_that_were_applied_are_not_taken_again(assignment: Assignment) -> None:
    """A batch fetched while the one before was applied is not known to begin after that one."""
    with pytest.raises(PositionMoved):
        assignment.moves_past([record(1, 5), record(0, 26), record(0, 27)])


def test_a_partition_that_was_given_up_moves_no_more(assignment: Assignment) -> None:
    del assignment.positions[SECOND]
    with pytest.raises(PositionMoved):
        assignment.moves_past([record(0, 27), record(1, 5)])
