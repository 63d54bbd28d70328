"""`/orders`, `/orders/{shop}/{o}`: by deadline; ship one, ship many by a file, correct a number."""

import asyncio
import codecs
import hashlib
import secrets
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from common import clock
from common.web.routing import IncludedRoute
from console.answers.auth import Shop
from console.answers.orders import (
    Carriers,
    Correction,
    Corrections,
    Order,
    Shipment,
    Shipments,
    ShippedFile,
)
from console.forms import Form, begin_file
from console.pages.orders import views
from console.panels import panel
from console.services import AUTH, ORDERS, Problem, Refused
from console.texts import N_
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
ORDER = "/shops/{}/orders/{}"
LONGEST_FILE = 1_000_000
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NO_TEXT = Problem(
    title=N_("The file is no CSV file in UTF-8"),
    status=422,
    remedy=N_("Save it as CSV UTF-8 and choose it again, or paste its rows."),
)
TYPED = ("attempt", "carrier", "tracking_number", "tracking_website", "note")
CORRECTIONS_OF = 8
"""Parcels of an order whose corrections its page shows."""


@router.get("/orders")
async def list_orders(viewer: OfMerchant) -> Response:
    view = viewer.query.get("view", "due")
    orders, shops = await asyncio.gather(
        panel(
            viewer.listed(
                ORDERS,
                viewer.m("/orders"),
                of=Order,
                query=views.asked_of(view, viewer.query, clock.now()),
            )
        ),
        panel(viewer.listed(AUTH, viewer.m("/shops"), of=Shop)),
    )
    return viewer.page("orders/list.html", orders=orders, shops=shops, view=view, views=views.VIEWS)


@router.get("/orders/{order_id}")
async def find_order(viewer: OfMerchant, order_id: str) -> Response:
    """Where mails about an order lead, which name no shop."""
    found = await viewer.listed(
        ORDERS,
        viewer.m("/orders"),
        of=Order,
        query={"number": order_id},
        limit=2,
    )
    for order in found.items:
        if order.order_id == order_id:
            shop = quote(order.shop_id, safe="")
            return see_other(f"/orders/{shop}/{quote(order_id, safe='')}")
    return see_other(f"/search?q={quote(order_id, safe='')}")


@router.get("/orders/{shop_id}/{order_id}")
async def show_order(viewer: OfMerchant, shop_id: str, order_id: str) -> Response:
    return await _page(viewer, shop_id, order_id)


async def _page(
    viewer: Member,
    shop_id: str,
    order_id: str,
    problem: Problem | None = None,
    form: Form | None = None,
    *,
    corrected: str = "",
) -> Response:
    """The order; after a refusal with what was typed into its form, or into that which corrects the
    number of a parcel."""
    order = await viewer.get(ORDERS, viewer.m(ORDER), shop_id, order_id, answer=Order)
    carriers, shipments, corrections = await asyncio.gather(
        panel(viewer.get(ORDERS, viewer.m("/shops/{}/carriers"), shop_id, answer=Carriers)),
        panel(
            viewer.get(ORDERS, viewer.m(ORDER + "/shipments"), shop_id, order_id, answer=Shipments)
        ),
        panel(_corrections(viewer, order)),
    )
    known = carriers.value.items if carriers.value else []
    return viewer.page(
        "orders/order.html",
        status=problem.status if problem else 200,
        problem=views.as_shown(problem, viewer.language) if problem else None,
        problem_of=corrected,
        pictures=True,
        order=order,
        carriers=carriers,
        shipments=shipments,
        corrections=corrections,
        left=views.unshipped(order),
        awaited=[each.shipment_id for each in order.parcels if views.awaits_more(order, each)],
        further=views.further(shipments.value),
        is_cut=sum(each.origin == "channel" for each in order.parcels) > CORRECTIONS_OF,
        carrier=views.likely_carrier(order, known),
        values=form.values if form and not corrected else {},
        ticked=form.all("line") if form else [],
        is_part=_is_part(form) if form else False,
        corrected=corrected,
        correction=form.values if form and corrected else {},
        attempt=secrets.token_urlsafe(12),
        shop_id=shop_id,
        in_form_words=views.in_form_words,
    )


async def _corrections(viewer: Member, order: Order) -> dict[str, list[Correction]]:
    """By parcel, for those that were made here."""
    asked = [parcel.shipment_id for parcel in order.parcels if parcel.origin == "channel"][
        :CORRECTIONS_OF
    ]
    found = await asyncio.gather(
        *(
            viewer.get(
                ORDERS,
                viewer.m(ORDER + "/shipments/{}/tracking"),
                order.shop_id,
                order.order_id,
                shipment_id,
                answer=Corrections,
            )
            for shipment_id in asked
        )
    )
    return {shipment_id: of.items for shipment_id, of in zip(asked, found, strict=True) if of.items}


@router.get("/orders/{shop_id}/{order_id}/slip")
async def packing_slip(viewer: OfMerchant, shop_id: str, order_id: str) -> Response:
    """What lies in the parcel beside the goods: no prices, which may be a gift's."""
    order = await viewer.get(ORDERS, viewer.m(ORDER), shop_id, order_id, answer=Order)
    return viewer.page(
        "orders/slip.html", order=order, shop_id=shop_id, left=views.unshipped(order)
    )


@router.post("/orders/{shop_id}/{order_id}/shipments")
async def ship(viewer: OfMerchant, shop_id: str, order_id: str) -> Response:
    form = await viewer.form()
    lines = form.all("line")
    if _is_part(form) and not lines:
        none = Problem(
            title=N_("No line is ticked"),
            status=422,
            remedy=N_("Tick the lines that are in this parcel."),
        )
        return await _page(viewer, shop_id, order_id, none, form)
    body: dict[str, object] = {
        "carrier": form.text("carrier"),
        "tracking_number": form.text("tracking_number"),
    }
    if lines:
        body["lines"] = lines
    for name in ("note", "tracking_website"):
        if typed := form.text(name):
            body[name] = typed
    try:
        await viewer.send(
            "POST",
            ORDERS,
            viewer.m(ORDER + "/shipments"),
            shop_id,
            order_id,
            answer=Shipment,
            body=body,
            headers={"Idempotency-Key": _key(form, order_id, lines)},
        )
    except Refused as refused:
        return await _page(viewer, shop_id, order_id, refused.problem, form)
    return see_other(f"/orders/{shop_id}/{order_id}#parcels")


def _is_part(form: Form) -> bool:
    """Whether lines were chosen, now or before the form was refused: the lines of a parcel that is
    a part may leave by another meanwhile, and none ticked is then no longer all that are left."""
    return form.has("line") or form.has("part")


def _key(form: Form, *more: object) -> str:
    """The same for the same form sent twice, so that a second click ships nothing again; another
    for a form that was changed, or is of another view of the page: what was refused, or taken back,
    may be tried again."""
    typed = [form.text(name) for name in TYPED]
    said = [*typed, *map(str, more)]
    return "console-" + hashlib.sha256("\x1f".join(said).encode()).hexdigest()[:40]


@router.post("/orders/{shop_id}/{order_id}/shipments/{shipment_id}/tracking")
async def correct(viewer: OfMerchant, shop_id: str, order_id: str, shipment_id: str) -> Response:
    form = await viewer.form()
    body = {"tracking_number": form.text("tracking_number")}
    for name in ("carrier", "tracking_website"):
        if typed := form.text(name):
            body[name] = typed
    try:
        await viewer.send(
            "POST",
            ORDERS,
            viewer.m(ORDER + "/shipments/{}/tracking"),
            shop_id,
            order_id,
            shipment_id,
            answer=type(None),
            body=body,
            headers={"Idempotency-Key": _key(form, "correction", shipment_id)},
        )
    except Refused as refused:
        return await _page(viewer, shop_id, order_id, refused.problem, form, corrected=shipment_id)
    return see_other(f"/orders/{shop_id}/{order_id}#parcels")


@router.get("/orders-file")
async def show_file(viewer: OfMerchant) -> Response:
    return await _file_page(viewer)


async def _file_page(
    viewer: Member,
    problem: Problem | None = None,
    result: ShippedFile | None = None,
    text: str = "",
    shop_id: str = "",
) -> Response:
    shops = await panel(viewer.listed(AUTH, viewer.m("/shops"), of=Shop))
    return viewer.page(
        "orders/file.html",
        status=problem.status if problem else 200,
        problem=problem,
        shops=shops,
        result=result,
        parcels=views.accepted_parcels(result) if result else 0,
        text=text,
        shop_id=shop_id,
    )


@router.post("/orders-file")
async def ship_file(viewer: OfMerchant) -> Response:
    """Many parcels: first what would happen, then the same rows for good."""
    is_upload = viewer.request.headers.get("content-type", "").startswith("multipart/")
    form, content = await _upload(viewer) if is_upload else (await viewer.form(), b"")
    shop_id, text = form.text("shop"), form.text("rows")
    try:
        text = _text_of(content) or text
    except Refused as refused:
        return await _file_page(viewer, refused.problem, text=text, shop_id=shop_id)
    is_dry = not form.has("for_good")
    if not text:
        none = Problem(
            title=N_("No row was sent"), status=422, remedy=N_("Choose a CSV file, or paste rows.")
        )
        return await _file_page(viewer, none, shop_id=shop_id)
    try:
        result = await viewer.send(
            "POST",
            ORDERS,
            viewer.m("/shops/{}/shipments/file"),
            shop_id,
            answer=ShippedFile,
            query={"dry_run": is_dry},
            content=text.encode(),
            headers={"Content-Type": "text/csv"},
        )
    except Refused as refused:
        return await _file_page(viewer, refused.problem, text=text, shop_id=shop_id)
    return await _file_page(viewer, result=result, text=text, shop_id=shop_id)


async def _upload(viewer: Member) -> tuple[Form, bytes]:
    """The fields of a form, and its file; a file too long is cut, and still too long."""
    form, content_type, part = await viewer.upload()
    return form, (await begin_file(content_type, part)).content


def _text_of(content: bytes) -> str:
    """The rows of a file; none, where it has blanks alone. Raises `Refused`: a letter that is
    guessed would be a wrong carrier."""
    if len(content) > LONGEST_FILE:
        problem = Problem(
            title=N_("The file is too long"),
            status=413,
            remedy=N_("Send at most 1,000 rows at a time."),
        )
        raise Refused(problem)
    try:
        text = content.decode("utf-16" if content[:2] in _UTF_16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(_NO_TEXT) from None
    if "\0" in text:
        raise Refused(_NO_TEXT)
    return text if text.strip() else ""
