"""Background jobs of a service: run again and again, at once while there is work, else paused."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import structlog

from common.errors import Outage
from common.postgres.pool import OUTAGE_ERRORS

log = structlog.get_logger()

UNREADY_AFTER = timedelta(seconds=30)
_OUTAGES: tuple[type[BaseException], ...] = (*OUTAGE_ERRORS, Outage)


class Component(Protocol):
    """What a worker process runs: consumers, the relay, jobs."""

    def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End in bounded time; may come twice or unstarted."""


class Job:
    """Calls `run` for ever: again at once while it says there was work, else after `every`.

    An outage is logged and backed off; any other failure too, with its trace, and makes the
    service unready while it lasts.
    """

    def __init__(self, name: str, run: Callable[[], Awaitable[bool]], *, every: timedelta) -> None:
        self.name = name
        self._run_once = run
        self._every = every
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failing_since: float | None = None

    @property
    def is_ready(self) -> bool:
        """Not failing for long."""
        since = self._failing_since
        return since is None or time.monotonic() - since < UNREADY_AFTER.total_seconds()

    def start(self) -> None:
        """Begin to run."""
        self._task = asyncio.create_task(self._loop(), name=self.name)

    async def stop(self) -> None:
        """End after the turn in hand, or cancel it after five seconds."""
        self._stopping.set()
        if self._task is not None:
            _, pending = await asyncio.wait([self._task], timeout=5)
            for task in pending:
                task.cancel()
            self._task = None

    async def _loop(self) -> None:
        delay = self._every.total_seconds()
        while not self._stopping.is_set():
            try:
                had_work = await self._run_once()
            except _OUTAGES as error:
                log.warning("job.outage", job=self.name, reason=repr(error))
                delay = self._fail(delay)
            except Exception:
                log.exception("job.failed", job=self.name)
                delay = self._fail(delay)
            else:
                self._failing_since = None
                delay = 0.0 if had_work else self._every.total_seconds()
            if delay:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), delay)

    def _fail(self, delay: float) -> float:
        self._failing_since = self._failing_since or time.monotonic()
        return min(max(delay, 0.25) * 2, 10.0) * random.uniform(0.7, 1.3)  # noqa: S311 - jitter
