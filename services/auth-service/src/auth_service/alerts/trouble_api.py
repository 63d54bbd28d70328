"""REST over troubles: the list, what was read, and who takes care."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from auth_service.access import AlertReader, AlertWriter, RowId
from auth_service.alerts import store
from auth_service.alerts.links import Links
from auth_service.alerts.people import find_member, person_of
from auth_service.alerts.subscriptions import kinds_of, require_kinds
from auth_service.alerts.views import (
    Marked,
    ReadBody,
    TroublePlace,
    TroubleView,
    Unread,
)
from auth_service.languages import Language
from auth_service.troubles import store as trouble_store
from auth_service.troubles.store import Wanted
from auth_service.troubles.trouble import Trouble
from common import clock
from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.identity import Caller
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router

UNREAD_FOR = timedelta(days=14)
"""How long a closed trouble that somebody has not read is counted."""

After = Annotated[TroublePlace | None, Depends(Keyset(TroublePlace))]
Kinds = Annotated[
    list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]] | None,
    Query(alias="kind", max_length=50, description="Only these kinds."),
]
In = Annotated[Language, Query(alias="language", description="The language of the texts.")]


@dataclass(frozen=True)
class Filter:
    """Which troubles are asked for, and by which person (None: an API client)."""

    troubles: Wanted
    reader: str | None


async def _wanted(
    caller: Caller,
    state: Annotated[Literal["open", "closed"] | None, Query()] = None,
    kinds: Kinds = None,
    severity: Annotated[Literal["critical", "warning"] | None, Query()] = None,
    unread: Annotated[bool, Query(description="Only what the person has not read.")] = False,
) -> Filter:
    """What the query asks for. Raises `Refusal`."""
    require_kinds(kinds or (), "kind")
    reader = person_of(caller)
    if unread and reader is None:
        raise _no_person()
    wanted = Wanted(
        is_open=None if state is None else state == "open",
        kinds=kinds,
        severity=severity,
        unread_by=reader if unread else None,
    )
    return Filter(wanted, reader)


WantedTroubles = Annotated[Filter, Depends(_wanted)]


def trouble_router(pool: Pool, links: Links) -> APIRouter:
    """The routes of this slice."""
    router = new_router(tags=["alerts"])

    @router.get("/v1/merchants/{merchant_id}/troubles")
    async def get_troubles(
        merchant_id: AlertReader,
        wanted: WantedTroubles,
        *,
        language: In = "en",
        after: After = None,
        limit: Limit = 50,
    ) -> Page[TroubleView]:
        """The merchant's troubles, the newest first."""
        person_id = wanted.reader
        async with reading(pool) as connection:
            found = await trouble_store.list_troubles(
                connection, merchant_id, wanted.troubles, after=after, limit=limit + 1
            )
            page = Page.of(found, limit, lambda t: TroublePlace(t.opened_at, t.trouble_id))
            ids = [one.trouble_id for one in page.items]
            read = {} if person_id is None else await store.load_read(connection, person_id, ids)
        views = [
            TroubleView.of(
                one,
                language,
                links,
                is_unread=None if person_id is None else read.get(one.trouble_id, 0) < one.revision,
            )
            for one in page.items
        ]
        return page.with_items(views)

    @router.get("/v1/merchants/{merchant_id}/troubles/{trouble_id}")
    async def get_trouble(
        merchant_id: AlertReader, caller: Caller, trouble_id: RowId, language: In = "en"
    ) -> TroubleView:
        """The trouble."""
        async with reading(pool) as connection:
            trouble = await trouble_store.load_trouble(connection, merchant_id, trouble_id)
            is_unread = await _is_unread(connection, trouble, person_of(caller))
        return TroubleView.of(trouble, language, links, is_unread=is_unread)

    @router.post("/v1/merchants/{merchant_id}/troubles/{trouble_id}/acknowledge")
    async def acknowledge(
        merchant_id: AlertWriter, caller: Caller, trouble_id: RowId, language: In = "en"
    ) -> TroubleView:
        """Say that somebody takes care of it: nobody is reminded of it any more."""
        async with unit_of_work(pool) as connection:
            known = await trouble_store.load_trouble(connection, merchant_id, trouble_id)
            by = caller.subject
            await trouble_store.acknowledge(connection, merchant_id, trouble_id, by)
            person_id = person_of(caller)
            if person_id is not None:
                await store.mark_read(connection, merchant_id, person_id, [trouble_id])
            if known.acknowledged_at is None:
                await record(
                    connection,
                    "trouble.acknowledged",
                    trouble_id,
                    {"kind": known.kind, "subject": known.subject},
                )
            trouble = await trouble_store.load_trouble(connection, merchant_id, trouble_id)
            is_unread = await _is_unread(connection, trouble, person_of(caller))
        return TroubleView.of(trouble, language, links, is_unread=is_unread)

    @router.get("/v1/merchants/{merchant_id}/alerts/unread")
    async def get_unread(merchant_id: AlertReader, caller: Caller) -> Unread:
        """How many troubles the person who calls has not read."""
        async with reading(pool) as connection:
            member = await find_member(connection, merchant_id, caller)
            chosen = (await store.load_choices(connection, merchant_id)).get(member.person_id, {})
            count = await trouble_store.count_unread(
                connection,
                merchant_id,
                member.person_id,
                kinds_of(member.role, "in_app", chosen),
                clock.now() - UNREAD_FOR,
            )
        return Unread(count=count)

    @router.post("/v1/merchants/{merchant_id}/alerts/read")
    async def mark_read(merchant_id: AlertReader, caller: Caller, body: ReadBody) -> Marked:
        """The person who calls has read these, or all."""
        async with unit_of_work(pool) as connection:
            member = await find_member(connection, merchant_id, caller)
            count = await store.mark_read(
                connection, merchant_id, member.person_id, body.trouble_ids
            )
        return Marked(count=count)

    return router


async def _is_unread(connection: Connection, trouble: Trouble, reader: str | None) -> bool | None:
    """Whether the person has not read it as it is now; None for an API client."""
    if reader is None:
        return None
    read = await store.load_read(connection, reader, [trouble.trouble_id])
    return read.get(trouble.trouble_id, 0) < trouble.revision


def _no_person() -> Refusal:
    return Refusal(
        "an API client has no read marks",
        status=422,
        slug="not-a-person",
        field="unread",
        remedy="Leave `unread` out, or sign in as a person.",
    )
