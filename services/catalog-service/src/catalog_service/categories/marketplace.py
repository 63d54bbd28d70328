"""What AliExpress says of a shop's categories: the permitted tree, and each leaf's schema.

Asked for by normalizing (a row without an answer), fetched here, kept and refreshed.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from aliexpress.categories import ROOT_CATEGORY_ID, Category, list_child_categories
from aliexpress.client import Client
from aliexpress.errors import BadAnswer, CallerFault, TokenDead
from aliexpress.operation import AccessToken
from aliexpress.products import load_product_schema
from catalog_service.categories.schema import CategorySchema
from catalog_service.categories.store import (
    SchemaKey,
    list_due_schemas,
    mark_category,
    save_schema,
    save_tree,
)
from catalog_service.categories.suggest import TreeNode
from catalog_service.shops.store import list_due_trees
from common import clock
from common.errors import Outage
from common.postgres.leases import hold_lease
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopNotConnected, ShopToken

log = structlog.get_logger()

AT_ONCE = 8
SCHEMAS_PER_TURN = 64
LANGUAGE = "en"


class Tokens(Protocol):
    """Where a shop's access token comes from; `common.shop_tokens.ShopTokens` is the one."""

    async def token(self, merchant_id: str, shop_id: str) -> ShopToken:
        """The shop's token. Raises `ShopNotConnected`, or `Outage`."""

    async def report_dead(self, merchant_id: str, shop_id: str, generation: int) -> None:
        """Tell that the marketplace refuses this generation."""


class Marketplace:
    """Fetches trees and schemas of usable shops; one replica at a time does."""

    def __init__(
        self, pool: Pool, client: Client, tokens: Tokens, *, holder: str, lifetime: timedelta
    ) -> None:
        self._pool = pool
        self._client = client
        self._tokens = tokens
        self._holder = holder
        self._lifetime = lifetime

    async def fetch_schemas(self) -> bool:
        """One turn of fetching due schemas; whether any was fetched."""
        async with reading(self._pool) as connection:
            due = await list_due_schemas(
                connection, older_than=_stale_before(self._lifetime), limit=SCHEMAS_PER_TURN
            )
        if not due:
            return False
        async with hold_lease(self._pool, "catalog.schemas", self._holder) as lease:
            if lease is None:
                return False
            slots = asyncio.Semaphore(AT_ONCE)
            done = await asyncio.gather(*(self._fetch_schema(key, slots) for key in due))
        return any(done)

    async def _fetch_schema(self, key: SchemaKey, slots: asyncio.Semaphore) -> bool:
        merchant_id, shop_id, category_id = key
        async with slots:
            token = await self._token(merchant_id, shop_id)
            if token is None:
                return False
            body: str | None = None
            refusal: str | None = None
            try:
                body = await load_product_schema(self._client, access_token(token), category_id)
                CategorySchema(category_id, body)
            except CallerFault as fault:
                refusal = fault.message
            except ValueError as error:
                body, refusal = None, f"its schema cannot be read ({error})"
            except TokenDead:
                await self._report_dead(merchant_id, shop_id, token)
                return False
            except (Outage, BadAnswer) as outage:
                log.warning("schema.not_fetched", category=category_id, reason=str(outage))
                return False
        async with unit_of_work(self._pool) as connection:
            has_changed = await save_schema(connection, key, body=body, refusal=refusal)
            if has_changed:
                await mark_category(connection, merchant_id, shop_id, category_id)
        return True

    async def fetch_trees(self) -> bool:
        """One turn of fetching due category trees; whether any was fetched."""
        async with reading(self._pool) as connection:
            due = await list_due_trees(connection, older_than=_stale_before(self._lifetime))
        fetched = False
        for merchant_id, shop_id in due:
            name = f"catalog.tree:{merchant_id}/{shop_id}"
            async with hold_lease(self._pool, name, self._holder) as lease:
                if lease is not None:
                    fetched |= await self._fetch_tree(merchant_id, shop_id)
        return fetched

    async def _fetch_tree(self, merchant_id: str, shop_id: str) -> bool:
        token = await self._token(merchant_id, shop_id)
        if token is None:
            return False
        try:
            tree = await self._walk(token)
        except ShopNotConnected:
            return False
        except TokenDead:
            await self._report_dead(merchant_id, shop_id, token)
            return False
        except (CallerFault, Outage, BadAnswer) as failure:
            log.warning("tree.not_fetched", shop=shop_id, reason=str(failure))
            return False
        async with unit_of_work(self._pool) as connection:
            await save_tree(connection, merchant_id, shop_id, tree)
        return True

    async def _walk(self, token: ShopToken) -> list[TreeNode]:
        """The whole tree, one level of one category per call (reference 3).

        Hundreds of calls: raises `ShopNotConnected` when the token lapses on the way (M1.3).
        """
        slots = asyncio.Semaphore(AT_ONCE)
        bearer = access_token(token)

        async def children_of(parent_id: str) -> Sequence[Category]:
            async with slots:
                if clock.now() >= token.expires_at:
                    raise ShopNotConnected(token.seller_id)
                return await list_child_categories(self._client, bearer, parent_id)

        tree: list[TreeNode] = []
        parents = [ROOT_CATEGORY_ID]
        while parents:
            calls = [asyncio.ensure_future(children_of(parent)) for parent in parents]
            try:
                level = await asyncio.gather(*calls)
            finally:  # after one failure the others are not made
                for call in calls:
                    call.cancel()
            found = [category for children in level for category in children]
            tree += [_node(category) for category in found]
            parents = [category.category_id for category in found if not category.is_leaf]
        return tree

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


def access_token(token: ShopToken) -> AccessToken:
    """The token as the client takes it."""
    return AccessToken(token.seller_id, token.value.get_secret_value())


def _node(category: Category) -> TreeNode:
    names = category.names
    name = names.get(LANGUAGE) or next(iter(names.values()), category.category_id)
    return TreeNode(category.category_id, category.parent_id, name, category.is_leaf)


def _stale_before(lifetime: timedelta) -> datetime:
    """What was fetched before this is to be fetched again."""
    return clock.now() - lifetime
