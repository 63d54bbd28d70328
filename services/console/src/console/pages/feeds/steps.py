"""The steps of a feed that change its configuration: categories, attributes and values by what is
suggested, and the whole document."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.catalog import (
    Applied,
    Categories,
    Category,
    Completeness,
    FeedDetails,
    Progress,
    Suggestion,
    UnmatchedCategory,
)
from console.answers.matching import LeafAttributes
from console.forms import Form
from console.pages.feeds import matches, views
from console.pages.feeds.conflict import CHANGED, in_plain_words, saved_meanwhile
from console.pages.feeds.matches import Place
from console.pages.feeds.matching import LEAVES_ASKED, leaves_of
from console.pages.feeds.trying import begin_draft
from console.panels import Panel, panel
from console.services import CATALOG, Listed, Problem, Query, Refused
from console.texts import N_
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
FEED = "/feeds/{}"
NOTHING_CHOSEN = Problem(
    title=N_("Nothing was chosen"), status=422, remedy=N_("Choose what you want to take.")
)
NAMED_LEAVES = 25
"""Leaves whose names a page looks up."""
ROOT = "0"
"""What the categories at the top of a shop's tree are below."""


@router.get("/feeds/{feed_id}/progress")
async def progress(viewer: OfMerchant, feed_id: str) -> Response:
    """How far the evaluation is, for the pages that show what it finds. At its end they offer to
    look again: to load by themselves would take from a person what they are typing."""
    found = await _progress(viewer, feed_id)
    if not viewer.is_fragment:
        return see_other(f"/feeds/{quote(feed_id, safe='')}")
    has_ended = bool(found.value and not found.value.dirty and not found.value.waiting)
    return viewer.page(
        "feeds/progress.html", block="state", feed_id=feed_id, progress=found, has_ended=has_ended
    )


async def _progress(viewer: Member, feed_id: str) -> Panel[Progress]:
    where = viewer.m(FEED + "/progress")
    return await panel(viewer.get(CATALOG, where, feed_id, answer=Progress))


@router.get("/feeds/{feed_id}/categories")
async def categories(viewer: OfMerchant, feed_id: str) -> Response:
    return await _categories_page(viewer, feed_id)


async def _categories_page(
    viewer: Member, feed_id: str, problem: Problem | None = None
) -> Response:
    below = viewer.m(FEED)
    feed = await viewer.get(CATALOG, below, feed_id, answer=FeedDetails)
    words = viewer.query.get("q", "").strip()
    asked = {"kind": "categories", "cursor": viewer.query.get("cursor")}
    progress, suggestions, unmatched, found, branch = await asyncio.gather(
        _progress(viewer, feed_id),
        panel(
            viewer.listed(
                CATALOG, below + "/suggestions", feed_id, of=Suggestion, limit=25, query=asked
            )
        ),
        panel(
            viewer.get(
                CATALOG,
                below + "/unmatched-categories",
                feed_id,
                answer=list[UnmatchedCategory],
                query={"limit": 100},
            )
        ),
        panel(_leaves(viewer, feed.shop_id, words)),
        panel(_branch(viewer, feed.shop_id, viewer.query.get("parent", ""), words)),
    )
    matching: dict[str, Any] = feed.configuration.get("category") or {}
    exact: dict[str, str] = matching.get("exact") or {}
    waiting = [each for each in unmatched.value or [] if each.path not in exact]
    return viewer.page(
        "feeds/categories.html",
        status=problem.status if problem else 200,
        problem=problem,
        feed_id=feed_id,
        rail=views.rail(unmatched=waiting if unmatched.value is not None else None),
        step="categories",
        suggestions=suggestions,
        progress=progress,
        # products are evaluated in a moment: what was just matched is not asked for again
        open=[each for each in _items(suggestions) if each.of not in exact],
        names=await _names(viewer, feed),
        exact=exact,
        prefix=matching.get("prefix") or {},
        words=words,
        found=found,
        branch=branch,
        of=viewer.query.get("of", ""),
    )


def _items(suggestions: Panel[Listed]) -> list[Suggestion]:
    return suggestions.value.items if suggestions.value else []


async def _names(viewer: Member, feed: FeedDetails) -> dict[str, str]:
    """The paths of the leaves that the feed's categories go to, the first of them."""
    where = viewer.m("/shops/{}/categories/{}")
    asked = (
        panel(viewer.get(CATALOG, where, feed.shop_id, leaf, answer=Category))
        for leaf in leaves_of(feed)[:NAMED_LEAVES]
    )
    found = [each.value for each in await asyncio.gather(*asked) if each.value is not None]
    return {each.category_id: " › ".join(each.path) for each in found}


async def _leaves(viewer: Member, shop_id: str, words: str) -> Categories | None:
    if not words:
        return None
    return await viewer.get(
        CATALOG,
        viewer.m("/shops/{}/categories"),
        shop_id,
        answer=Categories,
        query={"q": words, "limit": 20},
    )


@dataclass(frozen=True)
class Branch:
    """A category of the shop's tree that is looked into, None at the top, and what is below it."""

    here: Category | None
    above: str
    below: Categories


async def _branch(viewer: Member, shop_id: str, parent: str, words: str) -> Branch | None:
    """The tree at a category; None where words are looked for."""
    if words:
        return None
    where = viewer.m("/shops/{}/categories")
    here = None
    if parent:
        here = await viewer.get(CATALOG, where + "/{}", shop_id, parent, answer=Category)
    query: Query = {"parent": parent or ROOT, "limit": 200}
    below = await viewer.get(CATALOG, where, shop_id, answer=Categories, query=query)
    above = here.parent_id if here and here.parent_id != ROOT else ""
    return Branch(here, above, below)


@router.get("/feeds/{feed_id}/attributes")
async def attributes(viewer: OfMerchant, feed_id: str) -> Response:
    return await _attributes_page(viewer, feed_id)


async def _attributes_page(
    viewer: Member, feed_id: str, problem: Problem | None = None, form: Form | None = None
) -> Response:
    """The page; after a refusal with what was typed for gaps, for its version still."""
    below = viewer.m(FEED)
    feed = await viewer.get(CATALOG, below, feed_id, answer=FeedDetails)
    columns, values, progress, completeness, leaves = await asyncio.gather(
        panel(_suggested(viewer, feed_id, "attributes")),
        panel(_suggested(viewer, feed_id, "values")),
        _progress(viewer, feed_id),
        panel(viewer.get(CATALOG, below + "/completeness", feed_id, answer=Completeness)),
        panel(_required(viewer, feed)),
    )
    lacking = completeness.value.lacking if completeness.value else []
    filled = feed.configuration.get("category_attributes") or {}
    version = form.text("version") if form else ""
    return viewer.page(
        "feeds/attributes.html",
        status=problem.status if problem else 200,
        problem=problem,
        meanwhile=await saved_meanwhile(viewer, feed, problem, version),
        feed_id=feed_id,
        rail=views.rail(completeness.value),
        step="attributes",
        progress=progress,
        columns=columns,
        fitting=[each for each in _items(columns) if each.of not in filled and each.candidates],
        values=values,
        completeness=completeness,
        lacking=[(each, matches.place_of_field(each.field)) for each in lacking],
        sections=views.matched(feed.configuration, leaves.value or []),
        gaps=views.gaps(feed.configuration, leaves.value or []),
        version=version or feed.configuration_version,
        typed=_typed(form) if form else {},
        section_names=matches.SECTIONS,
        kinds=dict(matches.KINDS),
    )


async def _suggested(viewer: Member, feed_id: str, kind: str) -> Listed:
    """The first suggestions of a kind."""
    return await viewer.listed(
        CATALOG,
        viewer.m(FEED) + "/suggestions",
        feed_id,
        of=Suggestion,
        limit=50,
        query={"kind": kind},
    )


async def _required(viewer: Member, feed: FeedDetails) -> list[LeafAttributes]:
    """What the feed's leaves ask for, of the first of them; those not read yet are left out."""
    asked = (
        panel(
            viewer.get(
                CATALOG,
                viewer.m("/shops/{}/categories/{}/attributes"),
                feed.shop_id,
                leaf,
                answer=LeafAttributes,
                query={"required": True},
            )
        )
        for leaf in leaves_of(feed)[:LEAVES_ASKED]
    )
    return [each.value for each in await asyncio.gather(*asked) if each.value is not None]


@router.post("/feeds/{feed_id}/attributes")
async def fill_gaps(viewer: OfMerchant, feed_id: str) -> Response:
    """Fill attributes by the same value for all products: one configuration version."""
    form = await viewer.form()
    feed = await viewer.get(CATALOG, viewer.m(FEED), feed_id, answer=FeedDetails)
    if form.text("version") != str(feed.configuration_version):
        return await _attributes_page(viewer, feed_id, CHANGED, form)
    document = feed.configuration
    filled = []
    for name, value in _typed(form).items():
        if value.strip():
            place = Place("category_attributes", name)
            document = matches.with_match(document, place, {"constant": value.strip()})
            filled.append(name)
    if not filled:
        return await _attributes_page(viewer, feed_id, NOTHING_CHOSEN)
    try:
        await viewer.send(
            "PUT",
            CATALOG,
            viewer.m(FEED),
            feed_id,
            answer=Applied,
            body=document,
            query={"note": ", ".join(filled)[:500]},
            headers={"If-Match": f'"{feed.configuration_version}"'},
        )
    except Refused as refused:
        return await _attributes_page(viewer, feed_id, in_plain_words(refused.problem), form)
    return see_other(f"/feeds/{feed_id}/attributes")


def _typed(form: Form) -> dict[str, str]:
    """What was typed for each attribute."""
    return dict(zip(form.all("attribute"), form.all("value"), strict=False))


@router.post("/feeds/{feed_id}/accept")
async def accept(viewer: OfMerchant, feed_id: str) -> Response:
    """Take what was suggested, or a leaf that was looked for: one configuration version."""
    form = await viewer.form()
    step = "attributes" if form.text("step") == "attributes" else "categories"
    page = _attributes_page if step == "attributes" else _categories_page
    chosen = _accepted(form)
    if not chosen:
        return await page(viewer, feed_id, NOTHING_CHOSEN)
    try:
        await viewer.send(
            "POST",
            CATALOG,
            viewer.m(FEED + "/suggestions/accept"),
            feed_id,
            answer=type(None),
            body={"accepted": chosen},
            query={"note": form.text("note") or None},
        )
    except Refused as refused:
        return await page(viewer, feed_id, refused.problem)
    return see_other(f"/feeds/{feed_id}/{step}")


def _accepted(form: Form) -> list[dict[str, Any]]:
    """What the form's boxes say: each a JSON object as `suggestions/accept` takes it."""
    found: list[dict[str, Any]] = []
    if form.text("leaf"):  # one that was looked for
        found.append({"kind": "categories", "of": form.text("of"), "take": form.text("leaf")})
    for text in form.starting("accept"):
        try:
            item = json.loads(text)
        except ValueError:
            continue
        if isinstance(item, dict):
            kept = {k: item[k] for k in ("kind", "of", "take", "attribute", "section") if k in item}
            found.append({key: value for key, value in kept.items() if value is not None})
    return found


@router.get("/feeds/{feed_id}/configuration")
async def configuration(viewer: OfMerchant, feed_id: str) -> Response:
    return await _configuration_page(viewer, feed_id)


async def _configuration_page(
    viewer: Member,
    feed_id: str,
    problem: Problem | None = None,
    form: Form | None = None,
) -> Response:
    """The document; after a refusal as it was typed, and still of the version it was made of."""
    feed = await viewer.get(CATALOG, viewer.m(FEED), feed_id, answer=FeedDetails)
    values = form.values if form else {}
    text = msgspec.json.format(msgspec.json.encode(feed.configuration), indent=2).decode()
    return viewer.page(
        "feeds/configuration.html",
        status=problem.status if problem else 200,
        problem=problem,
        meanwhile=await saved_meanwhile(viewer, feed, problem, values.get("version", "")),
        feed=feed,
        feed_id=feed_id,
        rail=views.rail(),
        step="configuration",
        document=text,
        values=values,
    )


@router.post("/feeds/{feed_id}/configuration")
async def save_configuration(viewer: OfMerchant, feed_id: str) -> Response:
    """Save the document as a new version, unless somebody saved one meanwhile; or try it."""
    form = await viewer.form()
    try:
        body = json.loads(form.text("document"))
    except ValueError as error:
        problem = Problem(
            title=N_("This is no JSON document"),
            status=422,
            field="document",
            detail=str(error),
            remedy=N_("Correct it and save again."),
        )
        return await _configuration_page(viewer, feed_id, problem, form)
    try:
        if form.has("try"):
            feed = await viewer.get(CATALOG, viewer.m(FEED), feed_id, answer=FeedDetails)
            if form.text("version") != str(feed.configuration_version):
                return await _configuration_page(viewer, feed_id, CHANGED, form)
            return await begin_draft(viewer, feed_id, body)
        await viewer.send(
            "PUT",
            CATALOG,
            viewer.m(FEED),
            feed_id,
            answer=Applied,
            body=body,
            query={"note": form.text("note") or None},
            headers={"If-Match": f'"{form.text("version")}"'},
        )
    except Refused as refused:
        return await _configuration_page(viewer, feed_id, in_plain_words(refused.problem), form)
    return see_other(f"/feeds/{feed_id}")
