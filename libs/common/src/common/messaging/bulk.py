"""Settle many dead letters: each in a transaction of its own, each with an outcome of its own.

One that is gone, was settled before or is still no good stops none of the others. An outage, or
the end of the time a request may take, leaves the rest untried, and says so.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import structlog

from common.errors import Outage, Refusal
from common.messaging.dead_letters import (
    DeadLetter,
    Selection,
    count_dead_letters,
    list_dead_letters,
)
from common.messaging.replay import Replayed, Replayer
from common.postgres.pool import OUTAGE_ERRORS, Pool
from common.postgres.unit_of_work import unit_of_work

log = structlog.get_logger()

TAKES_AT_MOST = timedelta(seconds=15)

Fate = Literal[
    "taken",
    "parked",
    "rejected",
    "discarded",
    "open",
    "not-found",
    "already-settled",
    "no-handler",
    "failed",
    "not-tried",
]
"""`open`: a dry run found it so. `failed`: the service did, its log says why."""
_OUTAGES: tuple[type[BaseException], ...] = (*OUTAGE_ERRORS, Outage)
_REFUSED: tuple[Fate, ...] = ("not-found", "already-settled", "no-handler")


@dataclass(frozen=True)
class Outcome:
    """What became of one dead letter; `reason`, `detail` and `remedy` where it is not settled."""

    id: int
    fate: Fate
    reason: str | None = None
    detail: str | None = None
    remedy: str | None = None


Act = Callable[[int], Awaitable[Outcome]]
"""Settles one dead letter. Raises a `Refusal` for one that cannot be."""


@dataclass(frozen=True)
class Bulk:
    """What became of the dead letters of one request, in order.

    `stopped` says why those that are `not-tried` were not; None when all were tried.
    """

    outcomes: list[Outcome]
    stopped: str | None = None


@dataclass(frozen=True)
class Stretch:
    """Where a bulk by filters goes on: after an id, and no further than those it began with."""

    after_id: int = 0
    up_to_id: int | None = None


@dataclass(frozen=True)
class Part:
    """One part of a bulk by filters. `found` are the open ones left when this part began."""

    bulk: Bulk
    found: int
    rest: Stretch | None


def replaying(
    replayer: Replayer, *, merchant_id: str | None, actor: str, value: bytes | None = None
) -> Act:
    """Replay it, with `value` in place of its own if given."""

    async def act(dead_letter_id: int) -> Outcome:
        return outcome_of(
            await replayer.replay(dead_letter_id, merchant_id=merchant_id, actor=actor, value=value)
        )

    return act


def discarding(replayer: Replayer, *, merchant_id: str | None, actor: str, why: str) -> Act:
    """Discard it."""

    async def act(dead_letter_id: int) -> Outcome:
        await replayer.discard(dead_letter_id, merchant_id=merchant_id, actor=actor, why=why)
        return Outcome(dead_letter_id, "discarded")

    return act


def looking(replayer: Replayer, *, merchant_id: str | None, will_replay: bool) -> Act:
    """Touch nothing: say whether it would be replayed (or discarded)."""

    async def act(dead_letter_id: int) -> Outcome:
        letter = await replayer.look(
            dead_letter_id, merchant_id=merchant_id, will_replay=will_replay
        )
        return Outcome(letter.id, "open", letter.reason, letter.detail, letter.remedy)

    return act


def outcome_of(replayed: Replayed) -> Outcome:
    """A replay's outcome."""
    return Outcome(
        replayed.dead_letter_id,
        replayed.outcome,
        replayed.reason,
        replayed.detail,
        replayed.remedy,
    )


async def settle_each(
    ids: Sequence[int], act: Act, *, takes_at_most: timedelta = TAKES_AT_MOST
) -> Bulk:
    """Act on each. Raises an outage only while nothing was done yet."""
    outcomes: list[Outcome] = []
    began = time.monotonic()
    stopped = None
    for dead_letter_id in ids:
        if time.monotonic() - began > takes_at_most.total_seconds():
            stopped = f"{takes_at_most.total_seconds():g} seconds have passed"
            break
        try:
            outcomes.append(await act(dead_letter_id))
        except Refusal as refusal:
            outcomes.append(_refused(dead_letter_id, refusal))
        except _OUTAGES as outage:
            if not outcomes:
                raise
            log.warning("bulk.stopped", dead_letter=dead_letter_id, reason=repr(outage))
            stopped = "something this needs does not answer now"
            break
        except Exception:
            log.exception("bulk.failed", dead_letter=dead_letter_id)
            outcomes.append(
                Outcome(dead_letter_id, "failed", remedy="The log of the service says why.")
            )
    untried = [
        Outcome(dead_letter_id, "not-tried", detail=stopped, remedy="Send the same request again.")
        for dead_letter_id in ids[len(outcomes) :]
    ]
    return Bulk([*outcomes, *untried], stopped)


def _refused(dead_letter_id: int, refusal: Refusal) -> Outcome:
    fate: Fate = next((known for known in _REFUSED if known == refusal.slug), "failed")
    return Outcome(dead_letter_id, fate, detail=refusal.title, remedy=refusal.remedy)


async def settle_selected(
    pool: Pool, selection: Selection, act: Act, *, stretch: Stretch, limit: int
) -> Part:
    """Act on the next `limit` open dead letters that fit, by rising id.

    Those that come while a bulk goes on are not its own: it ends.
    """
    async with unit_of_work(pool) as connection:
        found, highest = await count_dead_letters(
            connection, selection, after_id=stretch.after_id, up_to_id=stretch.up_to_id
        )
        letters: list[DeadLetter] = []
        if found:
            letters = await list_dead_letters(
                connection, selection, after_id=stretch.after_id, limit=limit
            )
    up_to_id = highest if stretch.up_to_id is None else stretch.up_to_id
    bulk = await settle_each([letter.id for letter in letters if letter.id <= up_to_id], act)
    tried = [outcome for outcome in bulk.outcomes if outcome.fate != "not-tried"]
    if len(tried) == found:
        return Part(Bulk(tried), found, None)
    rest = Stretch(tried[-1].id if tried else stretch.after_id, up_to_id)
    return Part(Bulk(tried, bulk.stopped), found, rest)
