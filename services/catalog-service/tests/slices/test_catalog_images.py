"""Picture checks against a real server: what is no picture blocks content, and only that."""

from collections.abc import AsyncIterator

import pytest

from catalog_service.images.fetch_image import ImageFetcher
from stack.sandbox import Sandbox


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
