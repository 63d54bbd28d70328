"""catalog-service with a large file and a large feed: import, fields, preview and downloads."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from bench.listed import catalog
from bench.listed.filling import fill, new_database
from bench.sized.place import Place, Step, filled_places

from catalog_service.app import SERVICE
from catalog_service.feeds.store import load_feed
from catalog_service.fields.store import request_summary
from catalog_service.fields.summarise import Summariser
from catalog_service.files.import_file import Importer
from catalog_service.files.readers.recognise import Options
from catalog_service.files.store import NewImport, add_chunk, add_import, find_import, finish_upload
from catalog_service.preview.download import csv_table, json_lines
from catalog_service.preview.store import list_normalized
from catalog_service.preview.views import product_line
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import reading, unit_of_work

MERCHANT, FILES = "m", "files"
PIECE = 4_000_000
COLUMNS = "sku,title,description,price,stock,brand,category\n"


def pieces(rows: int) -> Iterator[bytes]:
    """A file of so many rows, as it is kept."""
    content = COLUMNS
    for n in range(rows):
        content += (
            f"SKU-{n},Coat number {n},{'Warm and of wool. ' * 20},{n % 500}.90,{n % 40},"
            f"Brand {n % 200},Women > Coats > {n % 900}\n"
        )
        if len(content) >= PIECE:
            yield content.encode()
            content = ""
    yield content.encode()


async def take_in(pool: Pool) -> None:
    """Import the file that waits."""
    if not await Importer(pool, holder="bench", deletion_share=0.2).run():
        raise RuntimeError("no file waited")
    async with reading(pool) as connection:
        done = await find_import(connection, MERCHANT, 1)
    if done is None or done.state != "completed":
        raise RuntimeError(f"the import ended so: {done}")


async def describe(pool: Pool) -> None:
    """Summarise the imported catalogue's fields."""
    async with unit_of_work(pool) as connection:
        await request_summary(connection, MERCHANT, FILES)
    await Summariser(pool, holder="bench").run()


async def list_preview(pool: Pool) -> None:
    """Every page of the preview."""
    after = ""
    while True:
        async with reading(pool) as connection:
            feed = await load_feed(connection, MERCHANT, "f")
            page = await list_normalized(connection, feed, after=after, limit=200)
        lines = [product_line(product) for product in page]
        if len(lines) < 200:
            return
        after = lines[-1].family_id


async def download_lines(pool: Pool) -> None:
    """The download as JSON Lines."""
    async with reading(pool) as connection:
        feed = await load_feed(connection, MERCHANT, "f")
    async for _ in json_lines(pool, feed):
        pass


async def download_csv(pool: Pool) -> None:
    """The download as CSV."""
    async with reading(pool) as connection:
        feed = await load_feed(connection, MERCHANT, "f")
    async for _ in csv_table(pool, feed):
        pass


def _of_pool(step: Callable[[Pool], Awaitable[None]]) -> Step:
    async def run(place: Place) -> None:
        pool = await open_pool(place.url, max_size=4)
        try:
            await step(pool)
        finally:
            await pool.close()

    return run


STEPS: dict[str, Step] = {
    "import": _of_pool(take_in),
    "describe": _of_pool(describe),
    "preview": _of_pool(list_preview),
    "download jsonl": _of_pool(download_lines),
    "download csv": _of_pool(download_csv),
}


async def _prepared(admin_url: str, rows: int) -> str:
    """A database with a file that waits, and a feed's preview: its address for the service."""
    name = f"size_{rows}"
    owner_url, url = await new_database(admin_url, name, SERVICE.migrations)
    pool = await open_pool(url, max_size=2)
    new = NewImport(MERCHANT, FILES, "file.csv", Options(id_field="sku"), True, False)
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue(MERCHANT, FILES, "arrival", "files"))
        number = await add_import(connection, new)
    size = 0
    for place, piece in enumerate(pieces(rows)):
        async with unit_of_work(pool) as connection:
            await add_chunk(connection, MERCHANT, number, place, piece)
        size += len(piece)
    async with unit_of_work(pool) as connection:
        await finish_upload(connection, MERCHANT, number, size)
    await pool.close()
    await fill(owner_url, MERCHANT, 1, catalog.ONCE, catalog.CONFIGURATION)
    await fill(owner_url, MERCHANT, rows, catalog.ROWS, catalog.variants())
    return url


places = partial(filled_places, _prepared)
