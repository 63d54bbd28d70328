"""What a `catalog.updated` event would do, without doing it: for those who write producers."""

import msgspec
import structlog
from pydantic import BaseModel

from catalog_service.categories.permitted import PermittedLeaves
from catalog_service.feeds.store import Feed, load_feeds_of_catalogues
from catalog_service.normalizing.evaluate import Failed, absence, evaluate, withheld
from catalog_service.normalizing.normalize import Normalized, Waiting
from catalog_service.normalizing.reference_data import FeedCache, ReferenceData, SchemaCache
from catalog_service.normalizing.store import load_members, load_standings
from catalog_service.normalizing.variations import Member
from catalog_service.preview.views import IssueView, issue_views
from catalog_service.sources.store import find_catalogue, find_version
from catalog_service.sources.versions import SourceRow, content_of_event, row_of_event
from common import clock
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import BadRecord
from common.postgres.pool import Connection

log = structlog.get_logger()


class FeedOutcome(BaseModel):
    """What one feed would make of the family."""

    feed_id: str
    state: str
    category_id: str | None = None
    waits_for: str | None = None
    issues: list[IssueView] = []


class TriedEvent(BaseModel):
    """What the event would do: `verdict` is newer, unchanged, older, conflict, parked or
    rejected."""

    verdict: str
    reason: str | None = None
    detail: str | None = None
    remedy: str | None = None
    version: int | None = None
    stored_version: int | None = None
    family_id: str | None = None
    previous_family_id: str | None = None
    feeds: list[FeedOutcome] = []


async def try_event(connection: Connection, event: CatalogUpdated) -> TriedEvent:
    """Evaluate the event as if it arrived now."""
    catalogue = await find_catalogue(connection, event.merchant_id, event.catalogue_id)
    if catalogue is None:
        return TriedEvent(
            verdict="parked",
            detail=f"the catalogue {event.catalogue_id} is not declared",
            remedy="Declare it; parked events are then applied.",
        )
    try:
        row = row_of_event(
            catalogue,
            event,
            content_of_event(event),
            timestamp_ms=clock.epoch_milliseconds(),
            offset=2**62,
        )
    except BadRecord as bad:
        return TriedEvent(
            verdict="rejected", reason=bad.reason, detail=bad.detail, remedy=bad.remedy
        )
    stored = await find_version(connection, row.merchant_id, row.catalogue_id, row.product_id)
    verdict = _verdict(row, stored)
    tried = TriedEvent(
        verdict=verdict,
        version=row.version,
        stored_version=None if stored is None else stored.version,
        family_id=row.family_id,
        previous_family_id=None if stored is None else stored.family_id,
    )
    if verdict != "newer":
        return tried
    return tried.model_copy(update={"feeds": await _outcomes(connection, event, row)})


def _verdict(row: SourceRow, stored: "SourceRow | None") -> str:
    if stored is None:
        return "newer"
    mine, theirs = (row.version, row.sub_version), (stored.version, stored.sub_version)
    if mine > theirs:
        return "newer"
    if mine < theirs:
        return "older"
    return "unchanged" if row.content_hash == stored.content_hash else "conflict"


async def _outcomes(
    connection: Connection, event: CatalogUpdated, row: SourceRow
) -> list[FeedOutcome]:
    family = (row.merchant_id, row.catalogue_id, row.family_id)
    members = [
        member
        for member in (await load_members(connection, [family])).get(family, [])
        if member.product_id != row.product_id
    ]
    if event.action == "upsert":
        members.append(Member(event.product_id, event.parent_id, event.fields))
    feeds = await load_feeds_of_catalogues(connection, [family[:2]])
    return [
        await _outcome(connection, feed, row.family_id, members)
        for feed in feeds
        if feed.lifecycle == "active"
    ]


async def _outcome(
    connection: Connection, feed: Feed, family_id: str, members: list[Member]
) -> FeedOutcome:
    compiled = await FeedCache().get(connection, feed)
    known = await ReferenceData.of_shops(
        connection,
        [(feed.merchant_id, feed.shop_id)],
        schemas=SchemaCache(),
        leaves=PermittedLeaves(),
    )
    lookups = known.of(feed.merchant_id, feed.shop_id)
    key = (feed.merchant_id, feed.feed_id, family_id)
    standing = (await load_standings(connection, [key])).get(key)
    at = clock.now()
    result: Normalized | Waiting | Failed | None = absence(feed, members)
    while result is None or (isinstance(result, Waiting) and await known.load_lacking(connection)):
        result = evaluate(compiled, family_id, members, lookups, at=at, standing=standing)
    if isinstance(result, Waiting):
        return FeedOutcome(feed_id=feed.feed_id, state="waiting", waits_for=result.waits_for)
    if isinstance(result, Failed):
        if result.error is not None:
            log.error("family.failed", feed=feed.feed_id, family=family_id, exc_info=result.error)
        result = withheld(result, family_id, members, None)
    return FeedOutcome(
        feed_id=feed.feed_id,
        state=result.state,
        category_id=result.category_id,
        issues=issue_views(list(dict.fromkeys(result.issues))),
    )


def event_of_body(body: bytes, merchant_id: str, catalogue_id: str) -> CatalogUpdated:
    """The event in a request's body; merchant and catalogue are the path's where it names none.

    Raises `BadRecord`.
    """
    try:
        data = msgspec.json.decode(body)
        if isinstance(data, dict):
            data = {"merchant_id": merchant_id, "catalogue_id": catalogue_id} | data
        event = msgspec.convert(data, CatalogUpdated)
    except msgspec.ValidationError as error:
        raise BadRecord(
            "wrong-shape", str(error), "Compare the data with the event's JSON Schema."
        ) from None
    except msgspec.DecodeError as error:
        raise BadRecord("not-json", str(error), "Send the data as JSON in UTF-8.") from None
    if (event.merchant_id, event.catalogue_id) != (merchant_id, catalogue_id):
        raise BadRecord(
            "foreign-key",
            f"the data is of {event.merchant_id}/{event.catalogue_id}",
            "Try the event at the path of its own merchant and catalogue.",
        )
    return event
