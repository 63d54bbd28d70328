"""`/feeds-new`: how do I begin? A configuration drafted from a catalogue, with its guesses."""

import asyncio
from typing import Any

import yaml
from fastapi import APIRouter
from starlette.responses import Response

from console.answers.auth import Shop
from console.answers.catalog import Applied, Catalogue, Proposal
from console.panels import panel
from console.services import AUTH, CATALOG, Problem, Refused
from console.texts import N_
from console.viewer import Member, OfMerchant, see_other

router = APIRouter()
DRAFTED_WITHIN = 60.0
LOCALES = ("en_US", "es_ES", "fr_FR", "de_DE", "it_IT", "pt_BR", "nl_NL", "pl_PL")


@router.get("/feeds-new")
async def begin(viewer: OfMerchant) -> Response:
    return await _page(viewer)


async def _page(
    viewer: Member,
    problem: Problem | None = None,
    proposal: Proposal | None = None,
    document: str = "",
    values: dict[str, str] | None = None,
) -> Response:
    shops, catalogues = await asyncio.gather(
        panel(viewer.listed(AUTH, viewer.m("/shops"), of=Shop)),
        panel(viewer.listed(CATALOG, viewer.m("/catalogues"), of=Catalogue)),
    )
    return viewer.page(
        "feeds/begin.html",
        status=problem.status if problem else 200,
        problem=problem,
        shops=shops,
        catalogues=catalogues,
        locales=LOCALES,
        proposal=proposal,
        document=document,
        values=values or {},
    )


@router.post("/feeds-new")
async def draft(viewer: OfMerchant) -> Response:
    form = await viewer.form()
    values = dict(form.values)
    try:
        made = await viewer.send(
            "POST",
            CATALOG,
            viewer.m("/feed-proposals"),
            answer=Proposal,
            within=DRAFTED_WITHIN,
            query={
                "shop": form.text("shop") or None,
                "catalogue": form.text("catalogue") or None,
                "main_locale": form.text("main_locale") or None,
            },
        )
    except Refused as refused:
        return await _page(viewer, refused.problem, values=values)
    return await _page(viewer, proposal=made, document=made.configuration, values=values)


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
        return await _page(viewer, problem, document=document, values=values)
    if isinstance(read, dict):
        for ours in ("feed", "id_field", "parent_field"):
            read.pop(ours, None)
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
        return await _page(viewer, refused.problem, document=document, values=values)
    return see_other(f"/feeds/{name}")
