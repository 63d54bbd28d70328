"""How long a configuration takes to be tried on a whole feed: `make bench-drafts` (PRODUCTS=20000).

So many products of every kind (`tests/defects`: forty leaves, two languages, six pictures) are
taken in and normalized as they are: once simple ones and parents with children as they come, once
simple ones alone, each an AliExpress product of its own. Then two configurations are tried, one
that changes each price and one that changes nothing, by the job as the service runs it: seconds,
those of the process's processor, families a second, the longest turn, the peak of the process's
memory. Results go to `bench/results/drafts.json`.
"""

import asyncio
import json
import os
import resource
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any

import uvloop
from bench.ratios import results_file
from tests.defects.families import (
    SELLER,
    WRITINGS,
    Assortment,
    configuration,
    draw_assortment,
    draw_family,
)

from catalog_service.app import SERVICE
from catalog_service.categories.store import request_schemas, save_schema
from catalog_service.drafts.evaluate_draft import DraftEvaluator
from catalog_service.drafts.store import load_draft
from catalog_service.drafts.try_draft import begin_draft
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.normalizing.worker import Normalizer
from catalog_service.shops.store import keep_shops
from catalog_service.sources.consumer import on_catalog_updated
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue, content_of_event
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import decode, encode
from common.contracts.shop import ShopState
from common.messaging.records import Delivery, Record
from common.postgres.migrate import upgrade
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from sandbox.catalogue import Catalogue as Tree
from sandbox.catalogue import Category
from sandbox.schema_store import SchemaStore
from stack.postgres import (
    create_database,
    create_role,
    database_url,
    random_password,
)
from stack.testing.own_postgres import own_postgres

PRODUCTS = int(os.environ.get("PRODUCTS", "20000"))
LEAVES = 40
BATCH = 500
CATALOGUES = ("families", "simple")
SHOP = ("m", "main")
WRITING = WRITINGS[0]
RESULTS = results_file("drafts")


def form(assortment: Assortment, **attributes: Any) -> FeedConfiguration:
    """The feed of these leaves, with other matches for some attributes."""
    body = configuration(assortment, WRITING) | {"image_checks": False}
    return FeedConfiguration.model_validate(body | {"attributes": body["attributes"] | attributes})


def rows(random: Random, assortment: Assortment, *, are_simple: bool) -> Iterator[CatalogUpdated]:
    """So many rows of families that are right; `are_simple`: each is one row."""
    taken = number = 0
    while taken < PRODUCTS:
        family = draw_family(random, f"family-{number}", assortment, WRITING)
        number += 1
        if are_simple and family.children:
            continue
        for product_id, parent_id, fields in family.rows():
            taken += 1
            yield CatalogUpdated(
                merchant_id="m",
                catalogue_id="defects",
                product_id=product_id,
                parent_id=parent_id,
                action="upsert",
                version=1,
                fields=fields,
            )


async def take_in(pool: Pool, events: Iterator[CatalogUpdated]) -> int:
    """Hand the rows to the consumer's handler, as batches of records; how many there are."""
    offset = 0
    while batch := [event for _, event in zip(range(BATCH), events, strict=False)]:
        deliveries = []
        for event in batch:
            encoded = encode(event, source="/bench")
            record = Record(event.topic, 0, offset, 1, encoded.key, encoded.value, encoded.headers)
            envelope = decode(CatalogUpdated, record.key, record.value, record.headers)
            deliveries.append(Delivery(envelope, record, content_of_event(event)))
            offset += 1
        async with unit_of_work(pool) as connection:
            await on_catalog_updated(connection, deliveries)
    return offset


async def fill(pool: Pool, leaves: Iterable[Category], form: FeedConfiguration) -> None:
    """The shop, the schemas of these leaves, the catalogue and the feed."""
    shop = ShopState(
        merchant_id=SHOP[0],
        shop_id=SHOP[1],
        revision=1,
        is_eligible=True,
        connection="connected",
        generation=1,
        seller_id="2200100001",
    )
    store = SchemaStore(Tree(), [], group_required=False)
    bodies = {str(leaf.id): store.text(leaf, SELLER) for leaf in leaves}
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [shop])
        await add_catalogue(connection, Catalogue("m", "defects", "explicit", "events"))
        await request_schemas(connection, [(*SHOP, leaf) for leaf in bodies])
        for leaf, body in bodies.items():
            await save_schema(connection, (*SHOP, leaf), body=body, refusal=None)
        await apply_configuration(connection, "m", "f", form)


async def normalized(pool: Pool) -> float:
    """How many seconds the worker takes."""
    began = time.monotonic()
    normalizer = Normalizer(pool)
    while await normalizer.run():
        pass
    return round(time.monotonic() - began, 1)


async def tried(pool: Pool, configuration: FeedConfiguration) -> dict[str, Any]:
    """Try it as the service does, and say how long that took."""
    evaluator = DraftEvaluator(pool, lifetime=timedelta(days=1))
    began, processor_began, longest = time.monotonic(), time.process_time(), 0.0
    async with unit_of_work(pool) as connection:
        begun = await begin_draft(connection, "m", "f", configuration, author="bench", most=10)
    while True:
        turn_began = time.monotonic()
        if not await evaluator.run():
            break
        longest = max(longest, time.monotonic() - turn_began)
    seconds, processor = time.monotonic() - began, time.process_time() - processor_began
    async with reading(pool) as connection:
        draft = await load_draft(connection, "m", "f", begun.draft_id)
    if draft.state != "ready":
        raise RuntimeError(f"the draft is {draft.state}")
    return {
        "families": draft.families,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "families_per_second": round((draft.families or 0) / seconds),
        "longest_turn_seconds": round(longest, 2),
        "kinds": draft.tally.kinds,
        "states": draft.tally.states,
    }


@asynccontextmanager
async def installed(admin_url: str, name: str) -> AsyncIterator[Pool]:
    """A database of the service's, used as the service does: under row-level security."""
    password, role = random_password(), f"bench_{name}"
    await create_role(admin_url, role, password)
    await create_database(admin_url, name)
    owner_url = database_url(admin_url, database=name)
    await asyncio.to_thread(upgrade, SERVICE.migrations, owner_url, service_role=role)
    url = database_url(admin_url, database=name, user=role, password=password)
    pool = await open_pool(url)
    yield pool
    await pool.close()


async def measure(pool: Pool, *, are_simple: bool) -> dict[str, Any]:
    """The figures of one catalogue, in a database of its own."""
    random = Random(1)
    assortment = draw_assortment(random, LEAVES)
    await fill(pool, assortment.paths.values(), form(assortment))
    events = rows(random, assortment, are_simple=are_simple)
    result: dict[str, Any] = {"products": await take_in(pool, events)}
    result["normalized_seconds"] = await normalized(pool)
    dearer = {"price": {"template": "{{ price | float * 1.05 }}"}}
    result["each_price"] = await tried(pool, form(assortment, **dearer))
    result["nothing"] = await tried(pool, form(assortment))
    return result


async def main() -> None:
    """On a Postgres of its own."""
    result: dict[str, Any] = {"command": "make bench-drafts"}
    async with own_postgres("drafts") as postgres:
        for name in CATALOGUES:
            async with installed(postgres.admin_url, name) as pool:
                result[name] = await measure(pool, are_simple=name == "simple")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result["peak_megabytes"] = round(peak)
    text = json.dumps(result, indent=1)
    RESULTS.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    uvloop.run(main())
