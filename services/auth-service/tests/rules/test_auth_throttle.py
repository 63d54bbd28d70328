"""Who tries wrong credentials again and again has to wait."""

import pytest

from auth_service.clients.throttle import (
    PER_ADDRESS,
    PER_CLIENT,
    REMEMBERED,
    WINDOW,
    Throttle,
    TooManyAttempts,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_client_is_held_back_from_one_address_and_for_a_while() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(PER_CLIENT):
        throttle.admit("a", "1.1.1.1")
        throttle.failed("a", "1.1.1.1")
        clock.now += 1

    with pytest.raises(TooManyAttempts) as refused:
        throttle.admit("a", "1.1.1.1")
    throttle.admit("a", "2.2.2.2")
    throttle.admit("b", "1.1.1.1")
    assert refused.value.retry_after
    clock.now += refused.value.retry_after.total_seconds()
    throttle.admit("a", "1.1.1.1")


def test_an_address_is_held_back_whatever_clients_it_names() -> None:
    throttle = Throttle(Clock())
    for number in range(PER_ADDRESS):
        throttle.failed(f"client-{number}", "1.1.1.1")
    with pytest.raises(TooManyAttempts):
        throttle.admit("another", "1.1.1.1")
    throttle.admit("another", "2.2.2.2")


def test_failures_long_ago_do_not_count() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(3 * PER_CLIENT):
        throttle.failed("a", "1.1.1.1")
        clock.now += WINDOW.total_seconds() / (PER_CLIENT - 2)
        throttle.admit("a", "1.1.1.1")


def test_memory_is_bounded() -> None:
    throttle = Throttle(Clock())
    for number in range(2 * REMEMBERED):
        throttle.failed(f"client-{number}", f"address-{number}")
    assert len(throttle._counts._failures) <= REMEMBERED
