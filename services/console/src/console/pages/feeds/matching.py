"""`/feeds/{f}/match`: how is this one field filled? A column, a constant, a template or a map, with
what it gives for products of the catalogue before it is saved."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.catalog import (
    Applied,
    FeedDetails,
    Fields,
    Suggestion,
)
from console.answers.matching import (
    AllowedValue,
    FieldValues,
    LeafAttribute,
    LeafAttributes,
    MatchResults,
)
from console.forms import Form
from console.pages.feeds import matches, views
from console.pages.feeds.conflict import CHANGED, in_plain_words, saved_meanwhile
from console.pages.feeds.matches import Place
from console.pages.feeds.terms import replace_fields
from console.pages.feeds.trying import begin_draft
from console.panels import Panel, panel
from console.services import CATALOG, Problem, Query, Refused
from console.texts import N_
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
FEED = "/feeds/{}"
LEAVES_ASKED = 8
SHOWN_VALUES = 100
"""Values of a column beside which a map is written; what is beyond stays in the document."""
_INPUTS = ("template", "constant", "field", "default", "values", "from", "unknown")


@router.get("/feeds/{feed_id}/match")
async def show_match(viewer: OfMerchant, feed_id: str) -> Response:
    return await _page(viewer, feed_id, _place(viewer.query))


def _place(given: Any) -> Place:
    """The place that an address or a form names. Raises `Refused` (404) for none."""
    place = Place(given.get("section", ""), given.get("name", "").strip(), given.get("leaf", ""))
    is_named = place.name or place.section == "category"
    if place.section not in matches.SECTIONS or not is_named:
        raise Refused(Problem(title=N_("There is no such page"), status=404))
    return place


@dataclass(frozen=True)
class _Allowed:
    """What an attribute of the feed's leaves may be; `is_many` where more values than these are."""

    form: LeafAttribute | None = None
    names: tuple[str, ...] = ()
    is_many: bool = False


async def _page(
    viewer: Member,
    feed_id: str,
    place: Place,
    problem: Problem | None = None,
    form: Form | None = None,
) -> Response:
    feed = await viewer.get(CATALOG, viewer.m(FEED), feed_id, answer=FeedDetails)
    match = matches.match_at(feed.configuration, place)
    if match is None and place.leaf:
        match = matches.match_at(feed.configuration, Place(place.section, place.name))
    typed = form.values if form else viewer.query
    shown = matches.made(form, match) if form else match
    values = {**matches.fields_of(match), **({"map_keep": ""} if form else {}), **typed}
    is_map = values.get("kind") == "map" or "look" in typed
    column = values.get("map_from", "") if is_map else ""
    fields, counted, allowed, nearest = await asyncio.gather(
        panel(
            viewer.get(
                CATALOG,
                viewer.m("/catalogues/{}/fields"),
                feed.catalogue_id,
                answer=Fields,
                query={"limit": 200},
            )
        ),
        panel(_values(viewer, feed, column)),
        panel(_allowed(viewer, feed, place)),
        panel(_nearest(viewer, feed_id, place)),
    )
    is_tried = shown is not None and viewer.may("feeds:write")
    results = await _tried(viewer, feed_id, place, shown or {}) if is_tried else None
    return viewer.page(
        "feeds/match.html",
        block="results" if viewer.is_fragment else None,
        status=problem.status if problem else 200,
        problem=problem,
        meanwhile=await saved_meanwhile(viewer, feed, problem, values.get("version", "")),
        feed=feed,
        feed_id=feed_id,
        rail=views.rail(),
        step="attributes",
        place=place,
        section=matches.SECTIONS[place.section],
        is_new=match is None,
        is_needed=place.section == "attributes" and place.name in matches.MANDATORY,
        values=values,
        kinds=matches.KINDS,
        unknown=matches.UNKNOWN,
        fields=fields,
        rows=_rows(shown or match, counted.value or [], form) if is_map else [],
        allowed=allowed.value or _Allowed(),
        nearest=nearest.value or {},
        results=results,
    )


async def _values(viewer: Member, feed: FeedDetails, column: str) -> list[FieldValues]:
    if not column:
        return []
    where = viewer.m("/catalogues/{}/fields/{}/values")
    query = {"limit": SHOWN_VALUES}
    found = await viewer.listed(
        CATALOG, where, feed.catalogue_id, column, of=FieldValues, query=query
    )
    return found.items


def _rows(
    match: dict[str, Any] | None, counted: list[FieldValues], form: Form | None
) -> list[tuple[str, int | None, str]]:
    """The lines of a map: the column's values by count, what each becomes; then those of the map
    that the column has not."""
    known = {str(k): v for k, v in ((match or {}).get("map") or {}).get("values", {}).items()}
    if form is not None:
        known |= dict(zip(form.all("map_key"), form.all("map_value"), strict=False))
    folded = {key.strip().casefold(): matches.said_constant(value) for key, value in known.items()}
    rows: list[tuple[str, int | None, str]] = [
        (each.value, each.products, folded.pop(each.value.strip().casefold(), ""))
        for each in counted
    ]
    rest = [key for key in known if key.strip().casefold() in folded]
    rows += [(key, None, matches.said_constant(known[key])) for key in rest[:SHOWN_VALUES]]
    return rows


async def _allowed(viewer: Member, feed: FeedDetails, place: Place) -> _Allowed:
    """What the feed's leaves take for this attribute: of the first that has it."""
    if place.section not in {"category_attributes", "sku_attributes"}:
        return _Allowed()
    where = viewer.m("/shops/{}/categories/{}/attributes")
    for leaf in [place.leaf] if place.leaf else leaves_of(feed)[:LEAVES_ASKED]:
        try:
            asked = {"q": place.name}
            found = await viewer.get(
                CATALOG, where, feed.shop_id, leaf, answer=LeafAttributes, query=asked
            )
        except Refused:  # it is not read yet, or no longer permitted
            continue
        section = (
            found.category_attributes
            if place.section == "category_attributes"
            else found.sku_attributes
        )
        for form in section:
            if form.name.casefold() == place.name.casefold():
                return await _listed(viewer, feed, leaf, place, form)
    return _Allowed()


async def _listed(
    viewer: Member, feed: FeedDetails, leaf: str, place: Place, form: LeafAttribute
) -> _Allowed:
    names = tuple(form.values.values())
    if form.value_count <= len(names):
        return _Allowed(form, names)
    section = "category" if place.section == "category_attributes" else "sku"
    found = await viewer.listed(
        CATALOG,
        viewer.m("/shops/{}/categories/{}/attributes/{}/values"),
        feed.shop_id,
        leaf,
        form.name,
        of=AllowedValue,
        query={"limit": 200, "section": section},
    )
    return _Allowed(form, tuple(each.name for each in found.items), found.next_cursor is not None)


def leaves_of(feed: FeedDetails) -> list[str]:
    """The AliExpress leaves that the feed's categories go to, each once."""
    matching: dict[str, Any] = feed.configuration.get("category") or {}
    tables = (matching.get("exact") or {}, matching.get("prefix") or {})
    return list(dict.fromkeys(str(leaf) for table in tables for leaf in table.values()))


async def _nearest(viewer: Member, feed_id: str, place: Place) -> dict[str, str]:
    """By a value of the catalogue that is not allowed, the allowed one that is nearest."""
    if place.section not in {"category_attributes", "sku_attributes"}:
        return {}
    query: Query = {"kind": "values", "attribute": place.name, "limit": SHOWN_VALUES}
    found = await viewer.listed(
        CATALOG, viewer.m(FEED + "/suggestions"), feed_id, of=Suggestion, query=query
    )
    items: list[Suggestion] = found.items
    return {each.of: each.candidates[0].name for each in items if each.candidates}


async def _tried(
    viewer: Member, feed_id: str, place: Place, match: dict[str, Any]
) -> Panel[MatchResults]:
    return await panel(
        viewer.send(
            "POST",
            CATALOG,
            viewer.m(FEED + "/matches/try"),
            feed_id,
            answer=MatchResults,
            within=viewer.console.settings.panel_seconds,
            body={"match": match, "level": place.level},
        )
    )


@router.post("/feeds/{feed_id}/match")
async def change_match(viewer: OfMerchant, feed_id: str) -> Response:
    """Show what the match gives, try it on the whole feed, or save it as a new version."""
    form = await viewer.form()
    place = _place(form.values)
    feed = await viewer.get(CATALOG, viewer.m(FEED), feed_id, answer=FeedDetails)
    match = matches.made(form, matches.match_at(feed.configuration, place))
    if form.has("look") or viewer.is_fragment:
        return await _page(viewer, feed_id, place, form=form)
    if form.text("version") != str(feed.configuration_version):
        return await _page(viewer, feed_id, place, CHANGED, form)
    if match is None and not form.has("remove"):
        none = Problem(
            title=N_("Nothing was chosen"), status=422, remedy=N_("Say how the field is filled.")
        )
        return await _page(viewer, feed_id, place, none, form)
    changed = None if form.has("remove") else match
    document = matches.with_match(feed.configuration, place, changed)
    try:
        if form.has("try"):
            return await begin_draft(viewer, feed_id, document)
        await viewer.send(
            "PUT",
            CATALOG,
            viewer.m(FEED),
            feed_id,
            answer=Applied,
            body=document,
            query={"note": form.text("note") or f"{place.section}: {place.name}"[:500]},
            headers={"If-Match": f'"{feed.configuration_version}"'},
        )
    except Refused as refused:
        problem = in_plain_words(refused.problem)
        if problem is not CHANGED:
            problem = replace_fields(problem, _input_of)
        return await _page(viewer, feed_id, place, problem, form)
    return see_other(f"/feeds/{feed_id}/attributes")


def _input_of(field: str) -> str:
    """The input of the form that a field of the configuration was typed in."""
    parts = field.split(".")
    return next((part for part in reversed(parts) if part in _INPUTS), field)
