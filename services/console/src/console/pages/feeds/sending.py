"""When and how much of a feed is sent: its schedule, its guard, its fast lane. They are not part of
its configuration, and each is saved by itself."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.publisher import Feed
from console.forms import Form
from console.pages.feeds.setting import settings_page
from console.services import PUBLISHER, Refused
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
LANE_CHOICES = {"on": True, "off": False}


@router.post("/feeds/{feed_id}/schedule")
async def save_schedule(viewer: OfMerchant, feed_id: str) -> Response:
    """Say when the feed's runs are due; what is left empty is as usual."""
    form = await viewer.form()
    at, every = form.text("at"), form.text("offer_every_minutes")
    body = {
        "product": {"at": at, "zone": form.text("zone") or "UTC"} if at else None,
        "offer_every_minutes": every or None,
    }
    return await _save(viewer, feed_id, form, "schedule", body)


@router.post("/feeds/{feed_id}/guard")
async def save_guard(viewer: OfMerchant, feed_id: str) -> Response:
    """Say how many percent of the products a run may take away without a confirmation."""
    form = await viewer.form()
    return await _save(viewer, feed_id, form, "guard", {"share": share_of(form.text("share"))})


@router.post("/feeds/{feed_id}/fast-lane")
async def save_fast_lane(viewer: OfMerchant, feed_id: str) -> Response:
    """Switch the fast lane on or off, or leave it to the operator."""
    form = await viewer.form()
    choice = LANE_CHOICES.get(form.text("fast_lane"))
    return await _save(viewer, feed_id, form, "fast-lane", {"is_on": choice})


def share_of(percent: str) -> str | None:
    """Percent as a share; None where nothing was typed. What is no number stays, to be refused."""
    if not percent:
        return None
    try:
        return str(Decimal(percent.replace(",", ".").rstrip("% ")) / 100)
    except InvalidOperation:
        return percent


async def _save(
    viewer: Member, feed_id: str, form: Form, what: str, body: Mapping[str, Any]
) -> Response:
    try:
        path = viewer.m("/feeds/{}/") + what
        await viewer.send("PUT", PUBLISHER, path, feed_id, answer=Feed, body=body)
    except Refused as refused:
        return await settings_page(viewer, feed_id, refused.problem, sending=form)
    return see_other(f"/feeds/{feed_id}/settings#sending")
