"""Trees and schemas of several shops: fetched no oftener than needed, shared fairly, consulted."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from aliexpress.client import Client
from aliexpress.gateway import new_gateway
from aliexpress.limits import BucketLimiter, Limits
from aliexpress.oauth import create_token
from aliexpress.operation import AppCredentials
from aliexpress.store import PostgresBuckets
from aliexpress.transport import HttpTransport
from catalog_service.categories.branches import renew_tree
from catalog_service.categories.marketplace import (
    AT_ONCE_OF_SHOP,
    FAILURES_IN_A_ROW,
    SCHEMAS,
    TREES,
    Marketplace,
)
from catalog_service.categories.store import (
    list_due_branches,
    list_due_schemas,
    request_schemas,
    save_branch,
)
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.normalizing.worker import Normalizer
from catalog_service.shops.store import keep_shops
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common import clock
from common.contracts.catalog import CatalogUpdated
from common.contracts.product import ProductNormalized
from common.contracts.shop import ShopState
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopToken
from stack.sandbox import Sandbox
from stack.testing.conditions import eventually
from stack.testing.marketplace import Marketplace as Simulated
from stack.testing.marketplace import open_marketplace

from ..trees import fetch_trees, tree_of
from ..wall_clocks import ATTRIBUTES, CATEGORY_ATTRIBUTES, WALL_CLOCKS

ONE, TWO = "2200100001", "2200100002"
REDIRECT_URI = "http://127.0.0.1:8001/v1/oauth/callback"
TREE_QUERY = "aliexpress.solution.seller.category.tree.query"
SCHEMA_GET = "aliexpress.solution.product.schema.get"


class TokensOfMerchants:
    """Each merchant's token, by its name; takes auth-service's place."""

    def __init__(self) -> None:
        self.tokens: dict[str, ShopToken] = {}

    async def token(self, merchant_id: str, _shop_id: str) -> ShopToken:
        return self.tokens[merchant_id]

    async def report_dead(self, _merchant_id: str, _shop_id: str, _generation: int) -> None:
        """Nobody is informed."""


@pytest.fixture
async def simulated(sandbox: Sandbox) -> AsyncIterator[Simulated]:
    async with open_marketplace(sandbox.url) as opened:
        yield opened
        await opened.remove_faults()


@pytest.fixture
async def marketplace(pool: Pool, sandbox: Sandbox) -> AsyncIterator[Marketplace]:
    """The jobs' object; merchant m sells as the sandbox's first seller, n as its second."""
    client = Client(
        AppCredentials(sandbox.app_key, sandbox.app_secret),
        new_gateway(sandbox.url),
        HttpTransport(),
        BucketLimiter(PostgresBuckets(pool), Limits(per_app={}, per_seller={})),
    )
    tokens = TokensOfMerchants()
    for merchant, seller in (("m", ONE), ("n", TWO)):
        async with open_marketplace(sandbox.url, seller) as control:
            code = await control.authorization_code(REDIRECT_URI)
        grant = await create_token(client, code)
        until = clock.now() + timedelta(days=900)
        tokens.tokens[merchant] = ShopToken(SecretStr(grant.access_token), seller, 1, until)
    await connect(pool, "m", "n")
    opened = Marketplace(
        pool,
        client,
        tokens,
        holder="test",
        schema_lifetime=timedelta(hours=24),
        tree_lifetime=timedelta(days=30),
    )
    yield opened
    await opened.aclose()
    await client.aclose()


def state(merchant: str, shop: str = "s", **changes: Any) -> ShopState:
    return msgspec.structs.replace(
        ShopState(
            merchant_id=merchant,
            shop_id=shop,
            revision=1,
            is_eligible=True,
            connection="connected",
            generation=1,
        ),
        **changes,
    )


async def connect(pool: Pool, *merchants: str) -> None:
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [state(merchant) for merchant in merchants])


async def lapse(pool: Pool, merchant: str) -> None:
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [state(merchant, revision=2, connection="lapsed")])


async def leaves_of(pool: Pool, merchant: str) -> set[str]:
    return {node.category_id for node in await tree_of(pool, merchant) if node.is_leaf}


async def age(pool: Pool, by: timedelta) -> None:
    """Let so much time pass for what is due, without moving the marketplace's clock."""
    await pool.execute("UPDATE category_branch SET due_at = due_at - $1::interval", by)
    await pool.execute("UPDATE category_schema SET retry_at = retry_at - $1::interval", by)
    await pool.execute("UPDATE shop SET retry_at = retry_at - $1::interval", by)


async def struck(simulated: Simulated) -> int:
    """How many calls a fault has struck."""
    return sum(int(fault["struck"]) for fault in await simulated.faults())


async def tree_calls(simulated: Simulated) -> int:
    return (await simulated.calls()).get(TREE_QUERY, 0)


async def test_a_tree_costs_a_call_for_each_branch_that_is_new_or_aged(
    pool: Pool, marketplace: Marketplace, simulated: Simulated
) -> None:
    await lapse(pool, "n")
    before = await tree_calls(simulated)
    await fetch_trees(pool, marketplace, "m")
    tree = await tree_of(pool, "m")
    branches = 1 + sum(not node.is_leaf for node in tree)
    assert await tree_calls(simulated) - before == branches
    for days, calls in ((0, 0), (29, 0), (2, branches), (29, 0)):
        await age(pool, timedelta(days=days))
        before = await tree_calls(simulated)
        await fetch_trees(pool, marketplace, "m")
        assert await tree_calls(simulated) - before == calls, days
    assert await tree_of(pool, "m") == tree
    before = await tree_calls(simulated)
    aged = next(node for node in tree if not node.is_leaf)
    await pool.execute(
        "UPDATE category_branch SET due_at = $1 WHERE category_id = $2",
        clock.now(),
        aged.category_id,
    )
    await fetch_trees(pool, marketplace, "m")
    assert await tree_calls(simulated) - before == 1


FORM: dict[str, Any] = {
    "shop": "s",
    "catalogue": "c",
    "main_locale": "en_US",
    "currency": "USD",
    "image_checks": "off",
    "languages": {"en_US": {"title": {"field": "title"}, "description": {"field": "title"}}},
    "attributes": ATTRIBUTES | {"price": {"constant": 10}},
    "category_attributes": CATEGORY_ATTRIBUTES,
}


async def open_feed(pool: Pool, merchant: str, category: str) -> None:
    matching = {"source": {"constant": "any"}, "prefix": {"": category}}
    form = FeedConfiguration.model_validate(FORM | {"category": matching})
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue(merchant, "c", "explicit", "events"))
        await apply_configuration(connection, merchant, "f", form)


def product(merchant: str) -> CatalogUpdated:
    return CatalogUpdated(
        merchant_id=merchant,
        catalogue_id="c",
        product_id="a",
        action="upsert",
        version=1,
        fields={"title": "Clock", "images": ["https://p.example/a.jpg"]},
    )


Ingest = Callable[..., Awaitable[list[NotApplied]]]
Settle = Callable[[], Awaitable[None]]
Emitted = Callable[[], Awaitable[list[ProductNormalized]]]


def category_issues(event: ProductNormalized) -> list[tuple[str, str | None]]:
    assert event.content_part is not None
    return [(i.rule, i.value) for i in event.content_part.issues if i.field == "category_id"]


async def test_a_leaf_the_shop_may_not_use_is_an_issue_without_a_call(
    pool: Pool,
    marketplace: Marketplace,
    simulated: Simulated,
    ingest: Ingest,
    emitted: Emitted,
) -> None:
    await fetch_trees(pool, marketplace, "m", "n")
    forbidden = min(await leaves_of(pool, "m") - await leaves_of(pool, "n"))
    for merchant in ("m", "n"):
        await open_feed(pool, merchant, forbidden)
    await ingest(product("m"), product("n"))
    before = (await simulated.calls()).get(SCHEMA_GET, 0)
    while await Normalizer(pool).run():
        pass
    (event,) = await emitted()
    assert event.merchant_id == "n"
    assert category_issues(event) == [("M2.1", forbidden)]
    assert (await simulated.calls()).get(SCHEMA_GET, 0) == before
    waits = await pool.fetch("SELECT merchant_id, waits_for FROM family_wait")
    assert [tuple(wait) for wait in waits] == [("m", f"schema:s/{forbidden}")]


async def test_a_leaf_that_leaves_the_tree_marks_its_products_until_it_is_back(
    pool: Pool,
    marketplace: Marketplace,
    ingest: Ingest,
    settle: Settle,
    emitted: Emitted,
) -> None:
    await lapse(pool, "n")
    await fetch_trees(pool, marketplace, "m")
    await open_feed(pool, "m", WALL_CLOCKS)
    await ingest(product("m"))
    await settle()
    assert [category_issues(event) for event in await emitted()] == [[]]
    tree = await tree_of(pool, "m")
    parent = next(node.parent_id for node in tree if node.category_id == WALL_CLOCKS)
    whole = [node for node in tree if node.parent_id == parent]
    without = [node for node in whole if node.category_id != WALL_CLOCKS]
    for children, issues in ((without, [("M2.1", WALL_CLOCKS)]), (whole, [])):
        async with unit_of_work(pool) as connection:
            later = clock.now() + timedelta(days=1)
            assert await save_branch(connection, ("m", "s", parent), children, due_at=later)
            await renew_tree(connection, ("m", "s"))
        await settle()
        assert [category_issues(event) for event in await emitted()] == [issues]


async def test_a_branch_that_left_the_tree_is_not_refreshed(
    pool: Pool, marketplace: Marketplace
) -> None:
    await lapse(pool, "n")
    await fetch_trees(pool, marketplace, "m")
    tree = await tree_of(pool, "m")
    roots = [node for node in tree if node.parent_id == "0"]
    async with unit_of_work(pool) as connection:
        later = clock.now() + timedelta(days=1)
        await save_branch(connection, ("m", "s", "0"), roots[:1], due_at=later)
        await renew_tree(connection, ("m", "s"))
    left = {node.category_id for node in await tree_of(pool, "m") if not node.is_leaf}
    kept = await pool.fetch("SELECT category_id FROM category_branch WHERE merchant_id = 'm'")
    assert {row["category_id"] for row in kept} == left | {"0"}


async def request(pool: Pool, merchant: str, *categories: str) -> None:
    async with unit_of_work(pool) as connection:
        await request_schemas(connection, [(merchant, "s", category) for category in categories])


async def count_schemas(pool: Pool, merchant: str) -> int:
    found: int = await pool.fetchval(
        "SELECT count(*) FROM category_schema WHERE merchant_id = $1 AND fetched_at IS NOT NULL",
        merchant,
    )
    return found


async def test_a_shop_that_hangs_keeps_no_other_waiting(
    pool: Pool, marketplace: Marketplace, simulated: Simulated
) -> None:
    for operation in (SCHEMA_GET, TREE_QUERY):
        await simulated.set_fault(operation=operation, kind="hang", seconds=60)
    leaves = [f"{n}" for n in range(1, 100)]
    await request(pool, "m", *leaves)
    await request(pool, "n", WALL_CLOCKS, *leaves)
    began = time.monotonic()

    async def is_fetched() -> bool:
        await marketplace.fetch_trees()
        await marketplace.fetch_schemas()
        return await count_schemas(pool, "n") == 100 and bool(await tree_of(pool, "n"))

    await eventually(is_fetched, within=60)
    assert time.monotonic() - began < 30
    assert await count_schemas(pool, "m") == 0
    assert not await tree_of(pool, "m")


async def test_calls_that_fail_back_off(
    pool: Pool, marketplace: Marketplace, simulated: Simulated
) -> None:
    await lapse(pool, "n")
    await simulated.set_fault(operation=SCHEMA_GET, kind="http_error", status=500)
    await request(pool, "m", *(f"{n}" for n in range(1, 40)))
    calls: list[int] = []
    for _ in range(120):
        await age(pool, timedelta(minutes=1))
        before = await struck(simulated)
        await marketplace.fetch_schemas()
        await eventually(lambda: not marketplace._schemas.busy)
        calls.append(await struck(simulated) - before)
    assert calls[0] > 0
    assert sum(1 for number in calls if number) <= 12
    assert max(calls) <= FAILURES_IN_A_ROW + AT_ONCE_OF_SHOP
    await simulated.remove_faults()

    async def are_fetched() -> bool:  # a limit of the marketplace may delay it by a second
        await age(pool, timedelta(hours=2))
        await marketplace.fetch_schemas()
        await eventually(lambda: not marketplace._schemas.busy)
        return await count_schemas(pool, "m") > 0

    await eventually(are_fetched)
    assert await pool.fetchval("SELECT failures FROM shop WHERE merchant_id = 'm'") == 0


async def test_turns_go_round_the_merchants_and_their_shops(pool: Pool) -> None:
    shops = [("big", f"s{n}") for n in range(5)] + [("small", "s"), ("tiny", "s")]
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [state(merchant, shop) for merchant, shop in shops])
        for merchant, shop in shops:
            wanted = 50 if merchant == "big" else 3
            await request_schemas(connection, [(merchant, shop, f"{n:03}") for n in range(wanted)])
    async with reading(pool) as connection:
        due = await list_due_schemas(
            connection, SCHEMAS, older_than=clock.now(), busy=[("tiny", "s")], limit=12, of_shop=4
        )
        branches = await list_due_branches(
            connection, TREES, busy=[("big", "s0")], limit=4, of_shop=4
        )
    assert Counter(merchant for merchant, _, _ in due) == {"big": 9, "small": 3}
    assert Counter(due[:2]).keys() <= {key for key in due if key[0] in {"big", "small"}}
    assert {merchant for merchant, _, _ in due[:2]} == {"big", "small"}
    assert len({shop for merchant, shop, _ in due if merchant == "big"}) == 5
    assert Counter(merchant for merchant, _, _ in branches) == {"big": 2, "small": 1, "tiny": 1}


async def test_a_renewed_shop_is_called_at_once(pool: Pool) -> None:
    await connect(pool, "m")
    later = clock.now() + timedelta(hours=1)
    await pool.execute("UPDATE shop SET failures = 9, retry_at = $1", later)
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [state("m", revision=2)])
        assert await connection.fetchval("SELECT retry_at FROM shop") == later
        await keep_shops(connection, [state("m", revision=3, generation=2)])
    found = await pool.fetchrow("SELECT failures, retry_at FROM shop")
    assert found is not None
    assert tuple(found) == (0, None)


SOON = timedelta(minutes=1)


async def fetch_all(market: Marketplace) -> None:
    """One turn of all that is due, to its end."""
    await market.fetch_trees()
    await market.fetch_schemas()
    await eventually(lambda: not market._schemas.busy and not market._trees.busy)


async def fetch_schemas(pool: Pool, market: Marketplace, merchant: str, count: int) -> None:
    """Wait until so many are there; calls in quick succession meet limits of a second."""

    async def are_fetched() -> bool:
        await fetch_all(market)
        return await count_schemas(pool, merchant) == count

    await eventually(are_fetched, within=10)


@pytest.mark.parametrize("code", ["12", "isv.permission-api-package-limit"])
async def test_while_our_app_is_refused_schemas_wait_and_are_fetched_within_a_minute(
    pool: Pool, marketplace: Marketplace, simulated: Simulated, code: str
) -> None:
    await lapse(pool, "n")
    await fetch_trees(pool, marketplace, "m")
    await request(pool, "m", WALL_CLOCKS)
    await fetch_all(marketplace)
    assert await count_schemas(pool, "m") == 1
    known = await pool.fetchrow("SELECT body, refusal FROM category_schema")
    await pool.execute("UPDATE category_schema SET fetched_at = fetched_at - interval '2 days'")
    await request(pool, "m", "200000346")

    await simulated.set_fault(operation="*", kind="error", code=code)
    calls = []
    for _ in range(20):
        before = await struck(simulated)
        await fetch_all(marketplace)
        calls.append(await struck(simulated) - before)
        await age(pool, SOON)
    assert 10 <= sum(calls) <= 50
    rows = await pool.fetch("SELECT * FROM category_schema ORDER BY fetched_at NULLS LAST")
    assert known is not None
    assert [(row["body"], row["refusal"]) for row in rows] == [tuple(known), (None, None)]
    assert [row["failures"] for row in rows] == [0, 0]

    await simulated.remove_faults()
    await age(pool, SOON)
    await fetch_schemas(pool, marketplace, "m", 2)
    assert await pool.fetchval("SELECT count(*) FROM category_schema WHERE body IS NULL") == 0
    assert await pool.fetchval("SELECT failures FROM shop WHERE merchant_id = 'm'") == 0


async def test_a_tree_half_fetched_as_our_app_is_refused_is_fetched_whole_later(
    pool: Pool, marketplace: Marketplace, simulated: Simulated
) -> None:
    await lapse(pool, "n")
    await fetch_trees(pool, marketplace, "m")
    whole = await tree_of(pool, "m")
    await pool.execute("DELETE FROM category_branch")
    await pool.execute("UPDATE shop SET tree = NULL, tree_fetched_at = NULL")
    await pool.execute(
        "INSERT INTO category_branch (merchant_id, shop_id, category_id, due_at)"
        " VALUES ('m', 's', '0', now())"
    )
    await simulated.set_fault(operation=TREE_QUERY, kind="error", code="11", skip=5)
    for _ in range(20):
        await fetch_all(marketplace)
        await age(pool, SOON)
    branches = await pool.fetch("SELECT children, failures FROM category_branch")
    assert any(branch["children"] is None for branch in branches)
    assert {branch["failures"] for branch in branches} == {0}
    assert await tree_of(pool, "m") == []

    await simulated.remove_faults()
    await age(pool, SOON)
    await fetch_trees(pool, marketplace, "m")
    assert await tree_of(pool, "m") == whole


async def test_a_shop_that_failed_long_before_our_app_was_refused_goes_on_within_a_minute(
    pool: Pool, marketplace: Marketplace, simulated: Simulated
) -> None:
    await lapse(pool, "n")
    await fetch_trees(pool, marketplace, "m")
    await request(pool, "m", WALL_CLOCKS)
    await pool.execute("UPDATE shop SET failures = 20")
    await simulated.set_fault(operation=SCHEMA_GET, kind="error", code="13")
    await fetch_all(marketplace)
    await simulated.remove_faults()
    await age(pool, SOON)
    await fetch_schemas(pool, marketplace, "m", 1)
