"""In which range a token's time left is counted."""

from datetime import timedelta

import pytest

from auth_service.tokens.measure_tokens import days_left


@pytest.mark.parametrize(
    ("left", "name"),
    [
        (timedelta(days=-3), "lapsed"),
        (timedelta(0), "lapsed"),
        (timedelta(seconds=1), "<1"),
        (timedelta(days=1), "<1"),
        (timedelta(days=1, seconds=1), "<3"),
        (timedelta(days=3), "<3"),
        (timedelta(days=6, hours=23), "<7"),
        (timedelta(days=7, seconds=1), "more"),
        (timedelta(days=30), "more"),
    ],
)
def test_a_token_is_counted_by_the_days_it_has_left(left: timedelta, name: str) -> None:
    assert days_left(left) == name
