"""How long the fields of a large catalogue take, and how much memory: `make bench-fields`.

Catalogues of 1,000 and of `PRODUCTS` (1,000,000) rows of ten fields are summarised as the job does
it, each in a process of its own. Figures: seconds, the peak memory of both and their ratio, and how
long the first page of fields and of values takes, before a summary is there and after. Written to
`bench/results/fields.json`.
"""

import asyncio
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import uvloop
from bench.ratios import results_file

from catalog_service.app import SERVICE
from catalog_service.fields.store import find_summary, request_summary
from catalog_service.fields.summarise import FIRST_PRODUCTS, Summariser, count_fields
from common.postgres.migrate import upgrade
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from stack.postgres import create_role, database_url, random_password
from stack.testing.own_postgres import own_postgres

SERVICE_ROLE = "bench_service"
PRODUCTS = int(os.environ.get("PRODUCTS", "1000000"))
FEW = 1_000
PART = 50_000
KEY = ("m", "c")
RESULTS = results_file("fields")
FILL = """
INSERT INTO source_product (merchant_id, catalogue_id, product_id, version, sub_version, is_deleted,
    content_hash, fields, updated_at)
SELECT 'm', 'c', 'p' || n, 1, 0, false, ''::bytea, json_build_object(
    'sku', 'SKU-' || n, 'title', 'Coat number ' || n,
    'description', repeat('Warm and of wool. ', 20), 'price', (n % 500) || '.90',
    'stock', n % 40, 'color', (ARRAY['Red', 'Blue', 'Green'])[1 + n % 3],
    'size', (ARRAY['S', 'M', 'L', 'XL'])[1 + n % 4], 'brand', 'Brand ' || n % 200,
    'category', 'Women > Coats > ' || n % 900, 'image', 'https://pictures.example/' || n || '.jpg'
    )::text, '2026-01-01'
FROM generate_series($1::bigint, $2::bigint) AS n
"""


async def timed(action: Callable[[], Awaitable[Any]]) -> float:
    """How many seconds it takes."""
    begun = time.perf_counter()
    await action()
    return round(time.perf_counter() - begun, 3)


async def measure(url: str) -> dict[str, float]:
    """The figures of the catalogue that is there."""
    pool = await open_pool(url, max_size=3)
    try:
        first = await timed(lambda: count_fields(pool, KEY, most=FIRST_PRODUCTS))
        async with unit_of_work(pool) as connection:
            await request_summary(connection, *KEY)
        summarised = await timed(Summariser(pool, holder="bench").run)
        later = await timed(lambda: read(pool))
    finally:
        await pool.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "summarised_seconds": summarised,
        "first_page_before_seconds": first,
        "first_page_after_seconds": later,
        "peak_mb": round(peak, 1),
    }


async def read(pool: Pool) -> None:
    """What a page of fields reads."""
    async with reading(pool) as connection:
        await find_summary(connection, *KEY)


def in_process(url: str, answers: "multiprocessing.Queue[dict[str, float]]") -> None:
    """Measure in a process of its own: its memory is of nothing else."""
    answers.put(uvloop.run(measure(url)))


def measured(url: str) -> dict[str, float]:
    """The figures, from such a process."""
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[dict[str, float]] = context.Queue()
    process = context.Process(target=in_process, args=(url, answers))
    process.start()
    figures = answers.get()
    process.join()
    return figures


async def fill(url: str, first: int, last: int) -> None:
    """Add the products of these numbers."""
    connection = await asyncpg.connect(url)
    try:
        for begin in range(first, last, PART):
            await connection.execute(FILL, begin, min(begin + PART, last) - 1, timeout=300)
        await connection.execute("ANALYZE source_product")
    finally:
        await connection.close()


async def main() -> None:
    """On a Postgres of its own; under row-level security, as the service is."""
    async with own_postgres("fields") as postgres:
        await measure_both(postgres.admin_url)


async def measure_both(admin_url: str) -> None:
    """A few rows, then all."""
    password = random_password()
    await create_role(admin_url, SERVICE_ROLE, password)
    await asyncio.to_thread(upgrade, SERVICE.migrations, admin_url, service_role=SERVICE_ROLE)
    url = database_url(admin_url, database="postgres", user=SERVICE_ROLE, password=password)
    await fill(admin_url, 0, FEW)
    few = await asyncio.to_thread(measured, url)
    await fill(admin_url, FEW, PRODUCTS)
    many = await asyncio.to_thread(measured, url)
    figures = {
        "command": "make bench-fields",
        "products": PRODUCTS,
        f"of {FEW}": few,
        "of all": many,
        "peak_ratio": round(many["peak_mb"] / few["peak_mb"], 3),
    }
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    uvloop.run(main())
