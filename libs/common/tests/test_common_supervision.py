import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import jobs, supervision
from common.jobs import Job
from common.postgres.unit_of_work import WorkKind, made_work, reading, unit_of_work
from common.supervision import (
    STEADY_AFTER,
    Backoff,
    CancelledUnasked,
    Component,
    bounded,
    close,
    has_passed,
)
from stack.testing import eventually

from .backbone_harness import Harness

SOON = timedelta(milliseconds=50)
LATE = timedelta(seconds=20)


async def cancel_oneself() -> None:
    """As aiokafka's `stop` does, which awaits a task that it cancelled."""
    task = asyncio.create_task(asyncio.Event().wait())
    task.cancel()
    await task


class Deaf:
    """A call that swallows every cancellation until it is released."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.cancelled = 0
        self.has_ended = False

    async def call(self) -> None:
        while not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
        self.has_ended = True


@pytest.fixture
async def deaf() -> AsyncIterator[Deaf]:
    made = Deaf()
    yield made
    made.released.set()


# -- foreign calls --------------------------------------------------------------------------


async def test_a_bounded_call_gives_its_result_or_its_failure() -> None:
    async def seven() -> int:
        return 7

    async def fail() -> None:
        raise KeyError("x")

    assert await bounded(seven(), LATE) == 7
    with pytest.raises(KeyError):
        await bounded(fail(), LATE)


async def test_a_call_that_cancels_itself_has_failed_and_cancels_nobody_else() -> None:
    with pytest.raises(CancelledUnasked):
        await bounded(cancel_oneself(), LATE)
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_a_call_that_swallows_its_cancellation_is_not_waited_for(deaf: Deaf) -> None:
    with pytest.raises(TimeoutError, match=r"0\.05 s"):
        await bounded(deaf.call(), SOON)
    assert not deaf.has_ended
    await until_true(lambda: deaf.cancelled == 1)


async def test_who_waits_can_be_cancelled_and_the_call_is_too(deaf: Deaf) -> None:
    waiting = asyncio.create_task(bounded(deaf.call(), LATE))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until_true(lambda: deaf.cancelled == 1)


async def test_a_close_says_whether_it_was_done(deaf: Deaf) -> None:
    async def fail() -> None:
        raise OSError("gone")

    assert await close(asyncio.sleep(0), "a", within=LATE)
    assert not await close(fail(), "b", within=LATE)
    assert not await close(cancel_oneself(), "c", within=LATE)
    assert not await close(deaf.call(), "d", within=SOON)


# -- components -----------------------------------------------------------------------------


class Busy(Component):
    """Takes the turns it is given, then idle ones."""

    def __init__(self, *turns: Callable[[], Awaitable[object]]) -> None:
        super().__init__("busy", stop_within=SOON, first_pause=SOON / 10)
        self.turns = list(turns)
        self.failures: list[BaseException] = []
        self.idle = asyncio.Event()

    async def _turn(self) -> timedelta:
        if self.turns:
            await self.turns.pop(0)()
            return timedelta()
        self.idle.set()
        await self.until_stopped()
        return timedelta()

    def _on_failure(self, error: BaseException) -> None:
        self.failures.append(error)


class Bell:
    """In the place of a job that is woken."""

    rung_at = 0.0

    def wake(self) -> None:
        self.rung_at = time.monotonic()


@asynccontextmanager
async def running(component: Component) -> AsyncIterator[None]:
    component.start()
    try:
        yield
    finally:
        await component.stop()


async def until_true(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await eventually(holds)


async def fail() -> None:
    raise KeyError("x")


async def cancel_own_turn() -> None:
    turn = asyncio.current_task()
    assert turn is not None
    turn.cancel()
    await asyncio.sleep(0)


class Odd(BaseException):
    """Neither an `Exception` nor a cancellation."""


async def fail_oddly() -> None:
    raise Odd


@pytest.mark.parametrize(
    ("turn", "failure"),
    [
        (fail, KeyError),
        (fail_oddly, Odd),
        (cancel_oneself, CancelledUnasked),
        (cancel_own_turn, CancelledUnasked),
    ],
)
async def test_whatever_ends_a_turn_another_follows(
    turn: Callable[[], Awaitable[object]], failure: type[BaseException]
) -> None:
    component = Busy(turn, turn)
    async with running(component):
        await component.idle.wait()
        assert component.is_beating
        assert not component.has_ended_unasked
    assert [type(error) for error in component.failures] == [failure, failure]


async def test_a_turn_cancelled_from_outside_is_followed_by_another() -> None:
    component = Busy(asyncio.Event().wait)
    async with running(component):
        await until_true(lambda: any(t.get_name() == "busy: turn" for t in asyncio.all_tasks()))
        [turn] = [t for t in asyncio.all_tasks() if t.get_name() == "busy: turn"]
        turn.cancel()
        await component.idle.wait()
    assert [type(error) for error in component.failures] == [CancelledUnasked]


async def test_a_component_whose_own_task_ends_says_so_and_ends_its_turn(deaf: Deaf) -> None:
    component = Busy(deaf.call)
    async with running(component):
        await asyncio.sleep(0)
        assert not component.has_ended_unasked
        assert component.task is not None
        component.task.cancel()
        await asyncio.wait([component.task])
        assert component.has_ended_unasked
        assert not component.is_beating
        await until_true(lambda: deaf.cancelled == 1)


async def test_stop_ends_in_bounded_time_although_the_turn_does_not(deaf: Deaf) -> None:
    component = Busy(deaf.call)
    component.start()
    await until_true(lambda: not component.turns)
    began = time.monotonic()
    await component.stop()
    await component.stop()
    assert time.monotonic() - began < 5
    assert not component.has_ended_unasked
    assert component.failures == []


@pytest.mark.parametrize("after", [None, asyncio.Event()])
async def test_stop_comes_unstarted_and_cuts_a_pause_short(after: asyncio.Event | None) -> None:
    await Busy().stop()

    async def has_no_work() -> bool:
        return False

    job = Job("seldom", has_no_work, every=timedelta(hours=1), after=after)
    job.start()
    await asyncio.sleep(0)
    began = time.monotonic()
    await job.stop()
    assert time.monotonic() - began < 5


async def test_a_job_that_comes_after_something_begins_with_it_and_not_before() -> None:
    happened, begun = asyncio.Event(), asyncio.Event()

    async def begin() -> bool:
        begun.set()
        return False

    job = Job("later", begin, every=timedelta(hours=1), after=happened)
    async with running(job):
        job.wake()
        assert not await has_passed(begun, SOON)
        happened.set()
        assert await has_passed(begun, LATE)


async def test_a_beat_comes_while_a_turn_lasts_and_while_a_pause_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("common.supervision.BEAT_EVERY", SOON / 5)
    monkeypatch.setattr("common.supervision.SILENT_AFTER", SOON * 10)
    asked: list[float] = []

    async def has_no_work() -> bool:
        asked.append(time.monotonic())
        return False

    busy, pausing = Busy(asyncio.Event().wait), Job("job", has_no_work, every=LATE)
    async with running(busy), running(pausing):
        began = time.monotonic()
        while time.monotonic() - began < 20 * SOON.total_seconds():
            assert busy.is_beating
            assert pausing.is_beating
            await asyncio.sleep(0.01)
    assert len(asked) == 1


async def test_a_component_that_has_not_beaten_for_a_minute_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    component = Busy()
    assert component.is_beating  # not started: nothing to look after
    async with running(component):
        await component.idle.wait()
        now = time.monotonic()
        for later, expected in ((59, True), (61, False)):
            with monkeypatch.context() as moved:
                moved.setattr("common.supervision.time.monotonic", lambda s=later: now + s)
                assert component.is_beating is expected
    assert component.is_beating  # stopping


# -- jobs -----------------------------------------------------------------------------------


async def test_a_job_survives_a_cancellation_of_the_stores_own() -> None:
    turns = 0

    async def run() -> bool:
        nonlocal turns
        turns += 1
        if turns == 1:
            await cancel_oneself()
        return False

    job = Job("job", run, every=timedelta(milliseconds=10))
    async with running(job):
        await until_true(lambda: turns > 2)
        assert job.is_ready


# -- back-off -------------------------------------------------------------------------------


async def test_a_job_that_runs_seldom_tries_again_soon_after_a_failure() -> None:
    turns = 0

    async def fail_once() -> bool:
        nonlocal turns
        turns += 1
        if turns == 1:
            raise TimeoutError
        return False

    async with running(Job("seldom", fail_once, every=timedelta(hours=1))):
        await eventually(lambda: turns == 2, within=4.5)


@given(
    st.lists(st.floats(0, 2 * STEADY_AFTER.total_seconds()), max_size=30),
    st.integers(1, 1_000),
    st.integers(1, 10_000),
)
def test_pauses_grow_up_to_the_longest_and_begin_again_after_a_steady_turn(
    lasted: list[float], first: int, longest: int
) -> None:
    backoff = Backoff(timedelta(milliseconds=first), timedelta(milliseconds=longest))
    step = 0
    for seconds in lasted:
        step = 0 if timedelta(seconds=seconds) > STEADY_AFTER else step
        expected = min(first * 2**step, longest)
        pause = backoff.after(timedelta(seconds=seconds)) / timedelta(milliseconds=1)
        assert 0.49 * expected <= pause <= 1.51 * expected
        step += 1


# -- work that transactions make ------------------------------------------------------------


async def test_a_job_is_woken_by_the_commit_that_made_its_work(harness: Harness) -> None:
    kind, rare = WorkKind(), timedelta(minutes=5)
    done: list[str] = []

    async def take() -> bool:
        rows = await harness.fetch("DELETE FROM catalogue WHERE catalogue_id <> 'main' RETURNING *")
        done.extend(row["catalogue_id"] for row in rows)
        turns.append(len(rows))
        return bool(rows)

    turns: list[int] = []
    job = Job("taking", take, every=rare, woken_by=[kind])
    job.start()
    await eventually(lambda: value(bool(turns)))

    async def add(name: str, *, is_whole: bool = True) -> None:
        async with unit_of_work(harness.pool) as connection:
            await connection.execute("INSERT INTO catalogue VALUES ($1)", name)
            made_work(connection, kind)
            if not is_whole:
                raise KeyError(name)

    await add("a")
    await eventually(lambda: value(done == ["a"] and turns[-1] == 0))
    idle = len(turns)
    with pytest.raises(KeyError):
        await add("b", is_whole=False)
    async with unit_of_work(harness.pool) as connection:
        made_work(connection, WorkKind())  # nobody's
    async with reading(harness.pool) as connection:
        made_work(connection, kind)  # not a transaction of ours
    await add("c")
    await eventually(lambda: value(done == ["a", "c"] and turns[-1] == 0))
    await job.stop()
    assert turns[idle:] == [1, 0]  # only the commit woke it


async def test_a_job_is_woken_when_work_that_was_made_for_later_is_due(harness: Harness) -> None:
    kind, rare = WorkKind(), timedelta(minutes=5)
    turns: list[float] = []

    async def look() -> bool:
        turns.append(time.monotonic())
        return False

    job = Job("looking", look, every=rare, woken_by=[kind])
    job.start()
    await eventually(lambda: len(turns) == 1)
    async with unit_of_work(harness.pool) as connection:
        made_work(connection, kind, due_after=rare)
        made_work(connection, kind, due_after=timedelta(milliseconds=300))
        made_work(connection, kind, due_after=rare)
    committed = time.monotonic()
    await eventually(lambda: len(turns) == 2)
    assert turns[1] - committed >= 0.29
    await job.stop()


async def test_work_for_later_is_never_looked_for_too_early() -> None:
    due: dict[Bell, float] = {}
    for tenths in range(1, 100):  # of a millisecond, in which an event loop does not count
        bell, delay = Bell(), tenths / 10_000
        kind = WorkKind()
        kind.subscribe(bell)
        due[bell] = time.monotonic() + delay
        kind.wake_after(timedelta(seconds=delay))
    await eventually(lambda: all(bell.rung_at for bell in due))
    assert [bell for bell in due if bell.rung_at < due[bell]] == []


async def test_a_pause_is_one_wait() -> None:
    """Not many for what an event loop's timer leaves of it, which comes early by a little."""
    waits: list[timedelta] = []
    turns = 0

    async def counted(event: asyncio.Event, within: timedelta) -> bool:
        waits.append(within)
        return await has_passed(event, within)

    async def look() -> bool:
        nonlocal turns
        turns += 1
        return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervision, "has_passed", counted)
        async with running(Job("looking", look, every=timedelta(milliseconds=7.5))):
            await eventually(lambda: turns > 20)
    assert len(waits) <= turns


async def test_a_failing_job_is_not_hurried_by_new_work() -> None:
    kind = WorkKind()
    failed: list[float] = []

    async def fail() -> bool:
        failed.append(time.monotonic())
        raise KeyError("broken")

    job = Job("failing", fail, every=SOON, woken_by=[kind])
    job.start()
    await eventually(lambda: value(len(failed) == 1))
    for _ in range(100):
        kind.wake()
        await asyncio.sleep(0)
    assert len(failed) == 1
    await job.stop()


async def value(result: bool) -> bool:
    return result


async def test_a_turn_that_hangs_shows_in_liveness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "HUNG_AFTER", timedelta(milliseconds=200))
    goes_on = asyncio.Event()

    async def hang() -> bool:
        await goes_on.wait()
        return False

    job = Job("hanging", hang, every=LATE)
    assert job.is_beating
    job.start()
    await eventually(lambda: is_not_beating(job))
    goes_on.set()
    await eventually(lambda: is_beating(job))
    await job.stop()


async def is_beating(component: Component) -> bool:
    return component.is_beating


async def is_not_beating(component: Component) -> bool:
    return not component.is_beating
