"""`/alerts`: what is not right, open and past; `/alerts/subscriptions`: what one is told of."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from common.web.forms import safe_next
from common.web.routing import IncludedRoute
from console.answers.alerts import Subscriptions, Tried, Trouble
from console.forms import Form
from console.pages.alerts import views
from console.pages.alerts.webhooks import router as webhooks
from console.panels import panel
from console.services import AUTH, Problem, Refused
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
router.include_router(webhooks)
MINE = "/alerts/subscriptions/me"


@router.get("/alerts")
async def list_troubles(viewer: OfMerchant) -> Response:
    return await _troubles_page(viewer)


async def _troubles_page(viewer: Member, problem: Problem | None = None) -> Response:
    asked = views.asked_of(viewer.query, viewer.language)
    troubles, kinds = await asyncio.gather(
        panel(viewer.listed(AUTH, viewer.m("/troubles"), of=Trouble, query=asked)),
        panel(viewer.get(AUTH, viewer.m(MINE), answer=Subscriptions)),
    )
    origin = viewer.console.settings.origin
    items = views.critical_first(troubles.value.items) if troubles.value else []
    return viewer.page(
        "alerts/list.html",
        status=problem.status if problem else 200,
        problem=problem,
        troubles=troubles,
        shown=[(each, views.repaired_at(each, origin)) for each in items],
        kinds=kinds.value.items if kinds.value else [],
        state=asked["state"],
        states=views.STATES,
        severities=views.SEVERITIES,
        here=_address(viewer),
    )


def _address(viewer: Member) -> str:
    """Where to come back to after a change: the list as it is filtered."""
    url = viewer.request.url
    if viewer.request.method != "GET" or not url.query:
        return "/alerts"
    return f"/alerts?{url.query}"


def _back(form: Form) -> str:
    wanted = safe_next(form.text("next")) or "/alerts"
    return wanted if wanted.startswith("/alerts") else "/alerts"


@router.post("/alerts/read")
async def mark_read(viewer: OfMerchant) -> Response:
    """Read are the troubles the form names, else all."""
    form = await viewer.form()
    body = {"trouble_ids": form.all("trouble") or None}
    try:
        await viewer.send(
            "POST",
            AUTH,
            viewer.m("/alerts/read"),
            answer=type(None),
            body=body,
        )
    except Refused as refused:
        return await _troubles_page(viewer, refused.problem)
    viewer.console.unread.forget(viewer.session, viewer.merchant_id)
    return see_other(_back(form))


@router.post("/alerts/troubles/{trouble_id}/acknowledge")
async def acknowledge(viewer: OfMerchant, trouble_id: str) -> Response:
    form = await viewer.form()
    try:
        await viewer.send(
            "POST",
            AUTH,
            viewer.m("/troubles/{}/acknowledge"),
            trouble_id,
            answer=type(None),
        )
    except Refused as refused:
        return await _troubles_page(viewer, refused.problem)
    return see_other(_back(form))


@router.get("/alerts/subscriptions")
async def show_subscriptions(viewer: OfMerchant) -> Response:
    return await _subscriptions_page(viewer)


async def _subscriptions_page(
    viewer: Member,
    problem: Problem | None = None,
    tried: Tried | None = None,
    form: Form | None = None,
) -> Response:
    """With `form`, the switches stand as they were sent: nothing chosen is lost."""
    kinds = await panel(viewer.get(AUTH, viewer.m(MINE), answer=Subscriptions))
    if form is not None and kinds.value is not None:
        for item in kinds.value.items:
            item.mail = item.kind in form.all("mail")
            item.in_app = item.kind in form.all("in_app")
    return viewer.page(
        "alerts/subscriptions.html",
        status=problem.status if problem else 200,
        problem=problem,
        kinds=kinds,
        tried=tried,
    )


@router.post("/alerts/subscriptions")
async def save_subscriptions(viewer: OfMerchant) -> Response:
    """The switches as they are, or with `as_role` what follows from the person's role."""
    form = await viewer.form()
    choices = [] if form.has("as_role") else views.choices_of(form)
    try:
        await viewer.send(
            "PUT",
            AUTH,
            viewer.m(MINE),
            answer=type(None),
            body={"choices": choices},
        )
    except Refused as refused:
        return await _subscriptions_page(viewer, refused.problem, form=form)
    viewer.console.unread.forget(viewer.session, viewer.merchant_id)
    return see_other("/alerts/subscriptions")


@router.post("/alerts/subscriptions/test")
async def try_mail(viewer: OfMerchant) -> Response:
    await viewer.form()
    try:
        tried = await viewer.send(
            "POST",
            AUTH,
            viewer.m("/alerts/test"),
            answer=Tried,
            body={"channel": "mail"},
        )
    except Refused as refused:
        return await _subscriptions_page(viewer, refused.problem)
    return await _subscriptions_page(viewer, tried=tried)
