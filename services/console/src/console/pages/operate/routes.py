"""`/operate/…`: of a merchant for its people, of all merchants for operators."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.auth import Invitation, Merchant
from console.answers.everywhere import (
    DeadLetter,
    FailedRow,
    Outcome,
    Parked,
    Quarantine,
    WholeDeadLetter,
)
from console.answers.overview import FeedGlance, MethodUse, OrderGlances, ShopGlance
from console.forms import Form
from console.pages.operate import views
from console.panels import Panel, panel
from console.services import (
    AUTH,
    CATALOG,
    ORDERS,
    PUBLISHER,
    Health,
    Listed,
    Page,
    Problem,
    Query,
    Refused,
    ServiceName,
    path,
)
from console.texts import N_
from console.viewer import PER_PAGE, Person, SignedIn, see_other

router = APIRouter(route_class=IncludedRoute)
SERVICES: dict[str, ServiceName] = {name: name for name in (AUTH, CATALOG, PUBLISHER, ORDERS)}
CONSUMING: tuple[ServiceName, ...] = (CATALOG, PUBLISHER, ORDERS)
CALLING: tuple[ServiceName, ...] = (CATALOG, PUBLISHER, ORDERS)
"""Those that call AliExpress and count it."""
SHOPS_SHOWN = 25
T = TypeVar("T")
STATES = ("open", "parked", "replayed", "discarded")
ID_TAKEN = Problem(
    title=N_("There is a merchant of this id already"),
    status=409,
    field="merchant",
    remedy=N_("Nothing was changed. Choose another id, or tick below that this one is meant."),
)


def _service(name: str) -> ServiceName:
    if name not in SERVICES:
        raise Refused(Problem(title=N_("There is no such page"), status=404))
    return SERVICES[name]


def _whole(viewer: Person) -> bool:
    """Whether the pages show all merchants: an operator's do, until a merchant is chosen."""
    return viewer.is_operator and viewer.merchant_id is None


def _below(viewer: Person, rest: str) -> str:
    """The REST path of the merchant's things, or of all."""
    if _whole(viewer):
        return "/v1" + rest
    return path("/v1/merchants/{}", viewer.merchant_id or "") + rest  # an id has no braces


@router.get("/operate")
async def overview(viewer: SignedIn) -> Response:
    return await _overview(viewer)


async def _overview(
    viewer: Person,
    problem: Problem | None = None,
    invited: Invitation | None = None,
    *,
    made: str | None = None,
    typed: Form | None = None,
    there: Merchant | None = None,
) -> Response:
    merchants, glance = None, None
    if viewer.is_operator:
        merchants, glance = await asyncio.gather(panel(_merchants(viewer)), _glance(viewer))
    letters, quarantines, parked, failed = await asyncio.gather(
        *(
            asyncio.gather(
                *(
                    panel(
                        viewer.listed(
                            name,
                            _below(viewer, rest),
                            of=kind,
                            limit=20,
                            query={"state": "open"} if kind is DeadLetter else None,
                        )
                    )
                    for name in (SERVICES.values() if kind is FailedRow else CONSUMING)
                )
            )
            for rest, kind in (
                ("/dead-letters", DeadLetter),
                ("/quarantines", Quarantine),
                ("/parked", Parked),
                ("/set-aside", FailedRow),
            )
        )
    )
    return viewer.page(
        "operate/overview.html",
        status=problem.status if problem else 200,
        problem=problem,
        merchants=merchants,
        glance=glance,
        letters=list(zip(CONSUMING, letters, strict=True)),
        quarantines=list(zip(CONSUMING, quarantines, strict=True)),
        parked=list(zip(CONSUMING, parked, strict=True)),
        failed=list(zip(SERVICES.values(), failed, strict=True)),
        invited=invited,
        made=made,
        typed=typed.values if typed else {},
        there=there,
    )


@dataclass(frozen=True)
class Glance:
    """What an operator sees of the installation: shops, calls of AliExpress, services."""

    shops: Panel[Listed]
    rows: list[views.ShopRow]
    away: list[Panel[Any]]
    calls: list[tuple[ServiceName, Panel[list[MethodUse]]]]
    health: list[Health]


async def _glance(viewer: Person) -> Glance:
    services, within = viewer.console.services, viewer.console.settings.panel_seconds
    page: Query = {"limit": SHOPS_SHOWN, "cursor": viewer.query.get("shops")}
    shops, calls, health = await asyncio.gather(
        panel(_listed_for_operators(viewer, AUTH, "/v1/shops", ShopGlance, page)),
        asyncio.gather(*(panel(_calls(viewer, name)) for name in CALLING)),
        asyncio.gather(*(services.health(name, within=within) for name in SERVICES.values())),
    )
    by_service = list(zip(CALLING, calls, strict=True))
    shown = shops.value.items if shops.value else []
    if not shown:
        return Glance(shops, [], [], by_service, health)
    of: Query = {"merchant": sorted({shop.merchant_id for shop in shown})}
    wanted: Query = {"limit": 200, **of}
    feeds, orders = await asyncio.gather(
        panel(_listed_for_operators(viewer, PUBLISHER, "/v1/feeds", FeedGlance, wanted)),
        panel(_for_operators(viewer, ORDERS, "/v1/orders-to-ship", OrderGlances, of)),
    )
    rows = views.shop_rows(
        shown,
        feeds.value.items if feeds.value else [],
        orders.value.items if orders.value else [],
    )
    return Glance(shops, rows, [feeds, orders], by_service, health)


async def _calls(viewer: Person, service: ServiceName) -> list[MethodUse]:
    found = await _listed_for_operators(viewer, service, "/v1/limits", MethodUse, {"limit": 200})
    return views.busiest(found.items)


async def _listed_for_operators(
    viewer: Person, service: ServiceName, where: str, of: type[T], query: Query
) -> Listed:
    found = await _for_operators(viewer, service, where, Page, query)
    decoder = msgspec.json.Decoder(of)
    return Listed([decoder.decode(item) for item in found.items], found.next_cursor)


async def _for_operators(
    viewer: Person, service: ServiceName, where: str, answer: type[T], query: Query
) -> T:
    """GET with an operator's token, whatever merchant is looked at."""
    return await viewer.console.services.send(
        "GET",
        service,
        where,
        answer,
        within=viewer.console.settings.panel_seconds,
        bearer=(await viewer.grant(None)).access_token,
        query=query,
    )


async def _merchants(viewer: Person) -> Listed:
    query = {"limit": PER_PAGE, "cursor": viewer.query.get("cursor")}
    return await _listed_for_operators(viewer, AUTH, "/v1/merchants", Merchant, query)


@router.post("/operate/merchants")
async def register(viewer: SignedIn) -> Response:
    """Make a merchant, and invite its first owner (M1.1)."""
    form = await viewer.form()
    merchant, email = form.text("merchant"), form.text("email")
    made = False
    try:
        there = await _admit(viewer, form)
        if there is not None:
            return await _overview(viewer, ID_TAKEN, typed=form, there=there)
        made = True
        invited = None
        if email:
            body = {"email": email, "role": "owner"}
            where = path("/v1/merchants/{}/members", merchant)
            invited = await _by_operator(viewer, "POST", where, Invitation, body=body)
    except Refused as refused:
        return await _overview(
            viewer, refused.problem, made=merchant if made else None, typed=None if made else form
        )
    return await _overview(viewer, invited=invited, made=merchant)


async def _admit(viewer: Person, form: Form) -> Merchant | None:
    """Make the merchant. None where it is made, or there as it was typed; else the one that is
    there, which is changed only where that is ticked. Raises `Refused`."""
    where, name = path("/v1/merchants/{}", form.text("merchant")), form.text("name")
    new = {"name": name or form.text("merchant"), "is_eligible": True}
    try:
        await _by_operator(viewer, "PUT", where, Merchant, body=new, headers={"If-None-Match": "*"})
    except Refused as refused:
        if refused.problem.status != HTTPStatus.PRECONDITION_FAILED:
            raise
    else:
        return None
    there = await _by_operator(viewer, "GET", where, Merchant)
    wanted = {"name": name or there.name, "is_eligible": True}
    if not there.is_eligible or there.name != wanted["name"]:
        if form.text("change") != form.text("merchant"):
            return there
        await _by_operator(viewer, "PUT", where, Merchant, body=wanted)
    return None


async def _by_operator(
    viewer: Person, method: str, where: str, answer: type[T], **request: Any
) -> T:
    """A request of auth-service with an operator's token, whatever merchant is looked at."""
    console = viewer.console
    return await console.services.send(
        method,
        AUTH,
        where,
        answer,
        within=console.settings.form_seconds,
        bearer=(await viewer.grant(None)).access_token,
        **request,
    )


@router.get("/operate/merchants")
async def more_merchants(viewer: SignedIn) -> Response:
    """The next page of them, from the page that a refused form came back with."""
    query = viewer.request.url.query
    return see_other(f"/operate{'?' + query if query else ''}#merchants")


@router.get("/operate/dead-letters/{service}")
async def list_letters(viewer: SignedIn, service: str) -> Response:
    name = _service(service)
    state = viewer.query.get("state", "open")
    letters = await panel(
        viewer.listed(
            name,
            _below(viewer, "/dead-letters"),
            of=DeadLetter,
            query={
                "state": state if state in STATES else None,
                "reason": viewer.query.get("reason") or None,
                "cursor": viewer.query.get("cursor"),
            },
        )
    )
    return viewer.page(
        "operate/letters.html", service=name, letters=letters, state=state, states=STATES
    )


@router.get("/operate/dead-letters/{service}/{letter_id}")
async def show_letter(viewer: SignedIn, service: str, letter_id: int) -> Response:
    return await _letter_page(viewer, _service(service), letter_id)


async def _letter_page(
    viewer: Person,
    service: ServiceName,
    letter_id: int,
    *,
    problem: Problem | None = None,
    outcome: Outcome | None = None,
    value: str | None = None,
) -> Response:
    letter = await viewer.get(
        service, _below(viewer, "/dead-letters/{}"), str(letter_id), answer=WholeDeadLetter
    )
    return viewer.page(
        "operate/letter.html",
        status=problem.status if problem else 200,
        problem=problem,
        service=service,
        letter=letter,
        outcome=outcome,
        value=value if value is not None else letter.value,
    )


@router.post("/operate/dead-letters/{service}/{letter_id}/replay")
async def replay(viewer: SignedIn, service: str, letter_id: int) -> Response:
    """Take the event again, as it came or as it was corrected."""
    form = await viewer.form()
    name = _service(service)
    value = form.secret("value").replace("\r\n", "\n")
    body = {"value": value} if form.has("value") and value != form.secret("former") else None
    return await _settle(viewer, name, letter_id, action="replay", body=body, value=value)


@router.post("/operate/dead-letters/{service}/{letter_id}/discard")
async def discard(viewer: SignedIn, service: str, letter_id: int) -> Response:
    form = await viewer.form()
    body = {"why": form.text("why")}
    return await _settle(viewer, _service(service), letter_id, action="discard", body=body)


async def _settle(
    viewer: Person,
    service: ServiceName,
    letter_id: int,
    *,
    action: str,
    body: dict[str, str] | None,
    value: str | None = None,
) -> Response:
    try:
        outcome = await viewer.send(
            "POST",
            service,
            _below(viewer, "/dead-letters/{}/" + action),
            str(letter_id),
            answer=Outcome,
            body=body,
        )
    except Refused as refused:
        return await _letter_page(viewer, service, letter_id, problem=refused.problem, value=value)
    return await _letter_page(viewer, service, letter_id, outcome=outcome)


@router.post("/operate/quarantines/{service}/lift")
async def lift(viewer: SignedIn, service: str) -> Response:
    form = await viewer.form()
    body = {name: form.text(name) for name in ("group", "source", "merchant_id")}
    return await _as_operator(viewer, _service(service), "/v1/quarantines/lift", body)


@router.post("/operate/set-aside/{service}/release")
async def release(viewer: SignedIn, service: str) -> Response:
    form = await viewer.form()
    body = {name: form.text(name) for name in ("job", "merchant_id", "subject") if form.text(name)}
    return await _as_operator(viewer, _service(service), "/v1/set-aside/release", body)


async def _as_operator(
    viewer: Person, service: ServiceName, where: str, body: dict[str, str]
) -> Response:
    try:
        await viewer.send("POST", service, where, answer=type(None), body=body)
    except Refused as refused:
        return await _overview(viewer, refused.problem)
    return see_other("/operate")
