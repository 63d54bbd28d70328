"""REST over what a service sets aside: sources in quarantine, and records that wait."""

from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from common.errors import NotFound, Refusal
from common.messaging.dead_letters import PARKED_FOR_AT_MOST, ParkedWait, list_parked
from common.messaging.quarantine import Quarantine, lift, list_quarantines
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.web.dead_letter_views import Storable
from common.web.dead_letters import READ
from common.web.identity import OPERATOR, Identity, caller_with, merchant_with
from common.web.pagination import Cursor, Limit, Page, cursor_of, place_of
from common.web.problem import PROBLEM_RESPONSES

log = structlog.get_logger()


class QuarantineView(BaseModel):
    """A source in quarantine for a merchant."""

    group: str
    source: str
    merchant_id: str
    reason: str
    since: datetime


class ParkedView(BaseModel):
    """Records of a merchant that wait for one thing, such as `catalogue:m/c`: how many, and when
    the oldest has waited too long and becomes a dead letter."""

    group: str
    waits_for: str
    merchant_id: str
    parked: int
    oldest_at: datetime
    oldest_expires_at: datetime


class LiftRequest(BaseModel):
    """Which quarantine to end."""

    model_config = ConfigDict(extra="forbid")

    group: Storable
    source: Storable
    merchant_id: Storable


def quarantine_router(pool: Pool) -> APIRouter:
    """The routes; merchants see their own, operators all, and only operators lift."""
    router = APIRouter(tags=["dead letters"], responses=PROBLEM_RESPONSES)
    operator = Annotated[Identity, Depends(caller_with(OPERATOR))]
    reader = Annotated[str, Depends(merchant_with(READ))]

    @router.get("/v1/merchants/{merchant_id}/quarantines")
    async def quarantines_of_merchant(
        merchant: reader, cursor: Cursor = None, limit: Limit = 50
    ) -> Page[QuarantineView]:
        """Sources now in quarantine for this merchant."""
        return await _quarantines(pool, merchant, cursor, limit)

    @router.get("/v1/quarantines")
    async def quarantines(
        _caller: operator,
        merchant_id: Storable | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[QuarantineView]:
        """Sources now in quarantine, for operators."""
        return await _quarantines(pool, merchant_id, cursor, limit)

    @router.post("/v1/quarantines/lift", status_code=204)
    async def lift_quarantine(caller: operator, request: LiftRequest) -> None:
        """End a quarantine; its parked records are then played."""
        async with unit_of_work(pool) as connection:
            ended = await lift(connection, request.group, request.source, request.merchant_id)
        if not ended:
            raise NotFound("quarantine", remedy="List the quarantines.")
        log.info("quarantine.lifted", actor=caller.subject, **request.model_dump())

    @router.get("/v1/merchants/{merchant_id}/parked")
    async def parked_of_merchant(
        merchant: reader, cursor: Cursor = None, limit: Limit = 50
    ) -> Page[ParkedView]:
        """What this merchant's parked records wait for."""
        return await _parked(pool, merchant, cursor, limit)

    @router.get("/v1/parked")
    async def parked(
        _caller: operator,
        merchant_id: Storable | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[ParkedView]:
        """What parked records wait for, for operators."""
        return await _parked(pool, merchant_id, cursor, limit)

    return router


async def _quarantines(
    pool: Pool, merchant_id: str | None, cursor: str | None, limit: int
) -> Page[QuarantineView]:
    async with unit_of_work(pool) as connection:
        found = await list_quarantines(
            connection, merchant_id=merchant_id, after=_place(cursor), limit=limit + 1
        )
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        items=[_quarantine(item) for item in found[:limit]],
        next_cursor=cursor_of(last.consumer_group, last.source, last.merchant_id) if last else None,
    )


async def _parked(
    pool: Pool, merchant_id: str | None, cursor: str | None, limit: int
) -> Page[ParkedView]:
    async with unit_of_work(pool) as connection:
        found = await list_parked(
            connection, merchant_id=merchant_id, after=_place(cursor), limit=limit + 1
        )
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        items=[_wait(item) for item in found[:limit]],
        next_cursor=cursor_of(last.consumer_group, last.waits_for, last.merchant_id)
        if last
        else None,
    )


def _quarantine(item: Quarantine) -> QuarantineView:
    return QuarantineView(
        group=item.consumer_group,
        source=item.source,
        merchant_id=item.merchant_id,
        reason=item.reason,
        since=item.since,
    )


def _wait(item: ParkedWait) -> ParkedView:
    return ParkedView(
        group=item.consumer_group,
        waits_for=item.waits_for,
        merchant_id=item.merchant_id,
        parked=item.parked,
        oldest_at=item.oldest_at,
        oldest_expires_at=item.oldest_at + PARKED_FOR_AT_MOST,
    )


def _place(cursor: str | None) -> tuple[str, str, str] | None:
    place = place_of(cursor)
    if place is None:
        return None
    texts = [part for part in place if isinstance(part, str) and "\x00" not in part]
    if len(texts) != 3 or len(place) != 3:
        raise Refusal(
            "the cursor is not one of this list",
            status=422,
            slug="bad-cursor",
            field="cursor",
            remedy="Send `next_cursor` of the page before, unchanged, or none for the first page.",
        )
    group, name, merchant_id = texts
    return group, name, merchant_id
