"""The shipped feed configurations on the catalogues they are for, with the sandbox's schemas."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import yaml

from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.files.import_file import Importer
from catalog_service.files.readers.recognise import Options
from catalog_service.files.store import NewImport, add_chunk, add_import, finish_upload
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common.contracts.product import ProductNormalized
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from stack.forkserver import ForkServer
from stack.sandbox import Sandbox, running_sandbox
from stack.testing.systems import QUICK_JOBS

ROOT = Path(__file__).parents[4]
DATA = ROOT.parent / "shared" / "data"
Settle = Callable[[], Awaitable[None]]
Emitted = Callable[[], Awaitable[list[ProductNormalized]]]

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared data is not here")


@pytest.fixture(scope="module")
async def sandbox_process(
    tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer
) -> AsyncIterator[Sandbox]:
    """A sandbox with the whole tree: these catalogues have products of all its branches."""
    async with running_sandbox(
        tmp_path_factory.mktemp("sandbox"), spawn=fork_server.spawn, **QUICK_JOBS
    ) as sandbox:
        yield sandbox


async def publish(pool: Pool, configuration: str, file: str) -> None:
    body = yaml.safe_load((ROOT / "examples" / "feeds" / configuration).read_text())
    form = FeedConfiguration.model_validate(body | {"shop": "s"})
    content = (DATA / file).read_bytes()
    new = NewImport("m", form.catalogue, file, Options(), is_full=True, is_dry_run=False)
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", form.catalogue, "arrival", "files"))
        await apply_configuration(connection, "m", "f", form)
        import_id = await add_import(connection, new)
        await add_chunk(connection, "m", import_id, 0, content)
        await finish_upload(connection, "m", import_id, len(content))
    while await Importer(pool, holder="test", deletion_share=0.2).run():
        pass


@pytest.mark.usefixtures("connected_shop")
async def test_a_shopify_export_is_valid_whole(
    pool: Pool, settle: Settle, emitted: Emitted
) -> None:
    await publish(pool, "shopify.yaml", "shopify-apparel.csv")
    await settle()
    events = await emitted()
    assert len(events) == 20
    assert all(event.content and event.offers for event in events)
    family = next(event for event in events if event.family_id == "classic-varsity-top")
    assert len(family.sku_codes) == 3
    codes = [code for event in events for code in event.sku_codes]
    assert len(set(codes)) == 22


@pytest.mark.slow
@pytest.mark.usefixtures("connected_shop")
async def test_a_thousand_messy_rows_are_valid_or_say_why(
    pool: Pool, settle: Settle, emitted: Emitted
) -> None:
    await publish(pool, "shein.yaml", "shein-products.csv")
    await settle()
    events = await emitted()
    assert len(events) == 1_000
    valid = await pool.fetchval("SELECT count(*) FROM normalized_product WHERE state = 'valid'")
    assert valid >= 900
    for event in events:
        if event.presence == "present" and not (event.content and event.offers):
            parts = [part for part in (event.content_part, event.offers_part) if part]
            issues = [i for part in parts for i in part.issues if i.severity == "error"]
            assert issues
            assert all(issue.rule and issue.remedy for issue in issues)
    assert len({event.content.category_id for event in events if event.content}) >= 60
    titles = [text.text for event in events if event.content for text in event.content.titles]
    assert max(map(len, titles)) <= 218
