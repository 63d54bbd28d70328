"""REST over what a service sets aside: sources in quarantine, and records that wait."""

from datetime import datetime
from typing import Annotated, NamedTuple

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from common.errors import NotFound
from common.messaging.dead_letters import PARKED_FOR_AT_MOST, ParkedWait, list_parked
from common.messaging.quarantine import Quarantine, lift, list_quarantines
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.dead_letter_views import Storable
from common.web.dead_letters import READ
from common.web.identity import OPERATOR, Identity, caller_with, merchant_with
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router

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


class QuarantinePlace(NamedTuple):
    """Quarantines are listed by group, source and merchant."""

    consumer_group: str
    source: str
    merchant_id: str


class WaitPlace(NamedTuple):
    """Parked records are listed by group, by what they wait for, and by merchant."""

    consumer_group: str
    waits_for: str
    merchant_id: str


AfterQuarantine = Annotated[QuarantinePlace | None, Depends(Keyset(QuarantinePlace))]
AfterWait = Annotated[WaitPlace | None, Depends(Keyset(WaitPlace))]


class LiftRequest(BaseModel):
    """Which quarantine to end."""

    model_config = ConfigDict(extra="forbid")

    group: Storable
    source: Storable
    merchant_id: Storable


def quarantine_router(pool: Pool) -> APIRouter:
    """The routes; merchants see their own, operators all, and only operators lift."""
    router = new_router(tags=["dead letters"])
    operator = Annotated[Identity, caller_with(OPERATOR)]
    reader = Annotated[str, merchant_with(READ)]

    @router.get("/v1/merchants/{merchant_id}/quarantines")
    async def quarantines_of_merchant(
        merchant: reader, after: AfterQuarantine = None, limit: Limit = 50
    ) -> Page[QuarantineView]:
        """Sources now in quarantine for this merchant."""
        return await _quarantines(pool, merchant, after, limit)

    @router.get("/v1/quarantines")
    async def quarantines(
        _caller: operator,
        merchant_id: Storable | None = None,
        after: AfterQuarantine = None,
        limit: Limit = 50,
    ) -> Page[QuarantineView]:
        """Sources now in quarantine, for operators."""
        return await _quarantines(pool, merchant_id, after, limit)

    @router.post("/v1/quarantines/lift", status_code=204)
    async def lift_quarantine(caller: operator, request: LiftRequest) -> None:
        """End a quarantine; its parked records are then replayed."""
        async with unit_of_work(pool) as connection:
            ended = await lift(connection, request.group, request.source, request.merchant_id)
            if ended:
                await record(
                    connection,
                    "quarantine.lifted",
                    request.source,
                    {"group": request.group},
                    merchant_id=request.merchant_id,
                )
        if not ended:
            raise NotFound("quarantine", remedy="List the quarantines.")
        log.info("quarantine.lifted", actor=caller.subject, **request.model_dump())

    @router.get("/v1/merchants/{merchant_id}/parked")
    async def parked_of_merchant(
        merchant: reader, after: AfterWait = None, limit: Limit = 50
    ) -> Page[ParkedView]:
        """What this merchant's parked records wait for."""
        return await _parked(pool, merchant, after, limit)

    @router.get("/v1/parked")
    async def parked(
        _caller: operator,
        merchant_id: Storable | None = None,
        after: AfterWait = None,
        limit: Limit = 50,
    ) -> Page[ParkedView]:
        """What parked records wait for, for operators."""
        return await _parked(pool, merchant_id, after, limit)

    return router


async def _quarantines(
    pool: Pool, merchant_id: str | None, after: QuarantinePlace | None, limit: int
) -> Page[QuarantineView]:
    async with reading(pool) as connection:
        found = await list_quarantines(
            connection, merchant_id=merchant_id, after=after, limit=limit + 1
        )
    page = Page.of(
        found,
        limit,
        lambda last: QuarantinePlace(last.consumer_group, last.source, last.merchant_id),
    )
    return page.with_items([_quarantine(item) for item in page.items])


async def _parked(
    pool: Pool, merchant_id: str | None, after: WaitPlace | None, limit: int
) -> Page[ParkedView]:
    async with reading(pool) as connection:
        found = await list_parked(connection, merchant_id=merchant_id, after=after, limit=limit + 1)
    page = Page.of(
        found, limit, lambda last: WaitPlace(last.consumer_group, last.waits_for, last.merchant_id)
    )
    return page.with_items([_wait(item) for item in page.items])


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
