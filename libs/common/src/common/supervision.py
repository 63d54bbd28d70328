"""Whatever ends a task that should go on is noticed: it runs again, or the process ends.

Clients of other makers raise a `CancelledError` of their own (aiokafka's `stop` does), swallow
ours, or never return; `except Exception` and `asyncio.wait_for` are no defence. So a call into one
runs in a task of its own (`bounded`, `close`): its result is looked at, its end never waited for.
A `Component` runs its work the same way, turn after turn: a cancellation that it did not ask for is
a failure of the turn, and its beat shows that it still looks after it.
"""

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import structlog

from common.errors import Outage

log = structlog.get_logger()

T = TypeVar("T")

BEAT_EVERY = timedelta(seconds=5)
SILENT_AFTER = timedelta(seconds=60)
STEADY_AFTER = timedelta(seconds=30)
"""A turn that lasted so long before it failed is the first failure of a new row."""
GRAIN = timedelta(milliseconds=2)
"""By how much an event loop's timer may come early: it counts in whole milliseconds."""

_abandoned: set[asyncio.Future[Any]] = set()


class CancelledUnasked(Outage):
    """A call ended with a `CancelledError` that nobody here asked for."""


async def bounded(call: Awaitable[T], within: timedelta) -> T:
    """The call's result. One that takes longer is cancelled, but not waited for.

    Raises `TimeoutError`, `CancelledUnasked`, or what the call raises.
    """
    task = asyncio.ensure_future(call)
    try:
        await asyncio.wait([task], timeout=within.total_seconds())
    except asyncio.CancelledError:
        abandon(task)
        raise
    if not task.done():
        abandon(task)
        raise TimeoutError(f"no answer within {within.total_seconds():g} s")
    return result_of(task)


async def close(closing: Awaitable[object], what: str, *, within: timedelta) -> bool:
    """Await the close of something foreign. False, with a line in the log, when it failed."""
    try:
        await bounded(closing, within)
    except Exception as error:
        log.warning("close.failed", what=what, reason=repr(error))
        return False
    return True


def result_of(task: asyncio.Future[T]) -> T:
    """The result of a task that is done and that nobody here cancelled.

    Raises `CancelledUnasked`, or what the task raised.
    """
    if task.cancelled():
        raise CancelledUnasked("a call cancelled itself")
    return task.result()


def abandon(task: asyncio.Future[Any]) -> None:
    """Cancel the task and look away: neither its end nor its failure is waited for."""
    _abandoned.add(task)  # asyncio itself keeps no strong reference
    task.add_done_callback(_look_away)
    task.cancel()


def _look_away(task: asyncio.Future[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # or asyncio would warn that nobody looked


async def has_passed(event: asyncio.Event, within: timedelta) -> bool:
    """Whether the event was set, or became so within that time."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            await event.wait()
    except TimeoutError:
        return False
    return True


class Backoff:
    """Pauses after failures in a row: each twice the one before, with jitter."""

    def __init__(self, first: timedelta, longest: timedelta) -> None:
        self._first = min(first, longest)
        self._longest = longest
        self._next = self._first

    def after(self, lasted: timedelta) -> timedelta:
        """The pause after a failure of a turn that had lasted so long."""
        if lasted > STEADY_AFTER:
            self.reset()
        pause = self._next
        self._next = min(pause * 2, self._longest)
        return pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter

    def reset(self) -> None:
        """Begin again with the first."""
        self._next = self._first


class Component(ABC):
    """What a process keeps running: turn after turn from `start` to `stop`, whatever ends one.

    Only an end of the component's own task can stop it unasked; the process ends then. `start` may
    come once; `stop` may come twice, or without it.
    """

    def __init__(
        self,
        name: str,
        *,
        stop_within: timedelta,
        first_pause: timedelta = timedelta(milliseconds=200),
        longest_pause: timedelta = timedelta(seconds=5),
    ) -> None:
        self.name = name
        """What logs and health checks call it."""
        self.task: asyncio.Task[None] | None = None
        """Runs the turns; done only once it was asked to stop, unless something is wrong."""
        self._stop_within = stop_within
        self._backoff = Backoff(first_pause, longest_pause)
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()
        self._beat_at = time.monotonic()

    @abstractmethod
    async def _turn(self) -> timedelta:
        """Work until there is a reason to begin again; the pause until then. Ends soon once
        `is_stopping`."""

    @abstractmethod
    def _on_failure(self, error: BaseException) -> None:
        """Report why a turn ended: what it raised, or `CancelledUnasked`. It is run again."""

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopping.is_set()

    @property
    def has_ended_unasked(self) -> bool:
        """Whether its task ended although nobody asked it to stop."""
        return self.task is not None and self.task.done() and not self.is_stopping

    @property
    def is_beating(self) -> bool:
        """Whether it looked after its turn within the last minute; liveness is all of these."""
        silent = time.monotonic() - self._beat_at
        is_idle = self.task is None or self.is_stopping
        return is_idle or (not self.has_ended_unasked and silent < SILENT_AFTER.total_seconds())

    def start(self) -> None:
        """Begin to run."""
        self.task = asyncio.create_task(self._run_turns(), name=self.name)

    def wake(self) -> None:
        """End the pause between two turns, or skip the one to come; that after a failure stays."""
        self._woken.set()

    async def stop(self) -> None:
        """End after the turn in hand, in bounded time: one that takes longer is abandoned."""
        self._stopping.set()
        self._woken.set()
        if self.task is not None:
            await asyncio.wait([self.task], timeout=self._stop_within.total_seconds())
            abandon(self.task)

    async def pause(self, lasts: timedelta) -> None:
        """Wait that long, or until asked to stop."""
        await has_passed(self._stopping, lasts)

    async def rest(self, lasts: timedelta) -> None:
        """Wait that long, or until woken, also before it came, or asked to stop."""
        await has_passed(self._woken, lasts)
        if not self.is_stopping:
            self._woken.clear()

    async def until_stopped(self) -> None:
        """Wait until asked to stop."""
        await self._stopping.wait()

    async def until_stopped_or(self, call: Coroutine[Any, Any, object]) -> None:
        """Await the call, or until asked to stop. Raises what the call raises."""
        calling = asyncio.create_task(call)
        stopping = asyncio.create_task(self.until_stopped())
        try:
            await asyncio.wait([calling, stopping], return_when=asyncio.FIRST_COMPLETED)
            if calling.done():
                result_of(calling)
        finally:
            abandon(calling)
            abandon(stopping)

    async def _run_turns(self) -> None:
        while not self.is_stopping:
            began = time.monotonic()
            self._woken.clear()
            turn = asyncio.create_task(self._turn(), name=f"{self.name}: turn")
            await self._look_after(turn)
            try:
                pause = result_of(turn)
            except BaseException as error:  # a cancellation, too
                self._on_failure(error)
                pause = self._backoff.after(timedelta(seconds=time.monotonic() - began))
                await self._wait_for(self._stopping, pause)
            else:
                self._backoff.reset()
                await self._wait_for(self._woken, pause)

    async def _look_after(self, turn: asyncio.Task[timedelta]) -> None:
        try:
            while not turn.done():
                self._beat_at = time.monotonic()
                await asyncio.wait([turn], timeout=BEAT_EVERY.total_seconds())
        finally:
            if not turn.done():
                abandon(turn)

    async def _wait_for(self, event: asyncio.Event, pause: timedelta) -> None:
        ends_at = time.monotonic() + pause.total_seconds()
        while not event.is_set() and (left := ends_at - time.monotonic()) > GRAIN.total_seconds():
            self._beat_at = time.monotonic()
            await has_passed(event, min(timedelta(seconds=left), BEAT_EVERY))
