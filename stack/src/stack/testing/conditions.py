"""Tests wait for facts; they do not sleep."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

ASKED_AGAIN_AFTER = 0.02


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], *, within: float = 30.0
) -> None:
    """Wait until `condition` holds; fail the test when it does not within so many seconds.

    `condition` is asked at least once, and again 20 ms after each answer.
    """
    deadline = time.monotonic() + within
    while True:
        holds = condition()
        if await holds if isinstance(holds, Awaitable) else holds:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"not so within {within} s: {condition!r}")
        await asyncio.sleep(ASKED_AGAIN_AFTER)
