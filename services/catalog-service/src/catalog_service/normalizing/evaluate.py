"""Evaluate a family so that what goes wrong with it, or with its feed, stays with it alone.

Whatever a family's evaluation raises becomes an issue of that family. What its merchant can put
right (a stored configuration that cannot be used, rules that cost too much) says so; anything else
is a fault of the channel: an alarm is logged and counted, and the family says that, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.store import Feed
from catalog_service.feeds.work import FamilyTooCostly
from catalog_service.normalizing.normalize import (
    Lookups,
    Normalized,
    Standing,
    Waiting,
    digest,
    normalize,
)
from catalog_service.normalizing.store import LastResult
from catalog_service.normalizing.variations import Member, StoredMember, own_members
from common.contracts.product import Part
from common.errors import Issue


@dataclass(frozen=True)
class FeedUnusable:
    """A feed whose stored configuration cannot be read or compiled; `issue` says why."""

    version: int
    issue: Issue


@dataclass(frozen=True)
class Failed:
    """A family that could not be evaluated; `error` is set where that is a fault of the channel."""

    issue: Issue
    error: Exception | None = None


def absence(feed: Feed, members: Sequence[Member | StoredMember]) -> Normalized | None:
    """What holds of a removed feed's families and of deleted ones, whatever the configuration."""
    if feed.lifecycle == "removed":
        return Normalized(absent_reason="feed_removed")
    return None if members else Normalized(absent_reason="deleted", is_parent=False)


def evaluate(
    feed: CompiledFeed | FeedUnusable,
    family_id: str,
    members: Sequence[Member],
    lookups: Lookups,
    *,
    at: datetime,
    standing: Standing | None = None,
) -> Normalized | Waiting | Failed:
    """The family as the feed wants it at that time, or why that cannot be known. Raises nothing."""
    if isinstance(feed, FeedUnusable):
        return Failed(feed.issue)
    try:
        return normalize(feed, family_id, members, lookups, at=at, standing=standing)
    except FamilyTooCostly as costly:
        return Failed(_too_costly(str(costly)))
    except Exception as error:
        return failed_by(error)


def failed_by(error: Exception) -> Failed:
    """The family's outcome where the channel failed on it."""
    issue = Issue(
        rule="M7.5",
        field="product",
        message=f"the channel failed on this product ({type(error).__name__})",
        remedy="Its operator has been alerted; until then simplify the product's texts and the"
        " feed's rules and templates for it. What is online stays as it is.",
        refused_by="channel",
    )
    return Failed(issue, error)


def _too_costly(message: str) -> Issue:
    return Issue(
        rule="M3.13",
        field="product",
        message=message,
        remedy="Let templates and exclusions handle shorter fields, or split the family.",
        refused_by="channel",
    )


def withheld(
    failed: Failed, family_id: str, members: Sequence[Member], last: LastResult | None
) -> Normalized:
    """A failed family as it is stored: no part can be sent, so that what is online stays.

    Its SKU codes are the last known ones: a SKU that is not named would be set to stock 0.
    """
    part = Part(is_valid=False, hash=digest([failed.issue]).hex(), issues=[failed.issue])
    known = last or LastResult([], None, None, None, [])
    return Normalized(
        category_id=known.category_id,
        category_path=known.category_path or "",
        title=known.title or "",
        product_ids=sorted(member.product_id for member in own_members(family_id, members)),
        sku_codes=known.sku_codes,
        content_part=part,
        offers_part=part,
        stock_part=part,
        image_urls=known.image_urls,
    )
