import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import clock, conditions
from common.conditions import ENDED_KEPT, Conditions, Observer, change_of
from common.contracts.condition import ConditionState
from common.contracts.topics import MAX_RECORD_BYTES
from common.postgres.conditions import Difference, Seen
from stack.testing import outbox_events

from .backbone_harness import Harness

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUERY = """
    SELECT 'm1' AS merchant_id, subject, since, '{"feed_id": "web"}'::jsonb AS links,
        jsonb_build_object('word', word) AS details
    FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS o (subject, word, since)
"""


class World:
    """What there is to be seen: a word by subject."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.words: dict[str, str] = {}
        self.began: datetime | None = None

    def values(self, _now: datetime) -> Sequence[object]:
        return list(self.words), list(self.words.values()), [self.began] * len(self.words)

    @property
    def observer(self) -> Observer:
        return Observer("run_failed", QUERY, self.values)

    def job(self, *others: Observer) -> Conditions:
        return Conditions(self.harness.pool, "/test", [*others, self.observer])

    async def published(self) -> list[ConditionState]:
        return await outbox_events(self.harness.pool, ConditionState)


@pytest.fixture
def world(harness: Harness) -> World:
    return World(harness)


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    clock.set_to(NOON, is_frozen=True)
    yield
    clock.set_to(datetime.now(UTC))


async def test_a_condition_begins_changes_and_ends_and_comes_back(world: World) -> None:
    job = world.job()
    await job.run()
    world.words, world.began = {"feed/web": "first"}, NOON - HOUR
    for _ in range(2):
        assert await job.run() is False
    clock.set_to(NOON + HOUR, is_frozen=True)
    world.words, world.began = {"feed/web": "second"}, NOON
    await job.run()
    world.words = {}
    for _ in range(2):
        await job.run()
    clock.set_to(NOON + 2 * HOUR, is_frozen=True)
    world.words, world.began = {"feed/web": "third"}, NOON
    await job.run()
    first, second, third, fourth = await world.published()
    assert (first.present, first.since, first.details) == (True, NOON - HOUR, {"word": "first"})
    assert (first.feed_id, first.key()) == ("web", "m1/run_failed/feed%2Fweb")
    assert (second.present, second.since, second.details["word"]) == (True, NOON - HOUR, "second")
    assert (third.present, third.since, third.ended_at) == (False, NOON - HOUR, NOON + HOUR)
    assert third.details["word"] == "second"
    assert (fourth.present, fourth.since, fourth.ended_at) == (True, NOON + HOUR, None)
    assert first.revision < second.revision < third.revision < fourth.revision


async def test_replicas_publish_each_change_once(world: World) -> None:
    jobs = [world.job() for _ in range(4)]
    world.words = {f"feed/{number}": "word" for number in range(30)}
    await asyncio.gather(*(job.run() for job in jobs))
    world.words = {f"feed/{number}": "word" for number in range(10)}
    await asyncio.gather(*(job.run() for job in jobs))
    published = await world.published()
    assert len({event.subject for event in published if event.present}) == 30
    assert len(published) == 50


async def test_more_than_one_transaction_takes_is_published_in_pieces(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "CHANGES_AT_ONCE", 10)
    world.words = {f"feed/{number:02}": "word" for number in range(25)}
    await world.job().run()
    assert [event.subject for event in await world.published()] == sorted(world.words)


async def test_one_that_cannot_be_published_fails_alone_and_is_not_remembered(
    world: World,
) -> None:
    world.words = {"feed/a": "word", "feed/b": "x" * MAX_RECORD_BYTES, "feed/c": "word"}
    for _ in range(2):
        await world.job().run()
    assert [event.subject for event in await world.published()] == ["feed/a", "feed/c"]
    assert await world.harness.count("condition") == 2
    world.words["feed/b"] = "word"
    await world.job().run()
    assert len(await world.published()) == 2  # it is held for a while
    clock.set_to(NOON + HOUR, is_frozen=True)
    await world.job().run()
    assert [event.subject for event in await world.published()][2:] == ["feed/b"]
    assert await world.harness.count("failed_row") == 0


async def test_an_observer_that_fails_does_so_alone(world: World) -> None:
    broken = Observer("drift", "SELECT nothing FROM nowhere")
    world.words = {"feed/web": "word"}
    with pytest.raises(Exception, match="nowhere"):
        await world.job(broken).run()
    assert len(await world.published()) == 1


async def test_all_is_published_again_daily_and_what_is_long_over_forgotten(world: World) -> None:
    job = world.job()
    world.words = {"feed/a": "word", "feed/b": "word"}
    await job.run()
    del world.words["feed/b"]
    await job.run()
    clock.set_to(NOON + timedelta(days=1), is_frozen=True)
    await job.run()
    await job.run()
    published = await world.published()
    assert [(e.subject, e.present) for e in published[3:]] == [("feed/a", True), ("feed/b", False)]
    assert published[3].revision > published[0].revision
    assert published[4].revision > published[2].revision
    assert published[4].ended_at == NOON
    clock.set_to(NOON + ENDED_KEPT + timedelta(days=1), is_frozen=True)
    await job.run()
    assert [event.subject for event in (await world.published())[5:]] == ["feed/a"]
    assert await world.harness.count("condition") == 1


TIMES = st.one_of(st.none(), st.integers(-99, 99).map(lambda hours: NOON + hours * HOUR))
WORDS = st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=3), max_size=2)
SEEN = st.builds(Seen, TIMES, WORDS, WORDS)


@given(st.lists(st.one_of(st.none(), SEEN), max_size=8))
def test_a_series_of_looks_is_told_as_it_was(looks: list[Seen | None]) -> None:
    """Each begins, changes or ends what was published before; `since` moves only at a beginning."""
    published: Seen | None = None
    for number, seen in enumerate(looks):
        now = NOON + number * HOUR
        if (seen and (seen.links, seen.details)) == (
            published and (published.links, published.details)
        ):
            continue
        change = change_of("drift", Difference("m1", "feed/web", published, seen), now)
        assert change.present == (seen is not None)
        assert (change.ended_at is None) == change.present
        assert change.since <= now
        told = seen or published
        assert told is not None
        assert (change.links, change.details) == (told.links, told.details)
        if published is not None:
            assert change.since == published.since
        elif seen is not None and seen.since is not None:
            assert change.since == min(seen.since, now)
        published = Seen(change.since, change.links, change.details) if seen else None
