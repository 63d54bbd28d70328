"""Background jobs of a service: run again and again, at once while there is work, else paused.

A job that is `woken_by` a kind of work begins as soon as a transaction of its process has made
some; its poll is for what other processes made, and for what becomes due.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import asyncpg
import structlog

from common.errors import Outage
from common.postgres.pool import OUTAGE_ERRORS
from common.postgres.unit_of_work import WorkKind
from common.supervision import Component

log = structlog.get_logger()

UNREADY_AFTER = timedelta(seconds=30)
LOCK_TIMEOUTS_ALARM = 3
"""Turns in a row that waited for a lock in vain: by then it is no coincidence."""
HUNG_AFTER = timedelta(minutes=15)
"""A turn that lasts longer hangs: turns are short by design, the longest take some minutes."""
SHORTEST_PAUSE = timedelta(milliseconds=500)
"""After a failure; twice the usual pause where that is longer, within `LONGEST_FIRST`."""
LONGEST_FIRST = timedelta(seconds=2)
"""An outage is mostly over soon, however seldom a job looks for work."""
_OUTAGES: tuple[type[BaseException], ...] = (*OUTAGE_ERRORS, Outage)


class Job(Component):
    """Calls `run` for ever: again at once while it says there was work, else after `every` or when
    woken. `after` something has happened, if that is given: at once then, and never before.

    An outage is logged and backed off; any other failure too, with its trace, and makes the
    service unready while it lasts. So does a lock that three turns in a row have waited for. A turn
    that hangs ends the process's liveness.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[], Awaitable[bool]],
        *,
        every: timedelta,
        woken_by: Sequence[WorkKind] = (),
        after: asyncio.Event | None = None,
    ) -> None:
        super().__init__(
            name,
            stop_within=timedelta(seconds=5),
            first_pause=min(max(every * 2, SHORTEST_PAUSE), LONGEST_FIRST),
            longest_pause=timedelta(seconds=10),
        )
        self._run_once = run
        self._every = every
        self._after = after
        self._turn_began: float | None = None
        self._failing_since: float | None = None
        self._lock_timeouts = 0
        for kind in woken_by:
            kind.subscribe(self)

    @property
    def is_failing(self) -> bool:
        """Whether its last turn failed."""
        return self._failing_since is not None

    @property
    def is_ready(self) -> bool:
        """Not failing for long."""
        since = self._failing_since
        return since is None or time.monotonic() - since < UNREADY_AFTER.total_seconds()

    @property
    def is_beating(self) -> bool:
        """Looked after, and no turn hangs: only another process can go on with its work then."""
        began = self._turn_began
        hangs = began is not None and time.monotonic() - began > HUNG_AFTER.total_seconds()
        return super().is_beating and not hangs

    async def _turn(self) -> timedelta:
        if self._after is not None and not self._after.is_set():
            await self.until_stopped_or(self._after.wait())
            return timedelta()
        self._turn_began = time.monotonic()
        try:
            had_work = await self._run_once()
        finally:
            self._turn_began = None
        self._failing_since = None
        self._lock_timeouts = 0
        return timedelta() if had_work else self._every

    def _on_failure(self, error: BaseException) -> None:
        self._failing_since = self._failing_since or time.monotonic()
        self._lock_timeouts += isinstance(error, asyncpg.LockNotAvailableError)
        if self._lock_timeouts >= LOCK_TIMEOUTS_ALARM:
            log.error("job.waits_for_lock", job=self.name, turns=self._lock_timeouts)
        elif isinstance(error, _OUTAGES):
            log.warning("job.outage", job=self.name, reason=repr(error))
        else:
            log.error("job.failed", job=self.name, exc_info=error)
