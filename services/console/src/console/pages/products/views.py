"""A SKU's story: received, matched, evaluated, planned, called, answered, seen. Pure."""

from dataclasses import dataclass
from datetime import datetime

from console.answers.catalog import WhySku as Wanted
from console.answers.publisher import SkuItem
from console.answers.publisher import WhySku as Published
from console.panels import Panel
from console.texts import N_, Text


@dataclass(frozen=True)
class Moment:
    """One line of the story: its tone, what happened, when, and where more of it stands."""

    tone: str
    what: Text
    at: datetime | None = None
    href: str | None = None
    more: str = ""
    """In the words of the service, or of AliExpress."""


@dataclass(frozen=True)
class Told:
    """What both services say of a SKU in a feed."""

    feed_id: str
    wanted: Panel[Wanted]
    published: Panel[Published]

    @property
    def story(self) -> list[Moment]:
        """What happened to the SKU in the feed, in order."""
        return [*_wanted(self.feed_id, self.wanted.value), *_published(self.published.value)]


def _wanted(feed_id: str, wanted: Wanted | None) -> list[Moment]:
    if wanted is None:
        return []
    found = []
    if wanted.source is not None:
        values = {"version": wanted.source.version}
        what = Text(N_("Received from your system, version %(version)s"), values)
        found.append(Moment("plain", what, wanted.source.updated_at))
    href = f"/feeds/{feed_id}/preview/{wanted.family_id}"
    if wanted.is_pending:
        found.append(Moment("busy", Text(N_("It waits to be evaluated")), href=href))
    if wanted.waits_for:
        found.append(Moment("warn", Text(N_("It waits for something")), more=wanted.waits_for))
    if wanted.excluded_by:
        rules = "; ".join(wanted.excluded_by)
        found.append(Moment("plain", Text(N_("A rule of the feed leaves it out")), more=rules))
    if wanted.category_path:
        what = Text(N_("Its category is matched"))
        found.append(Moment("plain", what, more=wanted.category_path))
    errors = [issue for issue in wanted.issues if issue.severity == "error"]
    if wanted.normalized_at is not None:
        what = (
            Text(N_("Evaluated: %(count)s errors"), {"count": len(errors)})
            if errors
            else Text(N_("Evaluated: nothing is wrong"))
        )
        tone = "bad" if errors else "good"
        found.append(Moment(tone, what, wanted.normalized_at, href, wanted.absent_reason or ""))
    return found


def _published(published: Published | None) -> list[Moment]:
    if published is None:
        return []
    found = []
    if published.holder is not None:
        values = {"feed": published.holder.feed_id, "product": published.holder.family_id}
        what = Text(N_("The SKU code belongs to %(product)s of %(feed)s"), values)
        found.append(Moment("plain", what, published.holder.claimed_at))
    for item in (published.last_outcome, published.open_item):
        if item is not None:
            found += _item(item)
    if published.shown is not None:
        shown = published.shown
        tone = "warn" if shown.differences else "good"
        what = (
            Text(N_("AliExpress shows it otherwise than it was accepted"))
            if shown.differences
            else Text(N_("AliExpress shows it as it was accepted"))
        )
        found.append(Moment(tone, what, shown.as_of, more=shown.title or ""))
    for step in published.next_steps:
        values = {"verdict": step.verdict}
        kind = (
            Text(N_("The next run of products: %(verdict)s"), values)
            if step.kind == "product"
            else Text(N_("The next run of prices and stock: %(verdict)s"), values)
        )
        causes = " ".join(f"{c.explanation or c.message} {c.remedy}" for c in step.causes)
        tone = "bad" if step.causes else "plain"
        found.append(Moment(tone, kind, step.next_due_at, more=causes))
    return found


def _item(item: SkuItem) -> list[Moment]:
    href = f"/runs/{item.run_id}"
    found = [Moment("plain", Text(N_("Planned: %(action)s"), {"action": item.action}), href=href)]
    if item.call is not None:
        what = Text(N_("AliExpress was called: %(operation)s"), {"operation": item.call.operation})
        found.append(Moment("plain", what, item.call.called_at, href))
    if item.decided_at is not None:
        tone = "good" if item.status == "accepted" else "bad"
        cause = item.cause
        more = f"{cause.explanation or cause.message} {cause.remedy}" if cause else ""
        what = Text(N_("Answered: %(status)s"), {"status": item.status})
        found.append(Moment(tone, what, item.decided_at, href, more))
    return found
