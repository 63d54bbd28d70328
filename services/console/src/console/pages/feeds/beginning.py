"""`/feeds-new`: how do I begin? From a file, or from a catalogue that is there: a configuration is
drafted with its guesses and why; what only a person can say is asked beside it."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from http import HTTPStatus
from itertools import chain, count
from typing import Any
from urllib.parse import urlencode

import yaml
from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.auth import Shop
from console.answers.catalog import Applied, Catalogue, Import, Options, Proposal
from console.catalogues import find_catalogue
from console.forms import FileHead, Form, begin_file
from console.pages.feeds import terms
from console.panels import Panel, panel
from console.services import AUTH, CATALOG, Problem, Refused
from console.texts import N_
from console.uploading import import_file
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
DRAFTED_WITHIN = 60.0
FIRST_NAME = "products"
UNDER_WAY = ("uploading", "waiting", "reading")
LOCALES = ("en_US", "es_ES", "fr_FR", "de_DE", "it_IT", "pt_BR", "nl_NL", "pl_PL")
ASKED = (
    "currency",
    "shipping_template_id",
    "shipping_preparation_time",
    "inventory_deduction_strategy",
    "package_weight",
    "package_length",
    "package_width",
    "package_height",
    "image_checks",
)
"""What a draft asks a person for: most of it stands in no file."""

NO_FILE = Problem(
    title=N_("No file was chosen"),
    status=422,
    field="file",
    remedy=N_("Choose a file, or drop one on the form."),
)
NAME_TAKEN = Problem(
    title=N_("There is a catalogue of that name"),
    status=409,
    field="catalogue",
    remedy=N_("Take another name; or choose it below, and upload files on its own page."),
)
FEED_TAKEN = Problem(
    title=N_("There is a feed of that name"),
    status=409,
    field="feed",
    remedy=N_("Take another name; or open that feed, and change its settings."),
)


@router.get("/feeds-new")
async def begin(viewer: OfMerchant) -> Response:
    """Where to begin from; with a shop and a catalogue in the address, what is drafted of them."""
    if viewer.query.get("shop") and viewer.query.get("catalogue"):
        return await _draft(viewer)
    return await _begin_page(viewer)


async def _begin_page(
    viewer: Member, problem: Problem | None = None, form: Form | None = None
) -> Response:
    shops, catalogues = await asyncio.gather(
        panel(viewer.listed(AUTH, viewer.m("/shops"), of=Shop)),
        panel(viewer.listed(CATALOG, viewer.m("/catalogues"), of=Catalogue, limit=200)),
    )
    known = [each.catalogue_id for each in catalogues.value.items] if catalogues.value else []
    return viewer.page(
        "feeds/begin.html",
        status=problem.status if problem else 200,
        problem=problem,
        shops=shops,
        catalogues=catalogues,
        locales=LOCALES,
        name=form.text("catalogue") if form else free_name(known),
        values=form.values if form else viewer.query,
    )


@router.post("/feeds-new/file")
async def from_file(viewer: OfMerchant) -> Response:
    """A file: how its rows are named is found out from its beginning, and it is imported. Nothing
    is kept before the beginning was understood."""
    form, content_type, part = await viewer.upload()
    catalogue, shop = form.text("catalogue"), form.text("shop")
    try:
        head = await begin_file(content_type, part)
        if not head.name or not head.content:
            return await _begin_page(viewer, NO_FILE, form)
        if await _is_in_use(viewer, catalogue):
            return await _begin_page(viewer, NAME_TAKEN, form)
        body = {"fed_by": "files", "versioning": "arrival", **await _families(viewer, form, head)}
        await viewer.send(
            "PUT", CATALOG, viewer.m("/catalogues/{}"), catalogue, answer=Catalogue, body=body
        )
        made = await import_file(viewer, catalogue, content_type, head.rest, {"mode": "partial"})
    except Refused as refused:
        return await _begin_page(viewer, refused.problem, form)
    asked = {
        "shop": shop,
        "catalogue": catalogue,
        "main_locale": form.text("main_locale"),
        "import": made.import_id,
    }
    return see_other(f"/feeds-new?{urlencode({k: v for k, v in asked.items() if v})}")


async def _is_in_use(viewer: Member, catalogue_id: str) -> bool:
    """Whether there is a catalogue of that name that has products, or is about to get some: another
    file would change how its rows are named, and mix them."""
    found = await find_catalogue(viewer, catalogue_id)
    if found is None:
        return False
    if found.products != 0 or found.fed_by != "files":
        return True
    where = viewer.m("/catalogues/{}/imports")
    imports = await viewer.listed(CATALOG, where, catalogue_id, of=Import, limit=10)
    return any(each.state in UNDER_WAY for each in imports.items)


def free_name(taken: Collection[str]) -> str:
    """A name for a catalogue that none has yet."""
    further = (f"{FIRST_NAME}-{number}" for number in count(2))
    return next(name for name in chain([FIRST_NAME], further) if name not in taken)


async def _families(viewer: Member, form: Form, head: FileHead) -> dict[str, str]:
    """The columns of ids and parents, as a proposal from the file's beginning names them."""
    sample = head.sample()
    if sample is None:
        return {}
    proposed = await viewer.send(
        "POST",
        CATALOG,
        viewer.m("/feed-proposals"),
        answer=Proposal,
        within=DRAFTED_WITHIN,
        files={"file": (head.name, sample)},
        query={"shop": form.text("shop") or None, "catalogue": form.text("catalogue") or None},
    )
    named = _read(proposed.configuration)
    return {key: named[key] for key in ("id_field", "parent_field") if named.get(key)}


def _read(document: str) -> dict[str, Any]:
    """The YAML document; nothing of one that is none, which is said where it is saved."""
    found: Any = None
    with suppress(yaml.YAMLError):
        found = yaml.safe_load(document)
    return found if isinstance(found, dict) else {}


async def _draft(viewer: Member) -> Response:
    """The draft, once the file that it is made of is read."""
    catalogue, shop = viewer.query["catalogue"], viewer.query["shop"]
    try:
        read = await _import(viewer, catalogue)
        if read is not None and read.state in UNDER_WAY:
            return viewer.page(
                "feeds/reading.html",
                block="state" if viewer.query.get("part") == "state" else None,
                item=read,
                address=str(viewer.request.url.remove_query_params("part").query),
            )
        if viewer.is_fragment:  # it was waited for
            return Response(headers={"HX-Refresh": "true"})
        made = await viewer.send(
            "POST",
            CATALOG,
            viewer.m("/feed-proposals"),
            answer=Proposal,
            within=DRAFTED_WITHIN,
            query={
                "shop": shop,
                "catalogue": catalogue,
                "main_locale": viewer.query.get("main_locale") or None,
            },
        )
    except Refused as refused:
        return await _begin_page(viewer, refused.problem)
    shown = terms.values_of(_read(made.configuration))
    return await _draft_page(
        viewer, made.configuration, {**shown, "feed": catalogue}, proposal=made, read=read
    )


async def _import(viewer: Member, catalogue: str) -> Import | None:
    number = viewer.query.get("import", "")
    if not number.isdigit():
        return None
    where = viewer.m("/catalogues/{}/imports/{}")
    return await viewer.get(CATALOG, where, catalogue, number, answer=Import)


async def _draft_page(
    viewer: Member,
    document: str,
    values: dict[str, str],
    *,
    problem: Problem | None = None,
    proposal: Proposal | None = None,
    read: Import | None = None,
) -> Response:
    configuration = _read(document)
    options: Panel[Options] = Panel()
    if shop := str(configuration.get("shop") or ""):
        options = await panel(
            viewer.get(CATALOG, viewer.m("/shops/{}/options"), shop, answer=Options)
        )
    return viewer.page(
        "feeds/draft.html",
        status=problem.status if problem else 200,
        problem=terms.at_its_input(problem),
        proposal=proposal,
        points=[
            each
            for each in (proposal.open_points if proposal else [])
            if each.field.removeprefix("attributes.") not in {*ASKED, "category.exact"}
        ],
        read=read,
        document=document,
        values=values,
        options=options,
        terms=terms.TERMS,
        asked=ASKED,
        strategies=terms.STRATEGIES,
        sources=terms.sources_of(configuration),
        configuration=configuration,
    )


@router.post("/feeds-new/save")
async def save(viewer: OfMerchant) -> Response:
    """The first version of the feed; nothing is sent before its first plan is confirmed."""
    form = await viewer.form()
    name, document = form.text("feed"), form.secret("document")
    values = dict(form.values)
    try:
        read: Any = yaml.safe_load(document)
    except yaml.YAMLError as error:
        problem = Problem(
            title=N_("The document cannot be read"),
            status=422,
            detail=str(error),
            field="document",
            remedy=N_("Correct it and save again."),
        )
        return await _draft_page(viewer, document, values, problem=problem)
    if isinstance(read, dict):
        for ours in ("feed", "id_field", "parent_field"):
            read.pop(ours, None)
        read = terms.changed(read, form)
        if (found := terms.impossible(read, form)) is not None:
            return await _draft_page(viewer, document, values, problem=found)
    try:
        await viewer.send(
            "PUT",
            CATALOG,
            viewer.m("/feeds/{}"),
            name,
            answer=Applied,
            body=read,
            headers={"If-None-Match": "*"},
        )
    except Refused as refused:
        is_taken = refused.problem.status == HTTPStatus.PRECONDITION_FAILED
        problem = FEED_TAKEN if is_taken else refused.problem
        return await _draft_page(viewer, document, values, problem=problem)
    return see_other(f"/feeds/{name}")
