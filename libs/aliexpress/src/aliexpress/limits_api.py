"""REST: what a service called of AliExpress today, and what is banned: all of it for operators, of
a shop for its merchant."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, NamedTuple

import asyncpg
from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel

from aliexpress.store import PostgresBuckets
from aliexpress.wire import BEIJING
from common import clock
from common.web.identity import IDENTIFIER_PATTERN, OPERATOR, caller_with, merchant_with
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router


class MethodUseView(BaseModel):
    """Calls of a method today, by the day of Beijing, and until when AliExpress refuses it.

    `scope` is a seller's id, or `app` for what all sellers share; `operation` a method, or `*`.
    """

    scope: str
    operation: str
    calls_today: int
    banned_until: datetime | None


class MethodPlace(NamedTuple):
    """Listed by scope and operation."""

    scope: str
    operation: str


After = Annotated[MethodPlace | None, Depends(Keyset(MethodPlace))]


class Limits(BaseModel):
    """What a service called for one shop's seller today, and what is banned for it."""

    items: list[MethodUseView]


SellerOf = Callable[[str, str], Awaitable[str | None]]
"""The seller of a merchant's shop, None where none is known; raises what the service answers for a
shop that is not there."""


def shop_limits_router(
    pool: "asyncpg.Pool[asyncpg.Record]", seller_of: SellerOf, scope: str
) -> APIRouter:
    """For merchants that may read this scope's things."""
    router = new_router(tags=["limits"])
    buckets = PostgresBuckets(pool)
    reader = Annotated[str, merchant_with(scope)]
    shop = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}/limits")
    async def get_limits_of_shop(merchant_id: reader, shop_id: shop) -> Limits:
        """What was called for the shop's seller today, or is banned for it now."""
        seller_id = await seller_of(merchant_id, shop_id)
        if seller_id is None:
            return Limits(items=[])
        now = clock.now()
        today = now.astimezone(BEIJING).date()
        found = await buckets.list_use(now, today, after=("", ""), limit=200, scope=seller_id)
        return Limits(items=[MethodUseView(**vars(use)) for use in found])

    return router


def limits_router(pool: "asyncpg.Pool[asyncpg.Record]") -> APIRouter:
    """For operators."""
    router = new_router(tags=["limits"])
    buckets = PostgresBuckets(pool)

    @router.get("/v1/limits", dependencies=[caller_with(OPERATOR)])
    async def get_limits(
        scope: Annotated[
            str | None, Query(pattern=IDENTIFIER_PATTERN, description="One seller, or `app`.")
        ] = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[MethodUseView]:
        """What was called today or is banned now."""
        now = clock.now()
        found = await buckets.list_use(
            now,
            now.astimezone(BEIJING).date(),
            after=after or ("", ""),
            limit=limit + 1,
            scope=scope,
        )
        page = Page.of(found, limit, lambda last: MethodPlace(last.scope, last.operation))
        return page.with_items([MethodUseView(**vars(use)) for use in page.items])

    return router
