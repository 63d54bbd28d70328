"""Settle many dead letters: each in a transaction of its own, each with an outcome of its own.

One that is gone, was settled before or is still no good stops none of the others. An outage, or
the end of the time a request may take, leaves the others untried, and says so.
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

Outcome = Literal[
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
_REFUSED: tuple[Outcome, ...] = ("not-found", "already-settled", "no-handler")


@dataclass(frozen=True)
class Result:
    """What became of one dead letter; `reason`, `detail` and `remedy` where it is not settled."""

    id: int
    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    remedy: str | None = None


Action = Callable[[int], Awaitable[Result]]
"""Settles one dead letter. Raises a `Refusal` for one that cannot be."""


@dataclass(frozen=True)
class BulkPage:
    """What became of the dead letters of one request, in order.

    `stopped` says why those that are `not-tried` were not; None when all were tried.
    """

    results: list[Result]
    stopped: str | None = None


@dataclass(frozen=True)
class IdRange:
    """Where a bulk by filters goes on: after an id, and no further than those it began with."""

    after_id: int = 0
    up_to_id: int | None = None


@dataclass(frozen=True)
class Part:
    """One part of a bulk by filters. `found` are the open ones left when this part began."""

    page: BulkPage
    found: int
    remaining: IdRange | None


def replaying(
    replayer: Replayer,
    *,
    merchant_id: str | None,
    actor: str,
    value: bytes | None = None,
    trusts_unproven: bool = False,
) -> Action:
    """Replay it, with `value` in place of its own if given."""

    async def action(dead_letter_id: int) -> Result:
        return result_of(
            await replayer.replay(
                dead_letter_id,
                merchant_id=merchant_id,
                actor=actor,
                value=value,
                trusts_unproven=trusts_unproven,
            )
        )

    return action


def discarding(replayer: Replayer, *, merchant_id: str | None, actor: str, why: str) -> Action:
    """Discard it."""

    async def action(dead_letter_id: int) -> Result:
        await replayer.discard(dead_letter_id, merchant_id=merchant_id, actor=actor, why=why)
        return Result(dead_letter_id, "discarded")

    return action


def dry_run(
    replayer: Replayer,
    *,
    merchant_id: str | None,
    will_replay: bool,
    trusts_unproven: bool = False,
) -> Action:
    """Touch nothing: say whether it would be replayed (or discarded)."""

    async def action(dead_letter_id: int) -> Result:
        letter = await replayer.look(
            dead_letter_id,
            merchant_id=merchant_id,
            will_replay=will_replay,
            trusts_unproven=trusts_unproven,
        )
        return Result(letter.id, "open", letter.reason, letter.detail, letter.remedy)

    return action


def result_of(replayed: Replayed) -> Result:
    """What became of a replayed one."""
    return Result(
        replayed.dead_letter_id,
        replayed.outcome,
        replayed.reason,
        replayed.detail,
        replayed.remedy,
    )


async def settle_each(
    ids: Sequence[int], action: Action, *, takes_at_most: timedelta = TAKES_AT_MOST
) -> BulkPage:
    """Act on each. Raises an outage only while nothing was done yet."""
    results: list[Result] = []
    began = time.monotonic()
    stopped = None
    for dead_letter_id in ids:
        if time.monotonic() - began > takes_at_most.total_seconds():
            stopped = f"{takes_at_most.total_seconds():g} seconds have passed"
            break
        try:
            results.append(await action(dead_letter_id))
        except Refusal as refusal:
            results.append(_refused(dead_letter_id, refusal))
        except _OUTAGES as outage:
            if not results:
                raise
            log.warning("bulk.stopped", dead_letter=dead_letter_id, reason=repr(outage))
            stopped = "something this needs does not answer now"
            break
        except Exception:
            log.exception("bulk.failed", dead_letter=dead_letter_id)
            results.append(
                Result(dead_letter_id, "failed", remedy="The log of the service says why.")
            )
    untried = [
        Result(dead_letter_id, "not-tried", detail=stopped, remedy="Send the same request again.")
        for dead_letter_id in ids[len(results) :]
    ]
    return BulkPage([*results, *untried], stopped)


def _refused(dead_letter_id: int, refusal: Refusal) -> Result:
    outcome: Outcome = next((known for known in _REFUSED if known == refusal.slug), "failed")
    return Result(dead_letter_id, outcome, detail=refusal.title, remedy=refusal.remedy)


async def settle_selected(
    pool: Pool, selection: Selection, action: Action, *, id_range: IdRange, limit: int
) -> Part:
    """Act on the next `limit` open dead letters that fit, by rising id.

    Those that come while a bulk goes on are not its own: it ends.
    """
    async with unit_of_work(pool) as connection:
        found, highest = await count_dead_letters(
            connection, selection, after_id=id_range.after_id, up_to_id=id_range.up_to_id
        )
        letters: list[DeadLetter] = []
        if found:
            letters = await list_dead_letters(
                connection, selection, after_id=id_range.after_id, limit=limit
            )
    up_to_id = highest if id_range.up_to_id is None else id_range.up_to_id
    page = await settle_each([letter.id for letter in letters if letter.id <= up_to_id], action)
    tried = [result for result in page.results if result.outcome != "not-tried"]
    if len(tried) == found:
        return Part(BulkPage(tried), found, None)
    remaining = IdRange(tried[-1].id if tried else id_range.after_id, up_to_id)
    return Part(BulkPage(tried, page.stopped), found, remaining)
