"""Tests wait for facts; they do not sleep."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.2
"""Seconds between two looks: a fifth of the time waited so far, within these bounds. Who looks all
the time takes the processor from what is waited for."""


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], *, within: float = 30.0
) -> None:
    """Wait until `condition` holds; fail the test when it does not within so many seconds.

    `condition` is asked at least once, and again 20 to 200 ms after each answer.
    """
    began = time.monotonic()
    while True:
        holds = condition()
        if await holds if isinstance(holds, Awaitable) else holds:
            return
        waited = time.monotonic() - began
        if waited > within:
            pytest.fail(f"not so within {within} s: {condition!r}")
        await asyncio.sleep(min(max(waited / 5, SHORTEST_PAUSE), LONGEST_PAUSE))
