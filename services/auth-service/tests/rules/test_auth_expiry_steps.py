from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.shops.expiry_steps import LEFT_AT_STEP, first_step_at, latest_step, progress

END = datetime(2026, 12, 24, 12, tzinfo=UTC)
STEPS: list[str] = list(LEFT_AT_STEP)


@pytest.mark.parametrize(
    ("left", "last_step", "expected", "next_left"),
    [
        pytest.param(timedelta(days=30), None, None, timedelta(days=14), id="new"),
        pytest.param(timedelta(days=14), None, "14d", timedelta(days=7), id="at-14-days"),
        pytest.param(timedelta(days=8), "14d", None, timedelta(days=7), id="published-before"),
        pytest.param(timedelta(days=7), "14d", "7d", timedelta(days=3), id="at-7-days"),
        pytest.param(timedelta(days=2), "14d", "3d", timedelta(days=1), id="missed-7-days"),
        pytest.param(timedelta(hours=5), None, "6h", timedelta(0), id="missed-all-but-6-hours"),
        pytest.param(timedelta(0), "6h", "expired", None, id="the-end"),
        pytest.param(timedelta(days=-3), None, "expired", None, id="long-after"),
        pytest.param(timedelta(days=-3), "expired", None, None, id="end-published"),
        pytest.param(timedelta(days=20), "3d", None, timedelta(days=1), id="clock-went-back"),
    ],
)
def test_which_step_is_published_and_when_the_next_is_due(
    left: timedelta, last_step: str | None, expected: str | None, next_left: timedelta | None
) -> None:
    reached = progress(END, END - left, last_step)

    assert reached.step == expected
    assert reached.next_at == (None if next_left is None else END - next_left)


@given(st.lists(st.integers(-40 * 86_400, 3 * 86_400), min_size=1, max_size=40))
def test_over_any_walk_of_the_clock_no_step_is_published_twice_or_backwards(
    walk: list[int],
) -> None:
    published: list[str] = []
    for seconds in walk:
        reached = progress(END, END + timedelta(seconds=seconds), _last(published))
        if reached.step is not None:
            published.append(reached.step)

    places = [STEPS.index(step) for step in published]
    assert places == sorted(set(places))
    latest = latest_step(END, END + timedelta(seconds=max(walk)))
    assert _last(published) == latest


@given(st.integers(-40 * 86_400, 3 * 86_400))
def test_looking_only_when_the_next_is_due_misses_nothing(start: int) -> None:
    """A watcher that sleeps until `next_at` publishes every step that a busy one would."""
    now = END + timedelta(seconds=start)
    expected = [step for step, left in LEFT_AT_STEP.items() if END - left > now]
    published: list[str] = []
    due: datetime | None = max(now, first_step_at(END))
    while due is not None:
        reached = progress(END, max(due, now), _last(published))
        if reached.step is not None:
            published.append(reached.step)
        due = reached.next_at

    assert published[-len(expected) :] == expected if expected else published == ["expired"]
    assert len(published) <= len(expected) + 1


def _last(published: list[str]) -> str | None:
    return published[-1] if published else None
