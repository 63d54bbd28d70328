"""One row that a background job fails on leaves its neighbours unharmed, job by job."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import pytest

from aliexpress.client import Client
from aliexpress.gateway import new_gateway
from aliexpress.limits import BucketLimiter, Limits
from aliexpress.memory_limits import MemoryBuckets
from aliexpress.operation import AppCredentials
from aliexpress.transport import HttpTransport
from catalog_service.categories.marketplace import Marketplace
from catalog_service.categories.store import request_schemas
from catalog_service.currencies.read_currency import CurrencyReader
from catalog_service.drafts.evaluate_draft import DraftEvaluator
from catalog_service.drafts.try_draft import begin_draft
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.fields.store import request_summary
from catalog_service.fields.summarise import Summariser
from catalog_service.files.import_file import Importer
from catalog_service.files.leftovers import remove_leftovers
from catalog_service.files.readers.recognise import Options
from catalog_service.files.store import NewImport, add_chunk, add_import, finish_upload
from catalog_service.images.check_images import ImageChecker
from catalog_service.images.fetch_image import Verdict
from catalog_service.images.store import request_checks
from catalog_service.normalizing.mark_due import SaleCalendar
from catalog_service.normalizing.republish import Republisher
from catalog_service.normalizing.store import request_republish
from catalog_service.normalizing.worker import Normalizer
from catalog_service.shops.store import keep_shops
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from catalog_service.suggestions.ask_platform import PlatformSuggestions
from catalog_service.suggestions.store import request_titles
from common import clock
from common.contracts.product import ProductNormalized
from common.contracts.shop import ShopState
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.shop_tokens import ShopNotConnected, ShopToken
from stack.testing import eventually
from stack.testing.poison import failed_rows, poison, remove_poison

from ..wall_clocks import form, row

FAMILIES = ("a", "b", "c")
"""Of which `b` is poisoned."""

Ingest = Callable[..., Awaitable[list[NotApplied]]]
Emitted = Callable[[], Awaitable[list[ProductNormalized]]]


def absent(family_id: str) -> ProductNormalized:
    return ProductNormalized(
        merchant_id="m",
        feed_id="f",
        family_id=family_id,
        revision=1,
        shop_id="s",
        presence="absent",
        absent_reason="deleted",
    )


async def keep_products(pool: Pool) -> None:
    """Normalized products whose sale is due."""
    for family in FAMILIES:
        await pool.execute(
            """
            INSERT INTO normalized_product (merchant_id, feed_id, family_id, catalogue_id, revision,
                state, digest, event, normalized_at, due_at)
            VALUES ('m', 'f', $1, 'c', 1, 'deleted', '', $2, $3, $3)
            """,
            family,
            msgspec.json.encode(absent(family)).decode(),
            clock.now(),
        )


async def upload(pool: Pool, merchant: str, *, is_whole: bool = True) -> int:
    new = NewImport(merchant, "c", "file", Options(), is_full=True, is_dry_run=False)
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue(merchant, "c", "arrival", "files"))
        import_id = await add_import(connection, new)
        await add_chunk(connection, merchant, import_id, 0, b"id,title\n1,Clock\n")
        if is_whole:
            await finish_upload(connection, merchant, import_id, 17)
    return import_id


async def test_normalizing(
    pool: Pool, connected_shop: None, marketplace: Marketplace, ingest: Ingest, emitted: Emitted
) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        await apply_configuration(connection, "m", "f", form())
    await ingest(*(row(family, 1) for family in FAMILIES))
    await poison(pool, "normalized_product", "INSERT OR UPDATE", "NEW.family_id = 'b'")
    normalizer = Normalizer(pool)

    async def are_done() -> bool:
        while await normalizer.run() or await marketplace.fetch_schemas():
            pass
        return bool(await pool.fetchval("SELECT count(*) = 2 FROM normalized_product"))

    await eventually(are_done, within=30)
    assert {event.family_id for event in await emitted()} == {"a", "c"}
    assert await failed_rows(pool) == [("normalizing", "m", "c/b")]
    assert not await normalizer.run()  # it is passed over

    await remove_poison(pool, "normalized_product")
    await pool.execute("UPDATE failed_row SET retry_at = failed_at")
    assert await normalizer.run()
    assert {event.family_id for event in await emitted()} == {"b"}
    assert await failed_rows(pool) == []


async def test_drafts(pool: Pool) -> None:
    drafts: dict[str, int] = {}
    for merchant in FAMILIES:
        shop = ShopState(
            merchant_id=merchant,
            shop_id="s",
            revision=1,
            is_eligible=True,
            connection="connected",
            generation=1,
            seller_id="1",
        )
        async with unit_of_work(pool) as connection:
            await keep_shops(connection, [shop])
            await add_catalogue(connection, Catalogue(merchant, "c", "explicit", "events"))
            begun = await begin_draft(connection, merchant, "f", form(), author="a", most=9)
        drafts[merchant] = begun.draft_id
    await poison(pool, "feed_draft", "UPDATE", "NEW.merchant_id = 'b'")
    evaluator = DraftEvaluator(pool, lifetime=timedelta(days=1))

    while await evaluator.run():
        pass

    rows = await pool.fetch("SELECT merchant_id, state FROM feed_draft ORDER BY 1")
    assert [tuple(row) for row in rows] == [("a", "ready"), ("b", "evaluating"), ("c", "ready")]
    assert await failed_rows(pool) == [("drafts", "b", str(drafts["b"]))]


async def test_imports(pool: Pool) -> None:
    bad, good = await upload(pool, "a-poisoned"), await upload(pool, "b-honest")
    await poison(pool, "catalogue_import", "UPDATE", "NEW.merchant_id = 'a-poisoned'")
    importer = Importer(pool, holder="test", deletion_share=0.2)

    while await importer.run():
        pass

    rows = await pool.fetch("SELECT import_id, state FROM catalogue_import ORDER BY 1")
    states = [(row["import_id"], row["state"]) for row in rows]
    assert states == [(bad, "waiting"), (good, "completed")]
    assert await failed_rows(pool) == [("imports", "a-poisoned", str(bad))]


async def test_leftovers(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, _ = [await upload(pool, name, is_whole=False) for name in ("a-poisoned", "b-honest")]
    await poison(pool, "import_chunk", "DELETE", "OLD.merchant_id = 'a-poisoned'")
    kept = await upload(pool, "c-waiting")
    assert not await remove_leftovers(pool)
    assert await pool.fetchval("SELECT count(*) FROM catalogue_import") == 3
    tomorrow = clock.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)

    await remove_leftovers(pool)

    left = await pool.fetch("SELECT import_id FROM catalogue_import ORDER BY 1")
    assert [number for (number,) in left] == [bad, kept]
    assert await failed_rows(pool) == [("leftovers", "a-poisoned", str(bad))]


async def test_summaries(pool: Pool) -> None:
    for merchant in ("a-poisoned", "b-honest"):
        async with unit_of_work(pool) as connection:
            await request_summary(connection, merchant, "c")
    await poison(pool, "catalogue_summary", "UPDATE", "NEW.merchant_id = 'a-poisoned'")

    await Summariser(pool, holder="test").run()

    made = await pool.fetch("SELECT merchant_id FROM catalogue_summary WHERE made_at IS NOT NULL")
    assert [merchant for (merchant,) in made] == ["b-honest"]
    assert await failed_rows(pool) == [("summaries", "a-poisoned", "c")]


async def test_schemas(pool: Pool, connected_shop: None, marketplace: Marketplace) -> None:
    wanted = ("200000346", "200000345", "349", "152805")
    async with unit_of_work(pool) as connection:
        await request_schemas(connection, [("m", "s", category) for category in wanted])
    await poison(pool, "category_schema", "INSERT OR UPDATE", "NEW.category_id = '349'")
    fetched = "SELECT count(*) FROM category_schema WHERE fetched_at IS NOT NULL"

    async def are_done() -> bool:
        await marketplace.fetch_schemas()
        return bool(await pool.fetchval(fetched) == 3 and await failed_rows(pool))

    await eventually(are_done, within=30)
    assert await failed_rows(pool) == [("schemas", "m", "s/349")]


async def test_trees(pool: Pool, connected_shop: None, marketplace: Marketplace) -> None:
    async def has_children() -> bool:
        await marketplace.fetch_trees()
        return bool(await pool.fetchval("SELECT count(*) > 2 FROM category_branch"))

    await eventually(has_children, within=30)
    poisoned = await pool.fetchval(
        "SELECT category_id FROM category_branch WHERE children IS NULL ORDER BY 1 LIMIT 1"
    )
    await poison(pool, "category_branch", "INSERT OR UPDATE", f"NEW.category_id = '{poisoned}'")

    async def are_done() -> bool:
        await marketplace.fetch_trees()
        left = await pool.fetch("SELECT category_id FROM category_branch WHERE children IS NULL")
        return [category for (category,) in left] == [poisoned]

    await eventually(are_done, within=60)
    assert await failed_rows(pool) == [("trees", "m", f"s/{poisoned}")]


class EveryPictureIsGood:
    async def check(self, url: str) -> Verdict:
        return Verdict(None, content_hash=url.encode())


async def test_images(pool: Pool) -> None:
    urls = [f"https://shop.example/{n}.jpg" for n in range(9)]
    async with unit_of_work(pool) as connection:
        await request_checks(connection, [("m", url) for url in urls])
    bad = urls[4]
    when = f"NEW.checked_at IS NOT NULL AND NEW.url = '{bad}'"
    await poison(pool, "image_check", "INSERT OR UPDATE", when)

    checker = ImageChecker(pool, EveryPictureIsGood(), at_once=4)
    assert await checker.run()
    await eventually(lambda: checker.is_idle)

    left = await pool.fetch("SELECT url FROM image_check WHERE checked_at IS NULL")
    assert [url for (url,) in left] == [bad]
    assert await failed_rows(pool) == [("images", "m", bad)]


class NobodyIsConnected:
    async def token(self, merchant_id: str, shop_id: str) -> ShopToken:
        raise ShopNotConnected(f"{merchant_id}/{shop_id}")

    async def report_dead(self, merchant_id: str, shop_id: str, generation: int) -> None:
        raise AssertionError


async def test_title_suggestions(
    pool: Pool, connected_shop: None, marketplace: Marketplace
) -> None:
    async with unit_of_work(pool) as connection:
        await request_titles(connection, ("m", "s"), FAMILIES, language="en", since=clock.now())
    await poison(pool, "title_suggestion", "UPDATE", "NEW.title = 'b'")
    platform = PlatformSuggestions(pool, marketplace._client, marketplace._tokens, holder="test")

    async def are_done() -> bool:
        await platform.run()
        found = await pool.fetch("SELECT title FROM title_suggestion WHERE leaves IS NOT NULL")
        return sorted(title for (title,) in found) == ["a", "c"] and bool(await failed_rows(pool))

    await eventually(are_done, within=30)
    assert await failed_rows(pool) == [("title-suggestions", "m", "s/b")]
    await platform.aclose()


async def test_currencies(pool: Pool) -> None:
    client = Client(
        AppCredentials("1", "2"),
        new_gateway("http://127.0.0.1:9"),
        HttpTransport(),
        BucketLimiter(MemoryBuckets(), Limits(per_app={}, per_seller={})),
    )
    shops = [
        ShopState(
            merchant_id=merchant,
            shop_id="s",
            revision=1,
            is_eligible=True,
            connection="connected",
            generation=1,
            seller_id="1",
        )
        for merchant in FAMILIES
    ]
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, shops)
    await poison(pool, "shop_currency", "INSERT OR UPDATE", "NEW.merchant_id = 'b'")
    reader = CurrencyReader(pool, client, NobodyIsConnected(), holder="test")

    while await reader.run():
        pass

    looked_at = await pool.fetch("SELECT merchant_id FROM shop_currency ORDER BY 1")
    assert [merchant for (merchant,) in looked_at] == ["a", "c"]
    assert await failed_rows(pool) == [("currencies", "b", "s")]
    await client.aclose()


async def test_sales(pool: Pool) -> None:
    await keep_products(pool)
    await poison(pool, "family_mark", "INSERT", "NEW.family_id = 'b'")

    while await SaleCalendar(pool).run():
        pass

    marked = await pool.fetch("SELECT family_id FROM family_mark ORDER BY 1")
    assert [family for (family,) in marked] == ["a", "c"]
    assert await failed_rows(pool) == [("sales", "m", "f/b")]


async def test_republishing(pool: Pool, emitted: Emitted) -> None:
    await keep_products(pool)
    await pool.execute("""UPDATE normalized_product SET event = '{"x": ' WHERE family_id = 'b'""")
    async with unit_of_work(pool) as connection:
        await request_republish(connection, [("m", "f")])

    while await Republisher(pool).run():
        pass

    assert [event.family_id for event in await emitted()] == ["a", "c"]
    assert await failed_rows(pool) == [("republishing", "m", "f/b")]
    assert await pool.fetchval("SELECT count(*) FROM republish_request") == 0
