"""REST over the rows that background jobs failed on: who is held back, and letting them go on."""

from datetime import datetime
from typing import Annotated, NamedTuple

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from common.errors import NotFound
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.set_aside import list_failed_rows, release
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.dead_letter_views import Storable
from common.web.dead_letters import READ
from common.web.identity import OPERATOR, Identity, caller_with, merchant_with
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router

log = structlog.get_logger()


class FailedRowView(BaseModel):
    """A row that a background job failed on: it is tried again at `retry_at`; one that is set aside
    has none and waits to be released."""

    model_config = ConfigDict(from_attributes=True)

    job: str
    merchant_id: str
    subject: str
    is_set_aside: bool
    failures: int
    reason: str
    trace_id: str | None
    failed_at: datetime
    retry_at: datetime | None


class FailedRowPlace(NamedTuple):
    """Failed rows are listed by job, merchant and subject."""

    job: str
    merchant_id: str
    subject: str


class ReleaseRequest(BaseModel):
    """Which rows to let go on: all of a job, of a merchant, or one."""

    model_config = ConfigDict(extra="forbid")

    job: Storable
    merchant_id: Storable | None = None
    subject: Storable | None = None


class Released(BaseModel):
    """How many rows were released."""

    released: int


AfterRow = Annotated[FailedRowPlace | None, Depends(Keyset(FailedRowPlace))]


def set_aside_router(pool: Pool) -> APIRouter:
    """The routes; merchants see their own rows, operators all, and only operators release."""
    router = new_router(tags=["set aside"])
    operator = Annotated[Identity, caller_with(OPERATOR)]
    reader = Annotated[str, merchant_with(READ)]

    @router.get("/v1/merchants/{merchant_id}/set-aside")
    async def failed_rows_of_merchant(
        merchant: reader, after: AfterRow = None, limit: Limit = 50
    ) -> Page[FailedRowView]:
        """Rows of this merchant that background jobs failed on."""
        return await _failed_rows(pool, merchant, after, limit)

    @router.get("/v1/set-aside")
    async def failed_rows(
        _caller: operator,
        merchant_id: Storable | None = None,
        after: AfterRow = None,
        limit: Limit = 50,
    ) -> Page[FailedRowView]:
        """Rows that background jobs failed on, for operators."""
        return await _failed_rows(pool, merchant_id, after, limit)

    @router.post("/v1/set-aside/release")
    async def release_rows(caller: operator, request: ReleaseRequest) -> Released:
        """Let jobs take rows again, once what they failed on is corrected."""
        async with unit_of_work(pool) as connection:
            released = await release(
                connection,
                request.job,
                merchant_id=request.merchant_id,
                subject=request.subject,
            )
            if released:
                await record(
                    connection,
                    "job.rows-released",
                    request.job,
                    {"rows": released, "subject": request.subject},
                    merchant_id=request.merchant_id,
                )
        if not released:
            raise NotFound("row that was set aside", remedy="List those that are set aside.")
        log.info("job.rows_released", actor=caller.subject, rows=released, **request.model_dump())
        return Released(released=released)

    return router


async def _failed_rows(
    pool: Pool, merchant_id: str | None, after: FailedRowPlace | None, limit: int
) -> Page[FailedRowView]:
    async with reading(pool) as connection:
        found = await list_failed_rows(
            connection, merchant_id=merchant_id, after=after, limit=limit + 1
        )
    page = Page.of(
        found, limit, lambda last: FailedRowPlace(last.job, last.merchant_id, last.subject)
    )
    return page.with_items([FailedRowView.model_validate(row) for row in page.items])
