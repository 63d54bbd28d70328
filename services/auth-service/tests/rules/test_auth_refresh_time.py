"""When a token is refreshed: early enough, spread, and never again and again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.shops.expiry_steps import first_step_at
from auth_service.shops.refresh.refresh_time import SHORTEST_LIFE, refresh_at, share_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("expires_in", "usable_for", "share", "due_in"),
    [
        (30 * DAY, 60 * DAY, 0.0, 15 * DAY),
        (30 * DAY, 60 * DAY, 1.0, 13.125 * DAY),
        (365 * DAY, 700 * DAY, 0.0, 349 * DAY),
        (30 * DAY, 10 * DAY, 0.0, 5 * DAY),
        (7 * DAY, 14 * DAY, 0.0, 3.5 * DAY),
        (30 * DAY, timedelta(hours=11), 0.0, None),
        (30 * DAY, timedelta(0), 0.0, None),
        (-1 * DAY, 30 * DAY, 0.0, None),
    ],
)
def test_it_is_due_so_long_after_the_grant(
    expires_in: timedelta, usable_for: timedelta, share: float, due_in: timedelta | None
) -> None:
    due_at = refresh_at(NOW, NOW + expires_in, NOW + usable_for, share)
    assert due_at == (None if due_in is None else NOW + due_in)


spans = st.timedeltas(-2 * DAY, 800 * DAY)


@given(spans, spans, st.floats(0, 1))
def test_it_is_due_while_both_tokens_work_and_not_at_once(
    expires_in: timedelta, usable_for: timedelta, share: float
) -> None:
    due_at = refresh_at(NOW, NOW + expires_in, NOW + usable_for, share)
    life = min(expires_in, usable_for)
    if due_at is None:
        assert life < SHORTEST_LIFE
    else:
        assert NOW + life * 0.43 <= due_at < NOW + life


@given(st.floats(0, 1), st.integers(30, 800))
def test_a_token_of_a_month_or_more_is_due_before_its_first_step(share: float, days: int) -> None:
    end = NOW + days * DAY
    due_at = refresh_at(NOW, end, end, share)
    assert due_at is not None
    assert due_at <= first_step_at(end) - DAY


def test_shares_are_spread_and_always_the_same() -> None:
    shares = [share_of(f"merchant/{number}") for number in range(1_000)]
    assert all(0 <= share < 1 for share in shares)
    assert len({int(share * 10) for share in shares}) == 10
    assert shares[7] == share_of("merchant/7")
