"""`/feeds/{f}/try/{d}`: what would a configuration do? Apply it or drop it."""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.catalog import (
    Draft,
    DraftDetails,
    FamilyChange,
    FeedDetails,
    VersionDetails,
)
from console.pages.feeds import views
from console.pages.feeds.rebasing import rebased
from console.panels import panel
from console.services import CATALOG, FieldProblem, Problem, Refused
from console.texts import N_
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
DRAFTS = "/feeds/{}/drafts"
DRAFT = DRAFTS + "/{}"
BEGUN_WITHIN = 30.0
OVERTAKEN = Problem(
    title=N_("Somebody saved another configuration meanwhile"),
    status=409,
    remedy=N_("Try your change again on the newest version: what was saved meanwhile stays."),
)
MAKE_ANEW = N_("Drop this one, and make the change again on the configuration as it is now.")
GONE = Problem(
    title=N_("The version that this was made of is not there any more"),
    status=409,
    remedy=MAKE_ANEW,
)


async def begin_draft(viewer: Member, feed_id: str, document: Any) -> Response:
    """Try the document on the whole feed. Raises `Refused`."""
    made = await viewer.send(
        "POST",
        CATALOG,
        viewer.m(DRAFTS),
        feed_id,
        answer=Draft,
        within=BEGUN_WITHIN,
        body=document,
    )
    return see_other(f"/feeds/{feed_id}/try/{made.draft_id}")


@router.get("/feeds/{feed_id}/try/{draft_id}")
async def show_draft(viewer: OfMerchant, feed_id: str, draft_id: str) -> Response:
    if viewer.follows("state"):
        return await viewer.followed(lambda: _page(viewer, feed_id, draft_id))
    return await _page(viewer, feed_id, draft_id)


async def _page(
    viewer: Member,
    feed_id: str,
    draft_id: str,
    problem: Problem | None = None,
    *,
    may_apply: bool = True,
) -> Response:
    draft = await viewer.get(CATALOG, viewer.m(DRAFT), feed_id, draft_id, answer=Draft)
    changes = await panel(
        viewer.listed(
            CATALOG,
            viewer.m(DRAFT + "/changes"),
            feed_id,
            draft_id,
            of=FamilyChange,
            limit=25,
            query={"cursor": viewer.query.get("cursor")},
        )
    )
    return viewer.page(
        "feeds/try.html",
        block="state" if viewer.query.get("part") == "state" else None,
        status=problem.status if problem else 200,
        problem=problem,
        feed_id=feed_id,
        rail=views.rail(),
        step="configuration",
        draft=draft,
        is_overtaken=problem is OVERTAKEN,
        may_apply=may_apply and problem is not OVERTAKEN,
        is_under_way=draft.state == "evaluating",
        changes=changes,
    )


@router.post("/feeds/{feed_id}/try/{draft_id}/apply")
async def apply(viewer: OfMerchant, feed_id: str, draft_id: str) -> Response:
    form = await viewer.form()
    return await _settle(
        viewer, "POST", DRAFT + "/apply", feed_id, draft_id, note=form.text("note")
    )


@router.post("/feeds/{feed_id}/try/{draft_id}/drop")
async def drop(viewer: OfMerchant, feed_id: str, draft_id: str) -> Response:
    await viewer.form()
    return await _settle(viewer, "DELETE", DRAFT, feed_id, draft_id)


@router.post("/feeds/{feed_id}/try/{draft_id}/again")
async def try_again(viewer: OfMerchant, feed_id: str, draft_id: str) -> Response:
    """Try the draft's change on the newest version, in place of the draft."""
    await viewer.form()
    try:
        document = await _on_the_newest(viewer, feed_id, draft_id)
        answer = await begin_draft(viewer, feed_id, document)
    except Refused as refused:
        return await _page(viewer, feed_id, draft_id, refused.problem, may_apply=False)
    with suppress(Refused):  # it is gone already
        await viewer.send("DELETE", CATALOG, viewer.m(DRAFT), feed_id, draft_id, answer=type(None))
    return answer


async def _on_the_newest(viewer: Member, feed_id: str, draft_id: str) -> dict[str, Any]:
    """The newest configuration with the draft's change. Raises `Refused` where both changed the
    same."""
    draft = await viewer.get(CATALOG, viewer.m(DRAFT), feed_id, draft_id, answer=DraftDetails)
    version = (draft.based_on or "").strip('"')
    if not version.isdecimal():
        raise Refused(GONE)
    base, newest = await asyncio.gather(
        viewer.get(
            CATALOG, viewer.m("/feeds/{}/versions/{}"), feed_id, version, answer=VersionDetails
        ),
        viewer.get(CATALOG, viewer.m("/feeds/{}"), feed_id, answer=FeedDetails),
    )
    document, clashes = rebased(base.configuration, draft.configuration, newest.configuration)
    if clashes:
        raise Refused(_clash(clashes))
    return document


def _clash(fields: list[str]) -> Problem:
    said = N_("It was changed meanwhile, too.")
    return Problem(
        title=N_("Your change and the newest version do not fit together"),
        status=409,
        errors=[FieldProblem(field, said) for field in fields],
        remedy=MAKE_ANEW,
    )


async def _settle(
    viewer: Member, method: str, form: str, feed_id: str, draft_id: str, *, note: str = ""
) -> Response:
    try:
        await viewer.send(
            method,
            CATALOG,
            viewer.m(form),
            feed_id,
            draft_id,
            answer=type(None),
            query={"note": note or None},
        )
    except Refused as refused:
        is_old = refused.problem.status == HTTPStatus.PRECONDITION_FAILED
        problem = OVERTAKEN if is_old else refused.problem
        return await _page(viewer, feed_id, draft_id, problem)
    return see_other(f"/feeds/{feed_id}" if method == "POST" else f"/feeds/{feed_id}/configuration")
