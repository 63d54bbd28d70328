"""Settle many dead letters of one or all services, part by part, under a bar."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from rich.console import Group, RenderableType

from channel_cli.across_services import AT_ONCE, find_service, services_of, visible
from channel_cli.answers import ReplayOutcome
from channel_cli.client import Channel
from channel_cli.output import table_of
from channel_cli.progress import Bar, progress_bar
from channel_cli.session import Problem, Unreachable

SHOWN = 50
"""Unsettled ones shown one by one."""
WELL = frozenset({"taken", "parked", "discarded", "open"})
"""Outcomes as they were asked for; `open` in a dry run only."""


@dataclass(frozen=True)
class SettleRequest:
    """What to do (`replay`, `discard`) with which: those of these numbers, or who fit a filter."""

    action: str
    merchant: str | None
    service: str | None
    ids: Sequence[int]
    filters: dict[str, Any]
    is_dry_run: bool
    why: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        """What every request of it says."""
        why = {} if self.why is None else {"why": self.why}
        return {"dry_run": self.is_dry_run, **why}


@dataclass
class Settled:
    """What became of them, by service; `failure` is what ended it early."""

    found: int = 0
    outcomes: list[tuple[str, ReplayOutcome]] = field(default_factory=list)
    failure: Problem | Unreachable | None = None

    @property
    def is_well(self) -> bool:
        """Whether everything that was asked for was done."""
        return self.failure is None and all(item.outcome in WELL for _, item in self.outcomes)

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "found": self.found,
            "counts": Counter(item.outcome for _, item in self.outcomes),
            "outcomes": [
                {"service": service, **msgspec.structs.asdict(item)}
                for service, item in self.outcomes
            ],
            "stopped": None if self.failure is None else str(self.failure),
        }

    def tables(self) -> RenderableType:
        """How many came to what, and those that are not settled one by one."""
        counts = Counter((name, item.outcome, item.reason) for name, item in self.outcomes)
        rows = [(*what, number) for what, number in counts.items()]
        summary = table_of(("service", "outcome", "reason", "how many"), rows)
        unsettled = [
            (
                name,
                item.id,
                item.outcome,
                item.reason,
                visible(item.detail),
                visible(item.remedy),
            )
            for name, item in self.outcomes
            if item.outcome not in WELL or item.outcome == "open"
        ]
        shown = [summary]
        if unsettled:
            columns = ("service", "number", "outcome", "reason", "detail", "remedy")
            shown.append(table_of(columns, unsettled[:SHOWN]))
        if len(unsettled) > SHOWN:
            shown.append(f"and {len(unsettled) - SHOWN} more; --json shows all")
        return Group(*shown)


async def settle(channel: Channel, asked: SettleRequest) -> Settled:
    """Do it. What was done stays done when a service stops answering midway."""
    settled = Settled()
    if asked.ids:
        services: Sequence[str] = [
            await find_service(channel, asked.merchant, asked.ids, asked.service)
        ]
        found = {services[0]: len(asked.ids)}
    else:
        services = services_of(channel, asked.service)
        found = {name: await _count(channel, asked, name) for name in services}
    settled.found = sum(found.values())
    with _bar(asked, settled.found) as bar:
        try:
            for name in services:
                if found[name]:
                    await _settle_at(channel, asked, name, settled, bar)
        except (Problem, Unreachable) as failure:
            if not settled.outcomes:
                raise
            settled.failure = failure
    return settled


async def _count(channel: Channel, asked: SettleRequest, service: str) -> int:
    request = {**asked.body, **asked.filters, "dry_run": True, "limit": 1}
    return (await channel.settle_dead_letters(service, asked.merchant, asked.action, request)).found


async def _settle_at(
    channel: Channel, asked: SettleRequest, service: str, settled: Settled, bar: Bar | None
) -> None:
    left = list(asked.ids)
    cursor: str | None = None
    while True:
        if asked.ids:
            request = {**asked.body, "ids": left[:AT_ONCE]}
        else:
            request = {**asked.body, **asked.filters, "limit": AT_ONCE, "cursor": cursor}
        answer = await channel.settle_dead_letters(service, asked.merchant, asked.action, request)
        tried = [item for item in answer.items if item.outcome != "not-tried"]
        settled.outcomes += [(service, item) for item in tried]
        if bar is not None:
            bar.show(len(settled.outcomes), settled.found)
        cursor = answer.next_cursor
        done = {item.id for item in tried}
        left = [letter_id for letter_id in left if letter_id not in done]
        if not left and cursor is None:
            return


@contextmanager
def _bar(asked: SettleRequest, total: int) -> Iterator[Bar | None]:
    """A bar where it takes more than one request."""
    if total <= AT_ONCE:
        yield None
        return
    what = {"replay": "replaying", "discard": "discarding"}[asked.action]
    with progress_bar("checking" if asked.is_dry_run else what) as bar:
        yield bar
        bar.finish()
