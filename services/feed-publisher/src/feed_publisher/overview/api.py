"""REST, for operators: the last runs of several merchants' feeds."""

from datetime import datetime
from itertools import groupby
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, StringConstraints

from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import IDENTIFIER_PATTERN, OPERATOR, caller_with
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router
from feed_publisher.desired.states import Kind
from feed_publisher.overview import store


class LastRunView(BaseModel):
    """The newest run of a kind that was no dry run."""

    kind: Kind
    run_id: str
    state: str
    asked_at: datetime


class FeedGlanceView(BaseModel):
    """An active feed and its last runs, at most one of each kind."""

    merchant_id: str
    shop_id: str
    feed_id: str
    last_runs: list[LastRunView]


class GlancePlace(NamedTuple):
    """Feeds are listed by merchant and id."""

    merchant_id: str
    feed_id: str


After = Annotated[GlancePlace | None, Depends(Keyset(GlancePlace))]
Merchants = Annotated[
    list[Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]],
    Query(alias="merchant", max_length=50, description="Whose; several. Nothing without any."),
]


def overview_router(pool: Pool) -> APIRouter:
    """For operators."""
    router = new_router(tags=["feeds"])

    @router.get("/v1/feeds", dependencies=[caller_with(OPERATOR)])
    async def get_feeds_of_merchants(
        merchants: Merchants = [],  # noqa: B006 - FastAPI copies it
        after: After = None,
        limit: Limit = 50,
    ) -> Page[FeedGlanceView]:
        """The active feeds of these merchants, each with its last runs."""
        async with reading(pool) as connection:
            rows = await store.list_last_runs(connection, merchants, after=after, limit=limit + 1)
        feeds = [
            _feed(list(of_feed))
            for _, of_feed in groupby(rows, key=lambda row: (row.merchant_id, row.feed_id))
        ]
        return Page.of(feeds, limit, lambda last: GlancePlace(last.merchant_id, last.feed_id))

    return router


def _feed(rows: list[store.LastRun]) -> FeedGlanceView:
    first = rows[0]
    return FeedGlanceView(
        merchant_id=first.merchant_id,
        shop_id=first.shop_id,
        feed_id=first.feed_id,
        last_runs=[
            LastRunView(kind=row.kind, run_id=row.run_id, state=row.state, asked_at=row.asked_at)
            for row in rows
            if row.kind and row.run_id and row.state and row.asked_at
        ],
    )
