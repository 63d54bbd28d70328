"""Picture checks against a real server: what is no picture blocks content, and only that."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.images.check_images import ImageChecker
from catalog_service.images.fetch_image import ImageFetcher, Verdict
from catalog_service.images.store import request_checks, save_verdict
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common import clock
from common.contracts.catalog import CatalogUpdated
from common.contracts.product import ProductNormalized
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from stack.sandbox import Sandbox
from stack.testing import eventually

from ..wall_clocks import ATTRIBUTES, CATEGORY_ATTRIBUTES, WALL_CLOCKS


@pytest.fixture
async def fetcher(sandbox: Sandbox) -> AsyncIterator[ImageFetcher]:
    opened = ImageFetcher(frozenset({sandbox.url.removeprefix("http://")}))
    yield opened
    await opened.aclose()


async def test_a_picture_is_good(fetcher: ImageFetcher, sandbox: Sandbox) -> None:
    verdict = await fetcher.check(f"{sandbox.url}/pictures/clock.jpg")
    assert verdict.reason is None
    assert verdict.content_hash is not None


@pytest.mark.parametrize(
    ("name", "word"), [("missing-1.jpg", "404"), ("notimage-1.jpg", "no picture")]
)
async def test_what_is_no_picture_is_named(
    fetcher: ImageFetcher, sandbox: Sandbox, name: str, word: str
) -> None:
    verdict = await fetcher.check(f"{sandbox.url}/pictures/{name}")
    assert verdict.reason is not None
    assert word in verdict.reason


async def test_the_local_machine_is_never_fetched_from(sandbox: Sandbox) -> None:
    strict = ImageFetcher(frozenset())
    for url in (f"{sandbox.url}/pictures/a.jpg", "http://localhost/a.jpg", "http://127.0.0.1/a"):
        verdict = await strict.check(url)
        assert verdict.reason is not None
        assert not verdict.may_pass
    await strict.aclose()


@pytest.mark.usefixtures("connected_shop")
async def test_a_family_waits_for_its_pictures_and_a_mended_one_lets_it_go(
    pool: Pool,
    sandbox: Sandbox,
    fetcher: ImageFetcher,
    ingest: Callable[..., Awaitable[list[NotApplied]]],
    settle: Callable[[], Awaitable[None]],
    emitted: Callable[[], Awaitable[list[ProductNormalized]]],
) -> None:
    checker = ImageChecker(pool, fetcher, at_once=4)
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        await apply_configuration(connection, "m", "f", FeedConfiguration.model_validate(FORM))
    good, missing = (f"{sandbox.url}/pictures/{name}.jpg" for name in ("clock", "missing-1"))
    await ingest(product("a", good, f"{good}?2"), product("b", good, missing))
    await settle()
    assert await emitted() == []
    waits = await pool.fetch("SELECT DISTINCT waits_for FROM family_wait")
    assert [wait["waits_for"] for wait in waits] == [f"image:{good}"]
    await check_due(checker)
    await settle()
    events = {event.family_id: event for event in await emitted()}
    assert events["a"].content is not None
    assert events["b"].content is None
    assert events["b"].offers is not None
    assert events["b"].content_part is not None
    assert [i.value for i in events["b"].content_part.issues if i.rule == "M3.5"] == [missing]
    async with unit_of_work(pool) as connection:
        later = clock.now() + timedelta(days=1)
        await save_verdict(connection, ("m", missing), reason=None, content_hash=b"x", due_at=later)
    await settle()
    assert [(e.family_id, e.content is not None) for e in await emitted()] == [("b", True)]


FORM: dict[str, Any] = {
    "shop": "s",
    "catalogue": "c",
    "main_locale": "en_US",
    "currency": "USD",
    "category": {"source": {"constant": "any"}, "prefix": {"": WALL_CLOCKS}},
    "languages": {"en_US": {"title": {"field": "title"}, "description": {"field": "title"}}},
    "attributes": ATTRIBUTES | {"price": {"constant": 10}},
    "category_attributes": CATEGORY_ATTRIBUTES,
}


def product(name: str, *images: str) -> CatalogUpdated:
    return CatalogUpdated(
        merchant_id="m",
        catalogue_id="c",
        product_id=name,
        action="upsert",
        version=1,
        fields={"title": f"Clock {name}", "images": list(images)},
    )


async def check_due(checker: ImageChecker) -> None:
    """Check whatever is due, to the end."""

    async def is_done() -> bool:
        return not await checker.run() and checker.is_idle

    await eventually(is_done)


AWAY = Verdict("its server did not answer in time", may_pass=True)
GOOD = Verdict(None, b"x")


class Answers:
    """A picture server whose answers come in this order; takes the network's place."""

    def __init__(self, *verdicts: Verdict) -> None:
        self._verdicts = list(verdicts)
        self.asked: list[str] = []

    async def check(self, url: str) -> Verdict:
        self.asked.append(url)
        return self._verdicts.pop(0)


async def verdict_of(pool: Pool, url: str) -> tuple[bool, timedelta]:
    """Whether it counts as good, and how long until it is asked again."""
    row = await pool.fetchrow("SELECT is_reachable, due_at FROM image_check WHERE url = $1", url)
    assert row is not None
    return row["is_reachable"], row["due_at"] - clock.now()


async def check_again(pool: Pool, checker: ImageChecker, url: str) -> tuple[bool, timedelta]:
    await pool.execute("UPDATE image_check SET due_at = $1", clock.now())
    await check_due(checker)
    return await verdict_of(pool, url)


async def test_a_slow_server_is_asked_again_within_minutes_and_takes_no_good_picture_away(
    pool: Pool,
) -> None:
    url = "https://slow.example/a.jpg"
    async with unit_of_work(pool) as connection:
        await request_checks(connection, [("m", url)])
    answers = Answers(GOOD, AWAY, AWAY, AWAY, AWAY, AWAY, AWAY, AWAY, GOOD, AWAY)
    checker = ImageChecker(pool, answers, at_once=2)
    seen = [await check_again(pool, checker, url) for _ in range(10)]
    assert [is_good for is_good, _ in seen] == [True] * 3 + [False] * 5 + [True] * 2
    minutes = [round(wait.total_seconds() / 60) for _, wait in seen[1:8]]
    assert minutes == [1, 2, 4, 8, 8, 8, 8]
    assert round(seen[9][1].total_seconds() / 60) == 1


async def test_a_picture_that_was_never_seen_is_an_issue_until_its_server_answers(
    pool: Pool,
) -> None:
    url = "https://slow.example/a.jpg"
    async with unit_of_work(pool) as connection:
        await request_checks(connection, [("m", url)])
    checker = ImageChecker(pool, Answers(AWAY, GOOD), at_once=2)
    is_good, wait = await check_again(pool, checker, url)
    assert (is_good, wait <= timedelta(minutes=1)) == (False, True)
    assert (await check_again(pool, checker, url))[0]


async def test_a_server_that_is_away_is_not_waited_for_picture_by_picture(pool: Pool) -> None:
    urls = [f"https://slow.example/{n}.jpg" for n in range(50)]
    async with unit_of_work(pool) as connection:
        await request_checks(connection, [("m", url) for url in urls])
    answers = Answers(*[AWAY] * 50)
    await check_due(ImageChecker(pool, answers, at_once=8))
    assert len(answers.asked) <= 4
    longest = await pool.fetchval("SELECT max(due_at) FROM image_check")
    assert longest - clock.now() <= timedelta(minutes=5)
