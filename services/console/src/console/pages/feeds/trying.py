"""`/feeds/{f}/try/{d}`: what would a configuration do? Apply it or drop it."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from console.answers.catalog import Draft, FamilyChange
from console.pages.feeds import views
from console.panels import panel
from console.services import CATALOG, Problem, Refused
from console.texts import N_
from console.viewer import Member, OfMerchant, see_other

router = APIRouter()
DRAFTS = "/feeds/{}/drafts"
DRAFT = DRAFTS + "/{}"
BEGUN_WITHIN = 30.0
OVERTAKEN = Problem(
    title=N_("Somebody saved another configuration meanwhile"),
    status=409,
    remedy=N_("Drop this one, and make the change again on the configuration as it is now."),
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
    viewer: Member, feed_id: str, draft_id: str, problem: Problem | None = None
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
