"""feed-publisher with a large feed: a run is planned and sent, a run's report is asked for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import msgspec
from bench.listed import publisher
from bench.listed.asking import asked
from bench.listed.filling import MERCHANT, fill, new_database, settle
from bench.plans import NAME, desired
from bench.recorded_marketplace import Recorded
from bench.sized.place import Place, Step
from pydantic import SecretStr

from aliexpress.limits import Limits, Rate
from aliexpress.offers import UPDATE_PRICES
from aliexpress.wiring import client_of
from common.postgres.pool import open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopTokens
from feed_publisher.app import SERVICE
from feed_publisher.driving.drive_run import RunDriver
from feed_publisher.listings.change import Change
from feed_publisher.listings.listing import AcceptedSku, AcceptedState
from feed_publisher.runs.store import ask_for_run, load_run
from feed_publisher.settings import PublisherSettings
from stack.testing.own_postgres import own_postgres

FEED, SHOP = "f", "s"
UNUSED_KAFKA = "unused:9092"
NEVER_REACHED = Limits(per_app={}, per_seller={"*": Rate(per_second=100_000, burst=10_000)})
IDLE_TURNS = 1_000
"""Turns of the driver in a row without anything to do, after which the run has stopped."""
NUMBERED = "FROM generate_series($1::bigint, $2::bigint) AS n"
ROWS = (
    f"""INSERT INTO desired_product (merchant_id, feed_id, family_id, revision, presence, document)
    SELECT $3, 'f', {publisher.FAMILY}, 1, 'present',
        convert_to(replace($4, '{NAME}', {publisher.FAMILY}), 'UTF8') {NUMBERED}""",
    f"""INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, status,
        marketplace_product_id, live_since, document)
    SELECT $3, 'f', {publisher.FAMILY}, 's', 'live', (1000000000 + n)::text, '2026-01-01',
        convert_to(replace($5, '{NAME}', {publisher.FAMILY}), 'UTF8') {NUMBERED}""",
    publisher.ITEMS,
    f"""INSERT INTO family_mark (merchant_id, feed_id, kind, family_id)
    SELECT $3, 'f', 'offer', {publisher.FAMILY} {NUMBERED}""",
)
"""Products online at another price than they are to have, and a run that had an item of each."""


async def send(place: Place) -> None:
    """Drive an offer run from the request to its end."""
    pool = await open_pool(place.url)
    settings = PublisherSettings(
        database_url=SecretStr(place.url),
        kafka_bootstrap=UNUSED_KAFKA,
        marketplace_url=place.market,
        auth_url=place.market,
    )
    client = client_of(settings, pool, limits=NEVER_REACHED)
    tokens = ShopTokens(place.market, "bench", SecretStr("bench"))
    driver = RunDriver(pool, client, tokens, settings)
    async with unit_of_work(pool) as connection:
        run_id = await ask_for_run(connection, MERCHANT, FEED, "offer", cause="request")
    if run_id is None:
        raise RuntimeError("there is no such feed")
    idle = 0
    while idle < IDLE_TURNS:
        idle = 0 if await driver.take_turn() else idle + 1
        async with reading(pool) as connection:
            run = await load_run(connection, MERCHANT, run_id)
            accepted = await connection.fetchval(
                "SELECT accepted FROM feed_run WHERE run_id = $1", run_id
            )
        if run.state not in {"queued", "planning", "running"}:
            break
        await asyncio.sleep(0.01 if idle else 0)
    await client.aclose()
    await tokens.aclose()
    await pool.close()
    if run.state != "completed" or accepted != place.rows:
        raise RuntimeError(f"the run is {run.state}, {accepted} accepted: {run.trouble}")


def _report(form: str) -> Step:
    """A step: the report in this form over REST, its answer thrown away as it comes."""

    async def read(place: Place) -> None:
        size = 0
        path = f"/v1/merchants/{MERCHANT}/runs/big/report?format={form}"
        async with asked(publisher, place.url) as client, client.stream("GET", path) as answer:
            async for piece in answer.aiter_bytes():
                size += len(piece)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")
        if form == "csv" and size < 20 * place.rows:
            raise RuntimeError(f"{size} bytes are too few for {place.rows} lines")

    return read


STEPS: dict[str, Step] = {
    "plan and send": send,
    "report json": _report("json"),
    "report csv": _report("csv"),
}


class Accepting(Recorded):
    """A marketplace that takes every price, and auth-service's token for the shop."""

    def _answer(self, path: str, body: str) -> bytes:
        if path == "/v1/token":
            return json.dumps({"access_token": "service", "expires_in": 3600}).encode()
        if path.endswith("/token"):
            token = {"access_token": "seller", "seller_id": "1", "generation": 1}
            return json.dumps(token | {"expires_at": "2099-01-01T00:00:00Z"}).encode()
        method = dict(parse_qsl(body))["method"]
        if method != UPDATE_PRICES.name:
            raise RuntimeError(f"{method} was not expected")
        answer = {"result": {"update_success": True}}
        return json.dumps({f"{method.replace('.', '_')}_response": answer}).encode()


async def _prepared(admin_url: str, rows: int) -> str:
    """A filled database: its address for the service."""
    name = f"size_{rows}"
    owner_url, url = await new_database(admin_url, name, SERVICE.migrations)
    await fill(owner_url, MERCHANT, 1, publisher.ONCE)
    accepted = AcceptedState(
        content_hash="content",
        main_locale="en_US",
        skus={NAME: AcceptedSku(price="20.00", inventory=5)},
    )
    values = [msgspec.json.encode(one).decode() for one in (desired("21.00"), accepted, Change())]
    await fill(owner_url, MERCHANT, rows, ROWS, *values)
    await settle(owner_url)
    return url


@asynccontextmanager
async def places(few: int, many: int) -> AsyncIterator[tuple[Place, Place]]:
    """Both databases on a Postgres of their own, and the marketplace, in this process."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Accepting, "127.0.0.1", 0)
    market = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with own_postgres("size") as postgres:
        small = await _prepared(postgres.admin_url, few)
        large = await _prepared(postgres.admin_url, many)
        yield Place(small, few, market), Place(large, many, market)
    server.close()
