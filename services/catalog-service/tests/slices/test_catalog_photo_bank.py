"""Pictures go through the shop's photo bank where the feed wants that (M3.5): real servers, real
uploads, and a marketplace that takes no other pictures."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from aliexpress.client import Client
from aliexpress.errors import BusinessError
from aliexpress.payload import creation_payload
from aliexpress.products import post_product
from aliexpress.shop import is_bank_full
from catalog_service.categories.marketplace import Tokens, access_token
from catalog_service.families.store import listed, mark
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.images.check_images import ImageChecker
from catalog_service.images.fetch_image import ImageFetcher
from catalog_service.normalizing.worker import Normalizer
from catalog_service.photo_bank.photo import BANK_FULL
from catalog_service.photo_bank.upload_photos import AT_ONCE_OF_SHOP, PhotoUploader
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
from stack.testing.poison import failed_rows, poison

from ..wall_clocks import ATTRIBUTES, CATEGORY_ATTRIBUTES, WALL_CLOCKS

Ingest = Callable[..., Awaitable[list[NotApplied]]]
Settle = Callable[[], Awaitable[None]]
Emitted = Callable[[], Awaitable[list[ProductNormalized]]]


def png(content: str) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + content.encode()


@dataclass
class PictureHost:
    """A merchant's server: what it has, by path, and what it was asked for."""

    address: str
    pictures: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def url(self, name: str) -> str:
        return f"http://{self.address}/{name}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split()[1].decode().lstrip("/")
        self.asked.append(path)
        body = self.pictures.get(path)
        status = b"200 OK" if body is not None else b"404 Not Found"
        body = body or b""
        writer.write(
            b"HTTP/1.1 %b\r\ncontent-type: image/png\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b" % (status, len(body), body)
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def host() -> AsyncIterator[PictureHost]:
    opened = PictureHost("")
    server = await asyncio.start_server(opened.answer, "127.0.0.1", 0)
    opened.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield opened
    server.close()


@pytest.fixture
async def fetcher(host: PictureHost) -> AsyncIterator[ImageFetcher]:
    opened = ImageFetcher(frozenset({host.address}))
    yield opened
    await opened.aclose()


@pytest.fixture
async def uploader(
    pool: Pool, client: Client, tokens: Tokens, fetcher: ImageFetcher
) -> AsyncIterator[PhotoUploader]:
    opened = PhotoUploader(pool, client, tokens, fetcher, holder="test")
    yield opened
    await opened.aclose()


@pytest.fixture
async def work(
    pool: Pool, settle: Settle, fetcher: ImageFetcher, uploader: PhotoUploader
) -> Callable[[], Awaitable[None]]:
    """Lets checks, uploads and normalizing run until nothing is due."""
    checker = ImageChecker(pool, fetcher, at_once=4)
    normalizer = Normalizer(pool)

    async def is_still() -> bool:
        has_worked = await checker.run() or not checker.is_idle
        has_worked |= await uploader.run()
        while await normalizer.run():
            has_worked = True
        return not has_worked

    async def run() -> None:
        await settle()
        await eventually(is_still, within=30)

    return run


def form(**changes: Any) -> FeedConfiguration:
    base: dict[str, Any] = {
        "shop": "s",
        "catalogue": "c",
        "main_locale": "en_US",
        "currency": "USD",
        "photo_bank": "on",
        "category": {"source": {"constant": "any"}, "prefix": {"": WALL_CLOCKS}},
        "languages": {"en_US": {"title": {"field": "title"}, "description": {"field": "title"}}},
        "attributes": ATTRIBUTES | {"price": {"constant": 10}},
        "category_attributes": CATEGORY_ATTRIBUTES,
        "sku_attributes": {
            "Color": {"value": {"field": "color"}, "image_url": {"field": "swatch"}}
        },
    }
    return FeedConfiguration.model_validate(base | changes)


def product(name: str, *images: str, version: int = 1, **more: str) -> CatalogUpdated:
    fields: dict[str, Any] = {"title": f"Clock {name}", "images": list(images)}
    return CatalogUpdated(
        merchant_id="m",
        catalogue_id="c",
        product_id=name,
        action="upsert",
        version=version,
        fields=fields | more,
    )


@pytest.fixture
async def feed(pool: Pool, connected_shop: None) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        await apply_configuration(connection, "m", "f", form())


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=sandbox.url, timeout=10) as opened:
        yield opened


async def uploads(control: httpx2.AsyncClient) -> list[dict[str, Any]]:
    """What the marketplace says was uploaded."""
    answer = await control.get("/control/ledger", params={"operation": "image.upload"})
    return [json.loads(line) for line in answer.raise_for_status().text.splitlines()]


async def waits(pool: Pool) -> list[str]:
    rows = await pool.fetch("SELECT waits_for FROM family_wait ORDER BY 1")
    return [row["waits_for"] for row in rows]


async def put_online(pool: Pool, family_id: str) -> None:
    """As feed-publisher reports it."""
    await pool.execute(
        "UPDATE normalized_product SET live_locale = 'en_US', marketplace_product_id = '1'"
        " WHERE family_id = $1",
        family_id,
    )


@pytest.mark.usefixtures("feed")
async def test_a_product_waits_for_its_upload_and_is_taken_by_its_addresses_in_the_bank(
    pool: Pool,
    host: PictureHost,
    client: Client,
    tokens: Tokens,
    fetcher: ImageFetcher,
    control: httpx2.AsyncClient,
    api: httpx2.AsyncClient,
    ingest: Ingest,
    settle: Settle,
    work: Callable[[], Awaitable[None]],
    emitted: Emitted,
) -> None:
    await control.post("/control/quirks", json={"only_photo_bank": True})
    host.pictures = {"1.png": png("one"), "2.png": png("two")}
    one, two = host.url("1.png"), host.url("2.png")
    await ingest(product("a", one, two))
    await settle()
    checker = ImageChecker(pool, fetcher, at_once=4)
    await eventually(lambda: _are_checked(checker))
    await settle()
    [wait] = await waits(pool)
    assert wait in {f"photo:s:{one}", f"photo:s:{two}"}
    told = await api.get("/v1/merchants/m/feeds/f/preview/a")
    assert told.status_code == 404
    assert "uploaded into the photo bank of s" in told.json()["remedy"]
    await work()
    [event] = await emitted()
    assert event.content is not None
    assert len(await uploads(control)) == 2
    assert all("/kf/" in url for url in event.content.image_urls)
    shown = (await api.get("/v1/merchants/m/feeds/f/preview/a")).json()
    assert shown["body"]["image_url_list"] == event.content.image_urls
    assert [picture["url"] for picture in shown["pictures"]] == [one, two]
    assert [p["photo_bank_url"] for p in shown["pictures"]] == event.content.image_urls
    counts = (await api.get("/v1/merchants/m/shops/s/photo-bank")).json()
    assert (counts["uploaded"], counts["waiting"], counts["refused"]) == (2, 0, 0)
    assert counts["total_megabytes"] == "1024.00"
    assert (await api.get("/v1/merchants/m/shops/other/photo-bank")).status_code == 404
    token = access_token(await tokens.token("m", "s"))
    payload = creation_payload(event)
    assert payload is not None
    assert await post_product(client, token, payload)


async def _are_checked(checker: ImageChecker) -> bool:
    return not await checker.run() and checker.is_idle


@pytest.mark.usefixtures("feed")
async def test_each_content_is_uploaded_once_for_a_shop(
    host: PictureHost,
    control: httpx2.AsyncClient,
    ingest: Ingest,
    work: Callable[[], Awaitable[None]],
    emitted: Emitted,
) -> None:
    host.pictures = {"1.png": png("one"), "same.png": png("one")}
    await ingest(product("a", host.url("1.png")))
    await work()
    [first] = await emitted()
    await ingest(product("b", host.url("same.png"), host.url("1.png")))
    await work()
    [second] = await emitted()
    assert first.content is not None
    assert second.content is not None
    assert second.content.image_urls == first.content.image_urls
    assert len(await uploads(control)) == 1


@pytest.mark.usefixtures("feed")
async def test_another_picture_under_the_same_address_is_uploaded_and_sent(
    pool: Pool,
    host: PictureHost,
    control: httpx2.AsyncClient,
    ingest: Ingest,
    work: Callable[[], Awaitable[None]],
    emitted: Emitted,
) -> None:
    host.pictures = {"1.png": png("one")}
    await ingest(product("a", host.url("1.png")))
    await work()
    [before] = await emitted()
    await put_online(pool, "a")
    host.pictures = {"1.png": png("another")}
    await pool.execute("UPDATE image_check SET due_at = $1", clock.now())
    await work()
    after = (await emitted())[-1]
    assert before.content is not None
    assert after.content is not None
    assert after.content.image_urls != before.content.image_urls
    assert len(await uploads(control)) == 2


@pytest.mark.usefixtures("feed")
async def test_a_picture_that_changes_before_its_upload_is_sent_as_it_is_then(
    pool: Pool,
    host: PictureHost,
    fetcher: ImageFetcher,
    control: httpx2.AsyncClient,
    ingest: Ingest,
    settle: Settle,
    work: Callable[[], Awaitable[None]],
    emitted: Emitted,
) -> None:
    host.pictures = {"1.png": png("one")}
    await ingest(product("a", host.url("1.png")))
    await settle()
    checker = ImageChecker(pool, fetcher, at_once=4)
    await eventually(lambda: _are_checked(checker))
    await settle()
    host.pictures = {"1.png": png("another")}
    await work()
    assert [event.content is not None for event in await emitted()] == [True]
    assert len(await uploads(control)) == 1
    assert await pool.fetchval("SELECT count(*) FROM bank_picture") == 1
    assert await waits(pool) == []


@pytest.mark.usefixtures("feed")
async def test_a_product_that_is_online_sends_its_stock_while_new_pictures_are_uploaded(
    pool: Pool,
    host: PictureHost,
    fetcher: ImageFetcher,
    ingest: Ingest,
    settle: Settle,
    work: Callable[[], Awaitable[None]],
    emitted: Emitted,
    api: httpx2.AsyncClient,
) -> None:
    host.pictures = {"1.png": png("one"), "2.png": png("two")}
    await ingest(product("a", host.url("1.png"), stock="5"))
    await work()
    await emitted()
    await put_online(pool, "a")
    await ingest(product("a", host.url("2.png"), version=2, stock="0"))
    await settle()
    checker = ImageChecker(pool, fetcher, at_once=4)
    await eventually(lambda: _are_checked(checker))
    await settle()
    [event] = await emitted()
    assert event.content is None
    assert event.stock is not None
    assert [sku.inventory for sku in event.stock] == [0]
    assert event.content_part is not None
    assert ["still to be uploaded" in i.message for i in event.content_part.issues[:1]] == [True]
    shown = (await api.get("/v1/merchants/m/feeds/f/preview/a")).json()
    assert shown["waits_for"] == f"photo:s:{host.url('2.png')}"
    saved = await api.get("/v1/merchants/m/feeds/f/preview-download")
    assert json.loads(saved.text) == shown
    async with unit_of_work(pool) as connection:  # marked, though nothing of it has changed
        await mark(connection, listed([("m", "c", "a", None, None)]))
    await settle()
    assert await waits(pool) == [shown["waits_for"]]
    await emitted()
    await work()
    [event] = await emitted()
    assert event.content is not None
    assert await waits(pool) == []


@pytest.mark.usefixtures("feed")
async def test_pictures_of_variations_go_through_the_bank_and_a_bad_one_is_left_out(
    host: PictureHost,
    ingest: Ingest,
    work: Callable[[], Awaitable[None]],
    emitted: Emitted,
) -> None:
    host.pictures = {"1.png": png("one"), "red.png": png("red")}
    await ingest(
        product("a", host.url("1.png"), color="Red", swatch=host.url("red.png")),
        product("b", host.url("1.png"), color="Red", swatch=host.url("gone.png")),
    )
    await work()
    events = {event.family_id: event for event in await emitted()}
    swatches = {}
    for name, event in events.items():
        assert event.content is not None
        swatches[name] = event.content.skus[0].attributes["Color"].image_url
    assert "/kf/" in (swatches["a"] or "")
    assert swatches["b"] is None
    assert events["b"].content_part is not None
    [advice] = [i for i in events["b"].content_part.issues if i.rule == "M3.5"]
    assert advice.severity == "advice"


@pytest.mark.usefixtures("feed")
async def test_without_the_setting_nothing_is_uploaded(
    pool: Pool,
    host: PictureHost,
    control: httpx2.AsyncClient,
    ingest: Ingest,
    work: Callable[[], Awaitable[None]],
    emitted: Emitted,
) -> None:
    async with unit_of_work(pool) as connection:
        await apply_configuration(connection, "m", "f", form(photo_bank="off"))
    host.pictures = {"1.png": png("one")}
    await ingest(product("a", host.url("1.png")))
    await work()
    [event] = await emitted()
    assert event.content is not None
    assert event.content.image_urls == [host.url("1.png")]
    assert await uploads(control) == []
    assert await pool.fetchval("SELECT count(*) FROM bank_picture") == 0


@pytest.mark.usefixtures("feed")
async def test_a_full_bank_is_an_issue_with_its_remedy_and_ends_by_itself(
    pool: Pool,
    host: PictureHost,
    control: httpx2.AsyncClient,
    ingest: Ingest,
    work: Callable[[], Awaitable[None]],
    emitted: Emitted,
) -> None:
    host.pictures = {f"{n}.png": png(str(n)) for n in range(30)}
    await control.post("/control/quirks", json={"full_photo_bank": True})
    await ingest(*(product(f"p{n}", host.url(f"{n}.png")) for n in range(30)))
    await work()
    events = await emitted()
    assert len(events) == 30
    calls = (await control.get("/control/calls")).json()["calls"]
    assert calls["aliexpress.photobank.redefining.uploadimageforsdk"] <= AT_ONCE_OF_SHOP
    for event in events:
        assert event.content_part is not None
        [issue] = [i for i in event.content_part.issues if i.severity == "error"]
        assert (issue.rule, BANK_FULL in issue.message) == ("M3.5", True)
        assert "seller centre" in issue.remedy
        assert event.offers is not None
    await control.post("/control/quirks", json={})
    await pool.execute("UPDATE bank_picture SET due_at = $1 WHERE due_at > $1", clock.now())
    await pool.execute("UPDATE photo_bank SET full_until = NULL")
    await work()
    again = await emitted()
    assert len({event.family_id for event in again if event.content is not None}) == 30


@pytest.mark.usefixtures("feed")
async def test_a_lost_answer_is_repeated(
    pool: Pool,
    host: PictureHost,
    control: httpx2.AsyncClient,
    ingest: Ingest,
    work: Callable[[], Awaitable[None]],
    emitted: Emitted,
) -> None:
    host.pictures = {"1.png": png("one")}
    lost = {"kind": "answer_lost", "operation": "*uploadimageforsdk", "count": 1}
    (await control.post("/control/faults", json=lost)).raise_for_status()
    await ingest(product("a", host.url("1.png")))
    await work()
    assert await emitted() == []
    await pool.execute("UPDATE bank_picture SET due_at = $1", clock.now())
    await pool.execute("UPDATE photo_bank SET retry_at = NULL")
    await work()
    assert [event.content is not None for event in await emitted()] == [True]
    assert len(await uploads(control)) == 2


def test_want_of_room_is_known_by_its_words() -> None:
    assert is_bank_full(BusinessError("upload", "The photo bank has no room for this picture"))
    assert is_bank_full(BusinessError("upload", "no reason given", code="PHOTOBANK_FULL"))
    assert not is_bank_full(BusinessError("upload", "the file is no image", code="1"))


@pytest.mark.usefixtures("feed")
async def test_a_picture_the_job_fails_on_is_held_alone(
    pool: Pool,
    host: PictureHost,
    ingest: Ingest,
    work: Callable[[], Awaitable[None]],
    emitted: Emitted,
) -> None:
    host.pictures = {f"{n}.png": png(str(n)) for n in range(4)}
    bad = host.url("2.png")
    when = f"NEW.address IS NOT NULL AND NEW.url = '{bad}'"
    await poison(pool, "bank_picture", "INSERT OR UPDATE", when)
    await ingest(*(product(f"p{n}", host.url(f"{n}.png")) for n in range(4)))
    await work()
    assert {event.family_id for event in await emitted()} == {"p0", "p1", "p3"}
    assert await waits(pool) == [f"photo:s:{bad}"]
    [(job, merchant, row)] = await failed_rows(pool)
    assert (job, merchant, row[:2]) == ("photos", "m", "s/")
