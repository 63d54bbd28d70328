"""`/alerts/webhooks`, `/alerts/webhooks/{id}`: which systems are told, and what reached them."""

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.alerts import Delivery, Endpoint, NewEndpoint, NewSecret
from console.forms import Form
from console.pages.alerts import views
from console.panels import panel
from console.services import AUTH, Problem, Refused, path
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
ONE = "/webhooks/{}"
STATES = ("due", "delivered", "failed")


@router.get("/alerts/webhooks")
async def list_endpoints(viewer: OfMerchant) -> Response:
    return await _list_page(viewer)


async def _list_page(
    viewer: Member,
    problem: Problem | None = None,
    form: Form | None = None,
    made: NewEndpoint | None = None,
) -> Response:
    endpoints = await panel(
        viewer.listed(
            AUTH,
            viewer.m("/webhooks"),
            of=Endpoint,
            query={"cursor": viewer.query.get("cursor")},
        )
    )
    return viewer.page(
        "alerts/webhooks.html",
        status=problem.status if problem else 200,
        problem=problem,
        endpoints=endpoints,
        values=form.values if form else {},
        made=made,
    )


@router.post("/alerts/webhooks")
async def add(viewer: OfMerchant) -> Response:
    """Its secret is on the page that answers, and nowhere after."""
    form = await viewer.form()
    try:
        made = await viewer.send(
            "POST",
            AUTH,
            viewer.m("/webhooks"),
            answer=NewEndpoint,
            body=views.endpoint_of(form),
        )
    except Refused as refused:
        return await _list_page(viewer, refused.problem, form)
    return await _list_page(viewer, made=made)


@router.get("/alerts/webhooks/{endpoint_id}")
async def show_endpoint(viewer: OfMerchant, endpoint_id: str) -> Response:
    return await _page(viewer, endpoint_id)


async def _page(
    viewer: Member,
    endpoint_id: str,
    problem: Problem | None = None,
    form: Form | None = None,
    renewed: NewSecret | None = None,
) -> Response:
    state = viewer.query.get("state")
    endpoint, deliveries = await asyncio.gather(
        viewer.get(AUTH, viewer.m(ONE), endpoint_id, answer=Endpoint),
        panel(
            viewer.listed(
                AUTH,
                viewer.m(ONE + "/deliveries"),
                endpoint_id,
                of=Delivery,
                query={
                    "state": state if state in STATES else None,
                    "cursor": viewer.query.get("cursor"),
                },
            )
        ),
    )
    usual = {
        "url": endpoint.url,
        "description": endpoint.description,
        "kinds": ", ".join(endpoint.kinds),
    }
    return viewer.page(
        "alerts/webhook.html",
        status=problem.status if problem else 200,
        problem=problem,
        endpoint=endpoint,
        deliveries=deliveries,
        values=form.values if form else usual,
        renewed=renewed,
        state=state,
        states=STATES,
    )


@router.post("/alerts/webhooks/{endpoint_id}")
async def change(viewer: OfMerchant, endpoint_id: str) -> Response:
    form = await viewer.form()
    body = views.endpoint_of(form)
    return await _change(viewer, "PUT", ONE, endpoint_id, body=body, form=form)


@router.post("/alerts/webhooks/{endpoint_id}/enable")
async def enable(viewer: OfMerchant, endpoint_id: str) -> Response:
    await viewer.form()
    return await _change(viewer, "POST", ONE + "/enable", endpoint_id)


@router.post("/alerts/webhooks/{endpoint_id}/test")
async def try_endpoint(viewer: OfMerchant, endpoint_id: str) -> Response:
    await viewer.form()
    body = {"channel": "webhook", "endpoint_id": endpoint_id}
    return await _change(viewer, "POST", "/alerts/test", endpoint_id, body=body)


@router.post("/alerts/webhooks/{endpoint_id}/deliveries/{delivery_id}/replay")
async def replay(viewer: OfMerchant, endpoint_id: str, delivery_id: str) -> Response:
    await viewer.form()
    form = ONE + "/deliveries/{}/replay"
    return await _change(viewer, "POST", form, endpoint_id, delivery_id)


@router.post("/alerts/webhooks/{endpoint_id}/remove")
async def remove(viewer: OfMerchant, endpoint_id: str) -> Response:
    await viewer.form()
    try:
        await viewer.send("DELETE", AUTH, viewer.m(ONE), endpoint_id, answer=type(None))
    except Refused as refused:
        return await _page(viewer, endpoint_id, refused.problem)
    return see_other("/alerts/webhooks")


@router.post("/alerts/webhooks/{endpoint_id}/rotate")
async def rotate(viewer: OfMerchant, endpoint_id: str) -> Response:
    """The new secret is on the page that answers, and nowhere after."""
    await viewer.form()
    try:
        renewed = await viewer.send(
            "POST",
            AUTH,
            viewer.m(ONE + "/secret"),
            endpoint_id,
            answer=NewSecret,
        )
    except Refused as refused:
        return await _page(viewer, endpoint_id, refused.problem)
    return await _page(viewer, endpoint_id, renewed=renewed)


async def _change(
    viewer: Member,
    method: str,
    where: str,
    endpoint_id: str,
    *more: str,
    body: Any = None,
    form: Form | None = None,
) -> Response:
    """Change something of the endpoint; its page comes again, with why it could not be."""
    ids = (endpoint_id, *more) if "{}" in where else ()
    try:
        await viewer.send(method, AUTH, viewer.m(where), *ids, answer=type(None), body=body)
    except Refused as refused:
        return await _page(viewer, endpoint_id, refused.problem, form)
    return see_other(path("/alerts/webhooks/{}", endpoint_id))
