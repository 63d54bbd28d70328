"""In which rhythm something comes for a catalogue."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from catalog_service.arrivals.rhythm import BEAT, LONGEST, Rhythm, after_arrival

BEGAN = datetime(2026, 1, 5, 8, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def after(*gaps: timedelta) -> Rhythm:
    """The rhythm after a first arrival and those that follow it by these gaps."""
    at = BEGAN
    rhythm = after_arrival(None, at)
    for gap in gaps:
        at += gap
        rhythm = after_arrival(rhythm, at)
    return rhythm


def test_a_daily_file_in_many_batches_has_the_rhythm_of_a_day() -> None:
    rhythm = after(*[MINUTE, MINUTE, DAY - 2 * MINUTE] * 6)
    assert rhythm.beats == 7
    assert abs(rhythm.usual_silence - DAY) < HOUR


def test_a_stream_that_never_stops_has_no_silence_and_goes_on() -> None:
    rhythm = after(*[MINUTE] * 600)
    assert rhythm.beats == 11
    assert rhythm.usual_silence == MINUTE
    assert rhythm.last_at == BEGAN + 600 * MINUTE


def test_a_week_with_a_weekend_lies_between_a_day_and_three() -> None:
    assert DAY < after(*[DAY, DAY, DAY, DAY, 3 * DAY] * 4).usual_silence < 2 * DAY


def test_an_outage_is_soon_forgotten() -> None:
    daily = [DAY] * 20
    assert after(*daily, timedelta(days=3_000)).usual_silence < 8 * DAY
    assert after(*daily, timedelta(days=3_000), *daily).usual_silence < 2 * DAY


def test_what_came_before_the_last_changes_nothing() -> None:
    rhythm = after(DAY)
    assert after_arrival(rhythm, BEGAN) == rhythm


@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=400)), max_size=30))
def test_no_silence_is_shorter_or_longer_than_those_there_were(gaps: list[timedelta]) -> None:
    rhythm = after(*gaps)
    assert rhythm.first_at <= rhythm.beat_at <= rhythm.last_at
    assert rhythm.last_at == BEGAN + sum(gaps, timedelta())
    assert 1 <= rhythm.beats <= 1 + len(gaps)
    assert timedelta() <= rhythm.usual_silence <= min(LONGEST, max(gaps, default=timedelta()))
    assert rhythm.last_at - rhythm.beat_at < BEAT or rhythm.beat_at == rhythm.last_at
