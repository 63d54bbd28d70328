"""What Today shows first: what is wrong, and the step that repairs it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.answers.alerts import Trouble as ToldTrouble
from console.answers.auth import Shop
from console.answers.catalog import Import
from console.answers.orders import Order
from console.answers.publisher import Feed, Run
from console.texts import N_, Text

SOON = timedelta(days=7)
"""From when on the end of a connection is a trouble: the first announcement is at 7 days."""
OPEN = ("queued", "planning", "running", "planned", "awaiting_confirmation")


@dataclass(frozen=True)
class Trouble:
    """Something that is not right, where it is repaired, and what that step is called."""

    tone: str
    what: Text
    href: str
    step: str
    same_as: frozenset[tuple[str, str]] = frozenset()
    """The troubles that say the same: their kinds, each with its shop, feed or catalogue."""


def not_told(found: Iterable[Trouble], told: Iterable[ToldTrouble]) -> list[Trouble]:
    """Of these those that no open trouble says already. One that is over (quiet) says nothing."""
    known = {
        (each.kind, subject)
        for each in told
        if each.state == "open"
        for subject in (each.shop_id, each.feed_id, each.catalogue_id)
        if subject is not None
    }
    return [each for each in found if not each.same_as & known]


def _as_told(subject: str, *kinds: str) -> frozenset[tuple[str, str]]:
    return frozenset((kind, subject) for kind in kinds)


@dataclass(frozen=True)
class Begun:
    """A step on the way to a first product online, where it is done, and whether it is."""

    name: str
    href: str
    is_done: bool


def first_steps(shops: Sequence[Shop], feeds: Sequence[Feed]) -> list[Begun]:
    """The way to a first product online; none once one is."""
    if any(feed.counts.get("online") for feed in feeds):
        return []
    feed = feeds[0].feed_id if feeds else ""
    return [
        Begun(
            N_("Connect your AliExpress shop"),
            "/shops",
            any(shop.connection == "connected" for shop in shops),
        ),
        Begun(N_("Upload a file of your products"), "/feeds-new", bool(feeds)),
        Begun(
            N_("Look the feed through: categories, attributes, preview"),
            f"/feeds/{feed}" if feed else "/feeds",
            False,
        ),
        Begun(
            N_("Send it: a dry run, then your confirmation"),
            f"/feeds/{feed}/send" if feed else "/feeds",
            False,
        ),
    ]


@dataclass(frozen=True)
class FeedCard:
    """A feed at a glance."""

    feed: Feed
    last_runs: Mapping[str, Run]
    """The newest run of each kind, dry runs left out."""


@dataclass(frozen=True)
class Due:
    """How many orders are to be shipped, by deadline; with `is_more` there are more than that."""

    late: int
    today: int
    tomorrow: int
    later: int
    is_more: bool


def shop_troubles(shops: Iterable[Shop], now: datetime) -> list[Trouble]:
    """Connections that have ended or end soon (M1.3), and merchants that may not sell (M1.1)."""
    found = []
    for shop in shops:
        values = {"shop": shop.shop_id}
        href = f"/shops/{shop.shop_id}"
        if not shop.is_eligible:
            what = Text(N_("%(shop)s may not sell: this merchant is not eligible"), values)
            found.append(Trouble("bad", what, href, N_("See the shop")))
        elif shop.connection in {"lapsed", "disconnected"}:
            what = Text(
                N_("%(shop)s is not connected: nothing is updated, no order imported"), values
            )
            same = _as_told(shop.shop_id, "token_expired", "connection_ended")
            found.append(Trouble("bad", what, href, N_("Connect again"), same))
        elif shop.connection == "pending":
            what = Text(N_("%(shop)s was never connected to AliExpress"), values)
            found.append(Trouble("warn", what, href, N_("Connect")))
        elif (
            shop.expires_at is not None
            and shop.expires_at - now <= SOON
            and not shop.refreshes_itself
        ):
            left = {**values, "days": max(0, (shop.expires_at - now).days)}
            what = Text(N_("The connection of %(shop)s ends in %(days)s days"), left)
            same = _as_told(shop.shop_id, "token_expiring")
            found.append(Trouble("warn", what, href, N_("Renew now"), same))
    return found


def run_troubles(cards: Iterable[FeedCard]) -> list[Trouble]:
    """Runs that wait for somebody, are stuck, or failed."""
    found = []
    for card in cards:
        for run in card.last_runs.values():
            values = {"feed": run.feed_id}
            href = f"/runs/{run.run_id}"
            waits = _as_told(run.feed_id, "run_withheld")
            failed = _as_told(run.feed_id, "run_failed")
            if run.state == "withheld":
                what = Text(N_("%(feed)s: removals are withheld until you confirm them"), values)
                found.append(Trouble("warn", what, href, N_("Look at them"), waits))
            elif run.needs_confirmation:
                what = Text(N_("%(feed)s: a plan waits for your confirmation"), values)
                found.append(Trouble("warn", what, href, N_("Read the plan"), waits))
            elif run.state == "failed":
                what = Text(N_("%(feed)s: the last run failed"), values)
                found.append(Trouble("bad", what, href, N_("See why"), failed))
            elif run.trouble:
                what = Text(N_("%(feed)s: the run does not go on"), values)
                found.append(Trouble("warn", what, href, N_("See why")))
        refused = card.feed.counts.get("rejected", 0)
        if refused:
            what = Text(
                N_("%(feed)s: %(count)s products are refused"),
                {"feed": card.feed.feed_id, "count": refused},
            )
            href = f"/feeds/{card.feed.feed_id}#issues"
            same = _as_told(card.feed.feed_id, "mostly_refused")
            found.append(Trouble("warn", what, href, N_("See which"), same))
    return found


def import_troubles(imports: Iterable[Import]) -> list[Trouble]:
    """Files that failed, or whose deletions wait for a confirmation (M7.4)."""
    found = []
    for item in imports:
        values = {"file": item.file_name, "catalogue": item.catalogue_id}
        href = f"/catalogues/{item.catalogue_id}/imports/{item.import_id}"
        if item.state == "awaiting_confirmation":
            what = Text(N_("%(file)s would delete much of %(catalogue)s"), values)
            same = _as_told(item.catalogue_id, "deletions_withheld")
            found.append(Trouble("warn", what, href, N_("Look at it"), same))
        elif item.state == "failed":
            what = Text(N_("%(file)s could not be read into %(catalogue)s"), values)
            same = _as_told(item.catalogue_id, "import_failed")
            found.append(Trouble("bad", what, href, N_("See why"), same))
    return found


def newest_runs(runs: Iterable[Run]) -> dict[str, Run]:
    """The newest run of each kind, dry runs left out; `runs` come newest first."""
    found: dict[str, Run] = {}
    for run in runs:
        if not run.is_dry_run and run.state != "superseded":
            found.setdefault(run.kind, run)
    return found


def due_of(orders: Sequence[Order], now: datetime, *, is_more: bool) -> Due:
    """How many of the orders are late, due within a day, within two, and later."""
    moments = [order.due_at for order in orders if order.due_at is not None]
    late = sum(moment <= now for moment in moments)
    today = sum(now < moment <= now + timedelta(days=1) for moment in moments)
    tomorrow = sum(
        now + timedelta(days=1) < moment <= now + timedelta(days=2) for moment in moments
    )
    later = len(moments) - late - today - tomorrow
    return Due(late, today, tomorrow, later, is_more)
