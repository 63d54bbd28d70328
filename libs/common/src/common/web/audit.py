"""REST over a service's audit: who changed what, for the merchant, and for operators of all."""

import json
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from common.postgres.audit import AuditFilter, AuditRow, list_rows
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.dead_letter_views import Storable
from common.web.identity import OPERATOR, Identity, caller_with, merchant_with
from common.web.pagination import Keyset, Limit, Page
from common.web.parameters import Instant
from common.web.routing import new_router

READ = "audit:read"


class AuditRowView(BaseModel):
    """A change: who did what to what, when and from where.

    `actor` is the subject of the caller's token (`person:<id>`, an API client's id, a service's),
    `actor_email` a person's address; `merchant_id` is null for what concerns the installation.
    """

    id: int
    at: datetime
    merchant_id: str | None
    actor: str
    actor_email: str | None
    action: str
    subject: str
    details: dict[str, Any]
    address: str | None


class AuditPlace(NamedTuple):
    """Changes are listed by time, the newest first."""

    at: datetime
    id: int


After = Annotated[AuditPlace | None, Depends(Keyset(AuditPlace))]
Action = Annotated[
    str | None,
    Query(
        max_length=100,
        pattern=r"^[a-z0-9.-]+$",
        description="An action, or with a dot at its end what it begins with: `feed.`.",
    ),
]
Who = Annotated[
    Storable | None, Query(description="The subject of a token, or a person's e-mail address.")
]
Since = Annotated[Instant | None, Query(description="Only what was done then or later.")]
Until = Annotated[Instant | None, Query(description="Only what was done before.")]


async def _filter(
    action: Action = None, actor: Who = None, since: Since = None, until: Until = None
) -> AuditFilter:
    return AuditFilter(None, action, actor, since, until)


Wanted = Annotated[AuditFilter, Depends(_filter)]


def audit_router(pool: Pool) -> APIRouter:
    """The routes; a merchant sees its own changes, operators all."""
    router = new_router(tags=["audit"])
    operator = Annotated[Identity, caller_with(OPERATOR)]
    reader = Annotated[str, merchant_with(READ)]

    @router.get("/v1/merchants/{merchant_id}/audit")
    async def audit_of_merchant(
        merchant: reader, wanted: Wanted, after: After = None, limit: Limit = 50
    ) -> Page[AuditRowView]:
        """Who changed what of this merchant's, the newest first."""
        return await _page(pool, wanted, merchant, after, limit)

    @router.get("/v1/audit")
    async def audit(
        _caller: operator,
        wanted: Wanted,
        merchant_id: Storable | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[AuditRowView]:
        """Who changed what, of everyone and of the installation, for operators."""
        return await _page(pool, wanted, merchant_id, after, limit)

    return router


async def _page(
    pool: Pool, wanted: AuditFilter, merchant_id: str | None, after: AuditPlace | None, limit: int
) -> Page[AuditRowView]:
    narrowed = AuditFilter(merchant_id, wanted.action, wanted.actor, wanted.since, wanted.until)
    async with reading(pool) as connection:
        found = await list_rows(connection, narrowed, after=after, limit=limit + 1)
    page = Page.of(found, limit, lambda last: AuditPlace(last.at, last.id))
    return page.with_items([_view(row) for row in page.items])


def _view(row: AuditRow) -> AuditRowView:
    return AuditRowView(
        id=row.id,
        at=row.at,
        merchant_id=row.merchant_id,
        actor=row.actor,
        actor_email=row.actor_email,
        action=row.action,
        subject=row.subject,
        details=json.loads(row.details),
        address=row.address,
    )
