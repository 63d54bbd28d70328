"""`/alerts`: troubles open and past, what one is told of, webhooks with their deliveries."""

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from console.answers.alerts import Delivery, Endpoint, NewEndpoint, Subscriptions, Trouble
from console.pages.alerts import views
from console.panels import Panel, panel
from console.services import AUTH, Listed, Problem, Refused
from console.viewer import Member, OfMerchant, see_other

router = APIRouter()
WEBHOOK = "/webhooks/{}"


@router.get("/alerts")
async def alerts(viewer: OfMerchant) -> Response:
    return await _page(viewer)


async def _page(
    viewer: Member, problem: Problem | None = None, made: NewEndpoint | None = None
) -> Response:
    m = viewer.merchant_id
    state = "closed" if viewer.query.get("state") == "closed" else "open"
    asked = {"state": state, "language": viewer.language, "cursor": viewer.query.get("cursor")}
    troubles, subscriptions, webhooks = await asyncio.gather(
        panel(viewer.listed(AUTH, viewer.m("/troubles"), m, of=Trouble, query=asked)),
        panel(
            viewer.get(
                AUTH,
                viewer.m("/alerts/subscriptions/{}"),
                m,
                viewer.me.person_id,
                answer=Subscriptions,
            )
        ),
        panel(_webhooks(viewer)),
    )
    return viewer.page(
        "alerts/alerts.html",
        status=problem.status if problem else 200,
        problem=problem,
        state=state,
        troubles=troubles,
        place_of=views.place_of,
        subscriptions=subscriptions,
        webhooks=webhooks,
        made=made,
        is_member=m in viewer.roles,
    )


async def _webhooks(viewer: Member) -> Listed | None:
    if not viewer.may("webhooks:read"):
        return None
    return await viewer.listed(AUTH, viewer.m("/webhooks"), viewer.merchant_id, of=Endpoint)


@router.post("/alerts/read")
async def mark_read(viewer: OfMerchant) -> Response:
    await viewer.form()
    return await _change(viewer, "POST", "/alerts/read", body={"trouble_ids": None})


@router.post("/alerts/troubles/{trouble_id}/acknowledge")
async def acknowledge(viewer: OfMerchant, trouble_id: str) -> Response:
    await viewer.form()
    return await _change(viewer, "POST", "/troubles/{}/acknowledge", trouble_id)


@router.post("/alerts/subscriptions")
async def subscribe(viewer: OfMerchant) -> Response:
    """Every kind that the form showed, ticked or not."""
    form = await viewer.form()
    choices = [
        {"kind": kind, "channel": channel, "is_on": form.has(f"{channel}:{kind}")}
        for kind in form.all("kind")
        for channel in ("mail", "in_app")
    ]
    where, person = "/alerts/subscriptions/{}", viewer.me.person_id
    return await _change(viewer, "PUT", where, person, body={"choices": choices})


@router.post("/alerts/test")
async def test_mail(viewer: OfMerchant) -> Response:
    await viewer.form()
    body = {"channel": "mail", "person_id": viewer.me.person_id}
    return await _change(viewer, "POST", "/alerts/test", body=body)


@router.post("/alerts/webhooks")
async def add_webhook(viewer: OfMerchant) -> Response:
    form = await viewer.form()
    body = {"url": form.text("url"), "description": form.text("description")}
    try:
        made = await viewer.send(
            "POST",
            AUTH,
            viewer.m("/webhooks"),
            viewer.merchant_id,
            answer=NewEndpoint,
            body=body,
        )
    except Refused as refused:
        return await _page(viewer, refused.problem)
    return await _page(viewer, made=made)


@router.get("/alerts/webhooks/{endpoint_id}")
async def show_webhook(viewer: OfMerchant, endpoint_id: str) -> Response:
    m = viewer.merchant_id
    endpoint = await viewer.get(AUTH, viewer.m(WEBHOOK), m, endpoint_id, answer=Endpoint)
    deliveries: Panel[Listed] = await panel(
        viewer.listed(
            AUTH,
            viewer.m(WEBHOOK + "/deliveries"),
            m,
            endpoint_id,
            of=Delivery,
            query={"cursor": viewer.query.get("cursor")},
        )
    )
    return viewer.page("alerts/webhook.html", endpoint=endpoint, deliveries=deliveries)


@router.post("/alerts/webhooks/{endpoint_id}/{action}")
async def change_webhook(viewer: OfMerchant, endpoint_id: str, action: str) -> Response:
    """Try the address, switch it on again, or forget it."""
    await viewer.form()
    if action == "test":
        body = {"channel": "webhook", "endpoint_id": endpoint_id}
        return await _change(viewer, "POST", "/alerts/test", body=body)
    if action == "enable":
        return await _change(viewer, "POST", WEBHOOK + "/enable", endpoint_id)
    return await _change(viewer, "DELETE", WEBHOOK, endpoint_id)


@router.post("/alerts/webhooks/{endpoint_id}/deliveries/{delivery_id}")
async def replay(viewer: OfMerchant, endpoint_id: str, delivery_id: str) -> Response:
    await viewer.form()
    where = WEBHOOK + "/deliveries/{}/replay"
    then = f"/alerts/webhooks/{endpoint_id}"
    return await _change(viewer, "POST", where, endpoint_id, delivery_id, then=then)


async def _change(
    viewer: Member, method: str, where: str, *ids: str, body: Any = None, then: str = "/alerts"
) -> Response:
    try:
        await viewer.send(
            method,
            AUTH,
            viewer.m(where),
            viewer.merchant_id,
            *ids,
            answer=type(None),
            body=body,
        )
    except Refused as refused:
        return await _page(viewer, refused.problem)
    return see_other(then)
