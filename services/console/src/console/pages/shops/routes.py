"""`/shops`, `/shops/{shop}`: is it connected? Connect and renew by the real redirect."""

import asyncio
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.auth import ConnectLink, Shop
from console.answers.catalog import Categories, Feed, Options, PhotoBank
from console.answers.orders import OrderImports, Preparation
from console.answers.overview import ShopLimits
from console.panels import panel
from console.services import AUTH, CATALOG, ORDERS, PUBLISHER, Problem, Query, Refused
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
CATEGORIES = 50


def _way_out(viewer: Member) -> str:
    """The origin that a form to connect leads on to: browsers hold redirections against it."""
    settings = viewer.console.settings
    parts = urlsplit(settings.auth_public_url or settings.auth_url)
    return f"{parts.scheme}://{parts.netloc}"


@router.get("/shops")
async def list_shops(viewer: OfMerchant) -> Response:
    return await _list_page(viewer)


async def _list_page(viewer: Member, problem: Problem | None = None, shop_id: str = "") -> Response:
    query = {"cursor": viewer.query.get("cursor")}
    shops = await panel(viewer.listed(AUTH, viewer.m("/shops"), of=Shop, query=query))
    return viewer.page(
        "shops/list.html",
        status=problem.status if problem else 200,
        problem=problem,
        shops=shops,
        shop_id=shop_id,
        forms_to=_way_out(viewer),
    )


@router.post("/shops")
async def connect_new(viewer: OfMerchant) -> Response:
    form = await viewer.form()
    shop_id = form.text("shop")
    try:
        return await _connect(viewer, shop_id)
    except Refused as refused:
        return await _list_page(viewer, refused.problem, shop_id)


@router.get("/shops/{shop_id}")
async def show_shop(viewer: OfMerchant, shop_id: str) -> Response:
    return await _shop_page(viewer, shop_id)


async def _shop_page(viewer: Member, shop_id: str, problem: Problem | None = None) -> Response:
    below = "/shops/{}"
    shop = await viewer.get(AUTH, viewer.m(below), shop_id, answer=Shop)
    words, parent = viewer.query.get("q", "").strip()[:200], viewer.query.get("parent", "")
    tree: Query = {
        "q": words or None,
        "parent": None if words else parent or None,
        "cursor": viewer.query.get("cursor"),
        "limit": CATEGORIES,
    }
    (photos, preparation, limits), options, categories, feeds, imports = await asyncio.gather(
        asyncio.gather(
            panel(viewer.get(CATALOG, viewer.m(below + "/photo-bank"), shop_id, answer=PhotoBank)),
            panel(
                viewer.get(ORDERS, viewer.m(below + "/preparation"), shop_id, answer=Preparation)
            ),
            panel(viewer.get(PUBLISHER, viewer.m(below + "/limits"), shop_id, answer=ShopLimits)),
        ),
        panel(viewer.get(CATALOG, viewer.m(below + "/options"), shop_id, answer=Options)),
        panel(
            viewer.get(
                CATALOG,
                viewer.m(below + "/categories"),
                shop_id,
                answer=Categories,
                query=tree,
            )
        ),
        panel(viewer.listed(CATALOG, viewer.m("/feeds"), of=Feed, query={"shop_id": shop_id})),
        panel(
            viewer.get(
                ORDERS,
                viewer.m(below + "/order-imports"),
                shop_id,
                answer=OrderImports,
                query={"limit": 10},
            )
        ),
    )
    return viewer.page(
        "shops/shop.html",
        status=problem.status if problem else 200,
        problem=problem,
        shop=shop,
        options=options,
        photos=photos,
        preparation=preparation,
        limits=limits,
        words=words,
        parent=parent,
        categories=categories,
        feeds=feeds,
        imports=imports,
        forms_to=_way_out(viewer),
    )


@router.post("/shops/{shop_id}/connect")
async def renew(viewer: OfMerchant, shop_id: str) -> Response:
    await viewer.form()
    try:
        return await _connect(viewer, shop_id)
    except Refused as refused:
        return await _shop_page(viewer, shop_id, refused.problem)


async def _connect(viewer: Member, shop_id: str) -> Response:
    link = await viewer.send(
        "POST",
        AUTH,
        viewer.m("/shops/{}/connect"),
        shop_id,
        answer=ConnectLink,
    )
    return see_other(link.start_url)


@router.post("/shops/{shop_id}/preparation")
async def prepare(viewer: OfMerchant, shop_id: str) -> Response:
    """Say in how many days orders are shipped; nothing: as the installation has it."""
    form = await viewer.form()
    days = form.text("days")
    try:
        await viewer.send(
            "PUT",
            ORDERS,
            viewer.m("/shops/{}/preparation"),
            shop_id,
            answer=type(None),
            body={"days": int(days) if days.isascii() and days.isdecimal() else days or None},
        )
    except Refused as refused:
        return await _shop_page(viewer, shop_id, refused.problem)
    return see_other(f"/shops/{shop_id}#orders")


@router.post("/shops/{shop_id}/order-imports")
async def import_orders(viewer: OfMerchant, shop_id: str) -> Response:
    await viewer.form()
    try:
        await viewer.send(
            "POST",
            ORDERS,
            viewer.m("/shops/{}/order-imports"),
            shop_id,
            answer=type(None),
        )
    except Refused as refused:
        return await _shop_page(viewer, shop_id, refused.problem)
    return see_other(f"/shops/{shop_id}#orders")
