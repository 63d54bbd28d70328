"""What AliExpress says of a shop's categories: the permitted tree, and each leaf's schema.

Asked for by normalizing (a row without an answer), fetched here, kept and refreshed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog

from aliexpress.categories import ROOT_CATEGORY_ID, Category, list_child_categories
from aliexpress.client import Client
from aliexpress.errors import (
    AppRefused,
    CallerFault,
    LimitReached,
    MarketplaceFailure,
    TokenDead,
)
from aliexpress.operation import AccessToken
from aliexpress.products import load_product_schema
from catalog_service.categories.branches import renew_tree
from catalog_service.categories.changes.store import note_schema
from catalog_service.categories.schema import CategorySchema
from catalog_service.categories.shop_turns import ShopTurns, pause_after
from catalog_service.categories.store import (
    FETCHING_SCHEMAS,
    FETCHING_TREES,
    BranchKey,
    SchemaKey,
    count_branch_failures,
    count_schema_failures,
    defer_branch,
    defer_schema,
    find_schema,
    list_due_branches,
    list_due_schemas,
    mark_categories,
    save_branch,
    save_schema,
)
from catalog_service.categories.tree import TreeNode
from catalog_service.shops.store import ShopKey, count_failures, note_calls
from common import clock
from common.errors import Outage
from common.postgres.leases import hold_lease
from common.postgres.pool import Pool
from common.postgres.set_aside import (
    RowKey,
    forget_failures,
    is_about_the_data,
    note_failure,
)
from common.postgres.unit_of_work import WorkKind, made_work, reading, unit_of_work
from common.shop_tokens import ShopNotConnected, ShopToken

log = structlog.get_logger()

SCHEMAS, TREES = "schemas", "trees"
"""The jobs."""
SHOPS_AT_ONCE = 32
"""Beyond so many shops under way, hanging ones, no further turn begins."""
CALLS_PER_TURN = 128
CALLS_OF_SHOP = 16
AT_ONCE_OF_SHOP = 4
FAILURES_IN_A_ROW = 2
MOST_REFUSED = 4
"""Turns that count while our app is refused: 40 seconds pass between them at most."""
LANGUAGE = "en"


class Fetch(Protocol):
    """Fetches what a row asks for; whether there is an answer."""

    def __call__(self, key: SchemaKey, token: AccessToken) -> Awaitable[bool]:
        """Begin."""


class Tokens(Protocol):
    """Where a shop's access token comes from; `common.shop_tokens.ShopTokens` is the one."""

    async def token(self, merchant_id: str, shop_id: str) -> ShopToken:
        """The shop's token. Raises `ShopNotConnected`, or `Outage`."""

    async def report_dead(self, merchant_id: str, shop_id: str, generation: int) -> None:
        """Tell that the marketplace refuses this generation."""


@dataclass
class Calls:
    """How a shop's turn went: what was `done` failed on no row; `limit` is how long a limit forbids
    more, which is no failure."""

    fetched: int = 0
    done: list[RowKey] = field(default_factory=list)
    failed_in_a_row: int = 0
    limit: timedelta | None = None
    is_app_refused: bool = False


class Marketplace:
    """Fetches trees and schemas of usable shops, each shop by one replica at a time.

    Shops share what AliExpress allows: each gets its turn, and one that hangs or fails backs off,
    longer each time, while the others go on.
    """

    def __init__(
        self,
        pool: Pool,
        client: Client,
        tokens: Tokens,
        *,
        holder: str,
        schema_lifetime: timedelta,
        tree_lifetime: timedelta,
    ) -> None:
        self._pool = pool
        self._client = client
        self._tokens = tokens
        self._holder = holder
        self._schema_lifetime = schema_lifetime
        self._tree_lifetime = tree_lifetime
        self._schemas = ShopTurns()
        self._trees = ShopTurns()

    async def aclose(self) -> None:
        """End the calls that are under way."""
        await self._schemas.aclose()
        await self._trees.aclose()

    async def fetch_schemas(self) -> bool:
        """One turn of fetching due schemas; whether any was fetched."""
        busy = self._schemas.busy
        if len(busy) >= SHOPS_AT_ONCE:
            return False
        async with reading(self._pool) as connection:
            due = await list_due_schemas(
                connection,
                SCHEMAS,
                older_than=clock.now() - self._schema_lifetime,
                busy=busy,
                limit=CALLS_PER_TURN,
                of_shop=CALLS_OF_SHOP,
            )
        return await self._schemas.run(
            {
                shop: partial(self._call, SCHEMAS, FETCHING_SCHEMAS, shop, keys, self._fetch_schema)
                for shop, keys in _by_shop(due).items()
            }
        )

    async def fetch_trees(self) -> bool:
        """One turn of fetching due branches of category trees; whether any was fetched."""
        busy = self._trees.busy
        if len(busy) >= SHOPS_AT_ONCE:
            return False
        async with reading(self._pool) as connection:
            due = await list_due_branches(
                connection, TREES, busy=busy, limit=CALLS_PER_TURN, of_shop=CALLS_OF_SHOP
            )
        return await self._trees.run(
            {
                shop: partial(self._call, TREES, FETCHING_TREES, shop, keys, self._fetch_branch)
                for shop, keys in _by_shop(due).items()
            }
        )

    async def _call(
        self, name: str, kind: WorkKind, shop: ShopKey, keys: Sequence[SchemaKey], fetch: Fetch
    ) -> bool:
        """A shop's turn of one kind of calls; whether any succeeded. If none, it backs off."""
        async with hold_lease(
            self._pool, f"catalog.{name}:{'/'.join(shop)}", self._holder
        ) as lease:
            if lease is None:
                return False
            token = await self._token(*shop)
            if token is None:
                return False
            calls = await self._fetch_all(name, token, keys, fetch)
            async with unit_of_work(self._pool) as connection:
                await forget_failures(connection, name, calls.done)
                if calls.fetched:  # there may be more, and the turn may have gone on without it
                    made_work(connection, kind)
                failures, pause = _back_off(calls, await count_failures(connection, shop))
                await note_calls(connection, shop, failures=failures, pause=pause)
        return calls.fetched > 0

    async def _fetch_all(
        self, job: str, token: ShopToken, keys: Sequence[SchemaKey], fetch: Fetch
    ) -> Calls:
        """Fetch these, a few at a time, until a limit is reached, the shop's token ends (M1.3) or
        calls fail in a row."""
        shop = keys[0][:2]
        waiting = list(reversed(keys))
        calls = Calls()

        async def fetch_next() -> None:
            while waiting and calls.failed_in_a_row < FAILURES_IN_A_ROW:
                if clock.now() >= token.expires_at:
                    return
                key = waiting.pop()
                row = RowKey(key[0], f"{key[1]}/{key[2]}")
                has_fetched = await self._fetch_apart(
                    job, row, partial(fetch, key, access_token(token))
                )
                if has_fetched is None:
                    continue  # the row's own failure: no sign of the shop's
                calls.done.append(row)
                calls.fetched += has_fetched
                calls.failed_in_a_row = 0 if has_fetched else calls.failed_in_a_row + 1

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE_OF_SHOP):
                    group.create_task(fetch_next())
        except* TokenDead:
            await self._report_dead(*shop, token)
        except* LimitReached as reached:
            calls.limit = limit_of(reached)
        except* AppRefused:
            calls.is_app_refused = True
        except* Exception:
            log.exception("shop.calls_failed", merchant=shop[0], shop=shop[1])
        return calls

    async def _fetch_apart(
        self, job: str, row: RowKey, fetch: Callable[[], Awaitable[bool]]
    ) -> bool | None:
        """What fetching returns, or raises for the shop; None where it failed on this row."""
        try:
            return await fetch()
        except MarketplaceFailure:
            raise
        except Exception as error:
            if not is_about_the_data(error):
                raise
            await note_failure(self._pool, job, row, error)
            return None

    async def _fetch_schema(self, key: SchemaKey, token: AccessToken) -> bool:
        """Fetch one schema; whether there is an answer. Raises what is no fault of this schema:
        `TokenDead`, `LimitReached`, `AppRefused`."""
        category_id = key[2]
        try:
            answer = await load_product_schema(self._client, token, category_id)
            body, refusal = await asyncio.to_thread(_readable, category_id, answer)
        except (TokenDead, LimitReached, AppRefused):
            raise
        except CallerFault as fault:
            body, refusal = None, fault.message
        except MarketplaceFailure as failure:
            log.warning("schema.not_fetched", category=category_id, reason=str(failure))
            async with unit_of_work(self._pool) as connection:
                failures = 1 + await count_schema_failures(connection, key)
                await defer_schema(connection, key, retry_at=clock.now() + pause_after(failures))
            return False
        async with unit_of_work(self._pool) as connection:
            known = await find_schema(connection, key)
            if await save_schema(connection, key, body=body, refusal=refusal):
                before = None if known is None else known.body
                await note_schema(connection, key[:2], category_id, before=before, after=body)
                await mark_categories(connection, key[:2], [category_id])
        return True

    async def _fetch_branch(self, key: BranchKey, token: AccessToken) -> bool:
        """Fetch the children of one category; whether they are known now. Raises what is no fault
        of this branch: `TokenDead`, `LimitReached`, `AppRefused`.

        A branch that AliExpress refuses to list is empty until it is due again, unless it was
        listed before, or is the root: a refusal of everything must not empty a tree.
        """
        now = clock.now()
        try:
            children = await list_child_categories(self._client, token, key[2])
        except (TokenDead, LimitReached, AppRefused):
            raise
        except MarketplaceFailure as failure:
            log.warning("branch.not_fetched", shop=key[1], branch=key[2], reason=str(failure))
            async with unit_of_work(self._pool) as connection:
                failures, is_known = await count_branch_failures(connection, key)
                if not isinstance(failure, CallerFault) or is_known or key[2] == ROOT_CATEGORY_ID:
                    await defer_branch(connection, key, due_at=now + pause_after(1 + failures))
                    return False
            children = []
        nodes = [_node(category) for category in children]
        async with unit_of_work(self._pool) as connection:
            if await save_branch(connection, key, nodes, due_at=now + self._tree_lifetime):
                await renew_tree(connection, key[:2])
        return True

    async def _token(self, merchant_id: str, shop_id: str) -> ShopToken | None:
        """The shop's token; None while it has none, or auth-service is away: a later turn asks."""
        try:
            return await self._tokens.token(merchant_id, shop_id)
        except ShopNotConnected:
            return None
        except Outage as outage:
            log.warning("token.not_had", shop=shop_id, reason=str(outage))
            return None

    async def _report_dead(self, merchant_id: str, shop_id: str, token: ShopToken) -> None:
        """Tell auth-service; when it is away, the next call with this token tells it."""
        try:
            await self._tokens.report_dead(merchant_id, shop_id, token.generation)
        except Outage as outage:
            log.warning("token.not_reported", shop=shop_id, reason=str(outage))


def _back_off(calls: Calls, failures: int) -> tuple[int, timedelta | None]:
    """How many turns have failed in a row with this one, after so many; and how long the shop
    pauses. While our app is refused it is asked for soon again, whatever failed before."""
    if calls.fetched:
        return 0, calls.limit
    if calls.is_app_refused:
        refused = min(failures + 1, MOST_REFUSED)
        return max(failures, refused), pause_after(refused)
    failures += calls.limit is None
    return failures, calls.limit or (pause_after(failures) if failures else None)


def limit_of(reached: BaseExceptionGroup[LimitReached]) -> timedelta:
    """How long the longest of these limits lasts."""
    limits = [each for each in reached.exceptions if isinstance(each, LimitReached)]
    return max((each.ban for each in limits), default=timedelta())


def access_token(token: ShopToken) -> AccessToken:
    """The token as the client takes it."""
    return AccessToken(token.seller_id, token.value.get_secret_value())


def _readable(category_id: str, body: str) -> tuple[str | None, str | None]:
    """The schema's text; or None, and why it cannot be used."""
    try:
        CategorySchema(category_id, body)
    except Exception as error:
        log.exception("schema.unreadable", category=category_id)
        return None, f"its schema cannot be read ({error})"
    return body, None


def _node(category: Category) -> TreeNode:
    names = category.names
    name = names.get(LANGUAGE) or next(iter(names.values()), category.category_id)
    return TreeNode(category.category_id, category.parent_id, name, category.is_leaf, names)


def _by_shop(keys: Sequence[SchemaKey]) -> dict[ShopKey, list[SchemaKey]]:
    """The keys by their (merchant, shop), in order."""
    found: defaultdict[ShopKey, list[SchemaKey]] = defaultdict(list)
    for key in keys:
        found[key[:2]].append(key)
    return found
