"""Whether the channel's counts and reports account for every product, at every moment (M7.5).

The counts of a feed place each desired product once. A run's counts and its report add up to its
plan while it runs, and no product is in it twice; once it has ended, each item is decided, and what
was refused or is missing has a cause.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from channel_cli.answers import Run, RunReport
from channel_cli.following import RUN_ENDED
from channel_cli.session import Problem, Unreachable
from channel_cli.settings import PUBLISHER
from channel_demo.session import Session

PLACES = ("live", "pending", "rejected", "withheld")
UNPLANNED = frozenset({"queued", "planning", "waiting_for_shop"})
UNDER_WAY = frozenset({"pending", "sending", "in_job"})
EVERY_SECONDS = 0.25
ASKED_AGAIN = frozenset({401, 404, 502, 503, 504})
"""Answers while a service was just killed, or has not heard of the feed yet."""
RUNS_LOOKED_AT = 20
"""The newest runs of the feed at a look; one that has ended is looked at once more, and its plan
read line by line."""


class Line(msgspec.Struct, frozen=True):
    """A line of a run's plan: a product, or the price or stock of a SKU, and what became of it."""

    planned_action: str
    family_id: str
    status: str
    sku: str | None = None


@dataclass
class Accounts:
    """Looks at a feed again and again; `faults` are the moments at which something was amiss."""

    session: Session
    faults: list[str] = field(default_factory=list)
    looks: int = 0
    audited: set[str] = field(default_factory=set)
    """Runs that had ended and were read to their last line."""

    async def watch(self) -> None:
        """Look until cancelled; a service that was just killed is asked again."""
        while True:
            try:
                await self.look()
            except Unreachable:
                pass
            except Problem as problem:
                if problem.details.status not in ASKED_AGAIN:
                    self.faults.append(f"it answers {problem.details.status}: {problem}")
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Look at the feed and at its newest runs."""
        session = self.session
        feed = await session.channel.feed(session.merchant, session.feed)
        self.faults += faults_of_feed(feed.counts)
        number = 0
        async for run in session.channel.runs(session.merchant, session.feed):
            number += 1
            if number > RUNS_LOOKED_AT:
                break
            if run.run_id not in self.audited and run.state not in UNPLANNED:
                await self._look_at(run)
        self.looks += 1

    async def _look_at(self, run: Run) -> None:
        session = self.session
        report = await session.channel.report(session.merchant, run.run_id)
        found = [*faults_of_run(run), *faults_of_report(run, report)]
        if run.state in RUN_ENDED and report.state == run.state:
            path = f"/v1/merchants/{session.merchant}/runs/{run.run_id}/plan"
            plan = session.channel.session.items(PUBLISHER, path, Line)
            lines = [line async for line in plan]
            if await session.channel.report(session.merchant, run.run_id) != report:
                return  # confirmed meanwhile: it is looked at again
            found += faults_of_plan(run, lines)
            found += faults_of_end(report)
            found += missing_and_planned(report, lines)
            self.audited.add(run.run_id)
        self.faults += [f"run {run.run_id} ({run.kind}, {run.state}): {fault}" for fault in found]


def faults_of_feed(counts: Mapping[str, int]) -> Iterator[str]:
    """Each desired product is in one place."""
    if sum(counts[place] for place in PLACES) != counts["desired"]:
        yield f"the feed's counts do not add up: {dict(counts)}"
    if counts["removals_withheld"] > counts["removals"]:
        yield f"more removals are withheld than there are: {dict(counts)}"


def faults_of_run(run: Run) -> Iterator[str]:
    """Every item is counted once, by its action or by what became of it."""
    parts = sum(n for name, n in run.counts.items() if name not in {"items", "missing"})
    if not parts == run.counts["items"] == run.progress.total:
        yield f"its counts do not add up to {run.progress.total} items: {run.counts}"
    if run.progress.decided + run.counts.get("pending", 0) != run.progress.total:
        yield f"decided and pending do not add up: {run.progress}, {run.counts}"


def faults_of_report(run: Run, report: RunReport) -> Iterator[str]:
    """The report has the items of the plan, whatever became of them meanwhile."""
    items = sum(sum(statuses.values()) for statuses in report.counts.values())
    if items != run.progress.total:
        yield f"its report has {items} items, the run {run.progress.total}"
    if report.missing != run.counts.get("missing", 0):
        yield f"its report lacks {report.missing} products, the run {run.counts}"


def faults_of_plan(run: Run, lines: Sequence[Line]) -> Iterator[str]:
    """A product is created, edited or deleted once; of a SKU, price and stock are sent once."""
    keys = Counter(
        line.family_id if run.kind == "product" else (line.planned_action, line.sku)
        for line in lines
        if run.kind == "product" or line.sku is not None
    )
    yield from (f"{key} stands in it {n} times" for key, n in keys.items() if n > 1)


def faults_of_end(report: RunReport) -> Iterator[str]:
    """Once a run has ended, nothing is open but what a stuck job holds, and all has a cause."""
    by_status = Counter[str]()
    for statuses in report.counts.values():
        by_status.update(statuses)
    for status in UNDER_WAY - {"in_job"}:
        if by_status[status] and report.state != "superseded":
            yield f"it has ended with {by_status[status]} items {status}"
    unexplained = by_status["rejected"] + by_status["withheld"]
    explained = sum(cause.count for cause in report.causes)
    if explained < unexplained + report.missing:
        yield f"{unexplained} items and {report.missing} missing have only {explained} causes"
    is_whole = not (by_status.keys() - {"accepted", "superseded"}) and not report.missing
    if report.unchanged is None and report.state not in {"failed", "superseded"}:
        yield "it does not say how many products needed nothing"
    if report.state == "completed" and not is_whole:
        yield f"it says completed with {dict(by_status)} and {report.missing} missing"


def missing_and_planned(report: RunReport, lines: Sequence[Line]) -> Iterator[str]:
    """What is missing has no item: causes name more products than items only by the missing."""
    refused = Counter(
        line.family_id
        for line in lines
        if line.status in {"rejected", "withheld", "deferred", "in_job"}
    )
    planned = {line.family_id for line in lines}
    named = {family for cause in report.causes for family in cause.families}
    for family in sorted((named & planned) - refused.keys()):
        yield f"{family} has an item and is named as missing"
    if len(named - planned) > report.missing:
        yield f"{len(named - planned)} products are named as missing, {report.missing} are counted"
