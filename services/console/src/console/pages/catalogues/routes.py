"""`/catalogues`, `/catalogues/{c}`, its imports: upload a file, bad rows by line, products."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.catalog import (
    BadLine,
    Catalogue,
    Fields,
    Import,
    SourceProduct,
)
from console.catalogues import find_catalogue
from console.forms import Form
from console.panels import panel
from console.services import CATALOG, Problem, Query, Refused
from console.texts import N_
from console.uploading import import_file
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
CATALOGUE = "/catalogues/{}"
IMPORT = CATALOGUE + "/imports/{}"
UNDER_WAY = ("uploading", "waiting", "reading")
NAME_TAKEN = Problem(
    title=N_("There is a catalogue of that name"),
    status=409,
    field="name",
    remedy=N_("Take another name; or open that catalogue, and upload files on its page."),
)
FORMATS = (
    *("csv", "tsv", "jsonl", "xml", "xlsx", "ods"),
    *("google", "shopify", "woocommerce", "magento"),
)


@router.get("/catalogues")
async def list_catalogues(viewer: OfMerchant) -> Response:
    return await _list_page(viewer)


async def _list_page(
    viewer: Member, problem: Problem | None = None, form: Form | None = None
) -> Response:
    catalogues = await panel(
        viewer.listed(
            CATALOG,
            viewer.m("/catalogues"),
            of=Catalogue,
            query={"cursor": viewer.query.get("cursor")},
        )
    )
    return viewer.page(
        "catalogues/list.html",
        status=problem.status if problem else 200,
        problem=problem,
        catalogues=catalogues,
        values=form.values if form else {},
    )


@router.post("/catalogues")
async def declare(viewer: OfMerchant) -> Response:
    form = await viewer.form()
    name, is_files = form.text("name"), form.text("fed_by") != "events"
    body = {
        "fed_by": "files" if is_files else "events",
        "versioning": "arrival" if is_files else "explicit",
    }
    try:
        if await find_catalogue(viewer, name):
            return await _list_page(viewer, NAME_TAKEN, form)
        await viewer.send(
            "PUT",
            CATALOG,
            viewer.m(CATALOGUE),
            name,
            answer=Catalogue,
            body=body,
        )
    except Refused as refused:
        return await _list_page(viewer, refused.problem, form)
    return see_other(f"/catalogues/{name}")


@router.get("/catalogues/{catalogue_id}")
async def show_catalogue(viewer: OfMerchant, catalogue_id: str) -> Response:
    return await _page(viewer, catalogue_id)


async def _page(
    viewer: Member, catalogue_id: str, problem: Problem | None = None, form: Form | None = None
) -> Response:
    """The page; after a refused upload with how the file was to be read."""
    below = viewer.m(CATALOGUE)
    catalogue = await viewer.get(CATALOG, below, catalogue_id, answer=Catalogue)
    imports, fields, products = await asyncio.gather(
        panel(viewer.listed(CATALOG, below + "/imports", catalogue_id, of=Import, limit=10)),
        panel(
            viewer.get(CATALOG, below + "/fields", catalogue_id, answer=Fields, query={"limit": 50})
        ),
        panel(
            viewer.listed(
                CATALOG,
                below + "/products",
                catalogue_id,
                of=SourceProduct,
                limit=25,
                query={
                    "q": viewer.query.get("q") or None,
                    "cursor": viewer.query.get("cursor"),
                },
            )
        ),
    )
    return viewer.page(
        "catalogues/catalogue.html",
        status=problem.status if problem else 200,
        problem=problem,
        catalogue=catalogue,
        imports=imports,
        fields=fields,
        products=products,
        file_formats=FORMATS,
        values=form.values if form else {},
    )


@router.get("/catalogues/{catalogue_id}/products/{product_id:path}")
async def show_product(viewer: OfMerchant, catalogue_id: str, product_id: str) -> Response:
    product = await viewer.get(
        CATALOG,
        viewer.m(CATALOGUE + "/products/{}"),
        catalogue_id,
        product_id,
        answer=SourceProduct,
    )
    return viewer.page("catalogues/product.html", product=product, catalogue_id=catalogue_id)


@router.post("/catalogues/{catalogue_id}/imports")
async def upload(viewer: OfMerchant, catalogue_id: str) -> Response:
    """A file is passed on while it comes: it is never held here as a whole."""
    form, content_type, rest = await viewer.upload()
    try:
        made = await import_file(viewer, catalogue_id, content_type, rest, _how(form))
    except Refused as refused:
        return await _page(viewer, catalogue_id, refused.problem, form)
    return see_other(f"/catalogues/{catalogue_id}/imports/{made.import_id}")


def _how(form: Form) -> Query:
    wanted = form.text("format")
    return {
        "mode": "full" if form.text("mode") == "full" else "partial",
        "dry_run": True if form.has("dry_run") else None,
        "format": wanted if wanted in FORMATS else None,
    }


@router.get("/catalogues/{catalogue_id}/imports/{import_id}")
async def show_import(viewer: OfMerchant, catalogue_id: str, import_id: str) -> Response:
    if viewer.follows("state"):
        return await viewer.followed(lambda: _import_page(viewer, catalogue_id, import_id))
    return await _import_page(viewer, catalogue_id, import_id)


async def _import_page(
    viewer: Member, catalogue_id: str, import_id: str, problem: Problem | None = None
) -> Response:
    found = await viewer.get(CATALOG, viewer.m(IMPORT), catalogue_id, import_id, answer=Import)
    lines = await panel(
        viewer.listed(
            CATALOG,
            viewer.m(IMPORT + "/problems"),
            catalogue_id,
            import_id,
            of=BadLine,
            query={"cursor": viewer.query.get("cursor")},
        )
    )
    return viewer.page(
        "catalogues/import.html",
        block="state" if viewer.query.get("part") == "state" else None,
        status=problem.status if problem else 200,
        problem=problem,
        item=found,
        lines=lines,
        is_under_way=found.state in UNDER_WAY,
    )


@router.post("/catalogues/{catalogue_id}/imports/{import_id}/{action}")
async def decide(viewer: OfMerchant, catalogue_id: str, import_id: str, action: str) -> Response:
    """Confirm the deletions that are withheld (M7.4), or end the import."""
    await viewer.form()
    if action not in {"confirm-deletions", "cancel"}:
        raise Refused(Problem(title=N_("There is no such page"), status=404))
    try:
        await viewer.send(
            "POST",
            CATALOG,
            viewer.m(IMPORT + "/" + action),
            catalogue_id,
            import_id,
            answer=type(None),
        )
    except Refused as refused:
        return await _import_page(viewer, catalogue_id, import_id, refused.problem)
    return see_other(f"/catalogues/{catalogue_id}/imports/{import_id}")
