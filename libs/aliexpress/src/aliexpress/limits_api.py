"""REST, for operators: what a service has called of AliExpress today, and what is banned."""

from datetime import datetime
from typing import Annotated, NamedTuple

import asyncpg
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from aliexpress.store import PostgresBuckets
from aliexpress.wire import BEIJING
from common import clock
from common.web.identity import IDENTIFIER_PATTERN, OPERATOR, caller_with
from common.web.pagination import Keyset, Limit, Page
from common.web.problem import PROBLEM_RESPONSES


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


def limits_router(pool: "asyncpg.Pool[asyncpg.Record]") -> APIRouter:
    """For operators."""
    router = APIRouter(responses=PROBLEM_RESPONSES, tags=["limits"])
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
