"""Replay dead letters and parked records: the group's own handler on the stored bytes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import structlog

from common.contracts.signature import UNPROVEN
from common.errors import NotFound, Refusal
from common.failpoints import reach
from common.messaging.applying import Applier
from common.messaging.dead_letters import (
    DeadLetter,
    claim_dead_letter,
    claim_expired,
    claim_parked,
    find_dead_letter,
    forget_parked,
    keep_not_applied,
    keep_open,
    list_waits,
    park,
    settle_dead_letter,
)
from common.messaging.quarantine import load_quarantined, wait_of
from common.messaging.records import NotApplied, Parked, Record, Rejected
from common.postgres import audit
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import is_about_the_data
from common.postgres.unit_of_work import reading, unit_of_work

log = structlog.get_logger()

SWEEP_ROWS = 500
_REMEDY = "Provide what it needs or correct the data, then replay this dead letter."

FindEndedWaits = Callable[[Connection, Sequence[str]], Awaitable[set[str]]]
"""Which of these waits are over, by the service's own tables."""


@dataclass(frozen=True)
class Replayed:
    """What a replay did: taken, parked, or a dead letter still, with its reason now."""

    dead_letter_id: int
    outcome: Literal["taken", "parked", "rejected"]
    reason: str | None = None
    detail: str | None = None
    remedy: str | None = None


class Replayer:
    """Replays the dead letters and parked records of a service's consumer groups."""

    def __init__(self, pool: Pool, appliers: Sequence[Applier]) -> None:
        self._pool = pool
        self._appliers = {applier.group: applier for applier in appliers}

    async def replay(
        self,
        dead_letter_id: int,
        *,
        merchant_id: str | None,
        actor: str,
        value: bytes | None = None,
        trusts_unproven: bool = False,
    ) -> Replayed:
        """Run the group's handler on a dead letter, with `value` in place of its own if given.

        Signatures are not verified again: a record that is not proven to be the merchant's is
        replayed by who `trusts_unproven`, an operator, alone. Every try is audited; what is still
        rejected stays open, with its own bytes. Raises `NotFound`, and `Refusal` when it was
        settled before or nothing here handles its topic.
        """
        claimed: DeadLetter | None = None
        try:
            async with unit_of_work(self._pool) as connection:
                letter = await self._claim(connection, dead_letter_id, merchant_id)
                if not trusts_unproven:
                    _require_proven(letter)
                applier = self._applier(letter)
                claimed = letter
                record = (
                    letter.record
                    if value is None
                    else msgspec.structs.replace(letter.record, value=value)
                )
                not_applied = await applier.handle_again(connection, [record])
                replayed = await self._settle(
                    connection, letter, not_applied, actor, value is not None
                )
                reach("replay.before-commit")
                return replayed
        except Exception as error:
            if claimed is None or not is_about_the_data(error):
                raise
            log.exception("replay.record_refused", dead_letter=dead_letter_id)
            refused = Rejected(
                claimed.record, "handler-refused", f"{type(error).__name__}: {error}", _REMEDY
            )
        # What the handler had written is rolled back; that it refused is written by itself.
        async with unit_of_work(self._pool) as connection:
            letter = await self._claim(connection, dead_letter_id, merchant_id)
            return await self._settle(connection, letter, [refused], actor, value is not None)

    async def look(
        self,
        dead_letter_id: int,
        *,
        merchant_id: str | None,
        will_replay: bool,
        trusts_unproven: bool = False,
    ) -> DeadLetter:
        """The dead letter, if `replay` (or `discard`) would act on it; raises what that would."""
        async with unit_of_work(self._pool) as connection:
            letter = await find_dead_letter(connection, dead_letter_id, merchant_id=merchant_id)
        letter = _open(letter)
        if will_replay:
            if not trusts_unproven:
                _require_proven(letter)
            self._applier(letter)
        return letter

    async def discard(
        self, dead_letter_id: int, *, merchant_id: str | None, actor: str, why: str
    ) -> None:
        """Settle a dead letter without replaying it. Raises `NotFound` and `Refusal`."""
        async with unit_of_work(self._pool) as connection:
            letter = await self._claim(connection, dead_letter_id, merchant_id)
            await settle_dead_letter(
                connection,
                letter.id,
                state="discarded",
                action="discard",
                actor=actor,
                outcome=why,
            )
            await _record(connection, letter, "discarded")

    async def _claim(
        self, connection: Connection, dead_letter_id: int, merchant_id: str | None
    ) -> DeadLetter:
        return _open(await claim_dead_letter(connection, dead_letter_id, merchant_id=merchant_id))

    def _applier(self, letter: DeadLetter) -> Applier:
        applier = self._appliers.get(letter.consumer_group)
        if applier is None or not applier.handles(letter.record.topic):
            raise Refusal(
                f"no handler for {letter.consumer_group} and {letter.record.topic} here",
                status=409,
                slug="no-handler",
                remedy="Replay it at the service that keeps it, or discard it.",
            )
        return applier

    async def _settle(
        self,
        connection: Connection,
        letter: DeadLetter,
        not_applied: Sequence[NotApplied],
        actor: str,
        was_edited: bool,
    ) -> Replayed:
        action = "replay-edited" if was_edited else "replay"
        failure = not_applied[0] if not_applied else None
        if isinstance(failure, Parked):
            refused = await park(connection, letter.consumer_group, [failure])
            failure = refused[0] if refused else failure
        await _record(connection, letter, "edited" if was_edited else "replayed")
        if isinstance(failure, Rejected):
            await keep_open(connection, letter.id, failure, action=action, actor=actor)
            return Replayed(letter.id, "rejected", failure.reason, failure.detail, failure.remedy)
        outcome: Literal["taken", "parked"] = "parked" if failure else "taken"
        await settle_dead_letter(
            connection, letter.id, state="replayed", action=action, actor=actor, outcome=outcome
        )
        return Replayed(letter.id, outcome)

    # -- the sweep --------------------------------------------------------------------------

    async def sweep(self, find_ended: FindEndedWaits) -> bool:
        """Replay parked records whose wait is over; turn those parked too long into dead letters.

        Whether anything was done: then call again at once.
        """
        did = False
        for applier in self._appliers.values():
            async with reading(self._pool) as connection:
                waits = await list_waits(connection, applier.group)
            if waits:
                did |= await self._expire(applier)
                did |= await self._play_ended(applier, waits, find_ended)
        return did

    async def _play_ended(
        self, applier: Applier, waits: Sequence[str], find_ended: FindEndedWaits
    ) -> bool:
        async with unit_of_work(self._pool) as connection:
            held = {wait_of(o) for o in await load_quarantined(connection, applier.group)}
            ended = {w for w in waits if w.startswith("quarantine:") and w not in held}
            ended |= await find_ended(connection, [w for w in waits if w not in held])
        return bool(ended) and await self._play(applier, sorted(ended), SWEEP_ROWS)

    async def _play(self, applier: Applier, ended: Sequence[str], limit: int) -> bool:
        try:
            async with unit_of_work(self._pool) as connection:
                claimed = await claim_parked(connection, applier.group, ended, limit=limit)
                records = [record for _, record in claimed]
                await forget_parked(connection, [row_id for row_id, _ in claimed])
                not_applied = await applier.handle_again(connection, records)
                await keep_not_applied(connection, applier.group, not_applied)
                reach("parked.before-commit")
        except Exception as error:
            if not is_about_the_data(error):
                raise
            if limit == 1:
                return await self._refuse_first(applier, ended, error)
            return await self._play(applier, ended, max(1, limit // 4))
        return bool(claimed)

    async def _refuse_first(self, applier: Applier, ended: Sequence[str], error: Exception) -> bool:
        async with unit_of_work(self._pool) as connection:
            claimed = await claim_parked(connection, applier.group, ended, limit=1)
            await self._bury(
                connection, applier, claimed, "handler-refused", f"{type(error).__name__}: {error}"
            )
        return bool(claimed)

    async def _expire(self, applier: Applier) -> bool:
        async with unit_of_work(self._pool) as connection:
            expired = await claim_expired(connection, applier.group, limit=SWEEP_ROWS)
            await self._bury(
                connection, applier, expired, "parked-too-long", "what it waited for did not come"
            )
        return bool(expired)

    async def _bury(
        self,
        connection: Connection,
        applier: Applier,
        claimed: Sequence[tuple[int, Record]],
        reason: str,
        detail: str,
    ) -> None:
        await forget_parked(connection, [row_id for row_id, _ in claimed])
        rejected = [Rejected(record, reason, detail, _REMEDY) for _, record in claimed]
        await keep_not_applied(connection, applier.group, rejected)


async def _record(connection: Connection, letter: DeadLetter, how: str) -> None:
    await audit.record(
        connection,
        f"dead-letter.{how}",
        str(letter.id),
        {"group": letter.consumer_group, "reason": letter.reason},
        merchant_id=letter.record.merchant_id or None,
    )


def _open(letter: DeadLetter | None) -> DeadLetter:
    """The dead letter, if it is there and open. Raises `NotFound` and `Refusal`."""
    if letter is None:
        raise NotFound("dead letter", remedy="List the dead letters: each service numbers its own.")
    if letter.state != "open":
        raise Refusal(
            f"this dead letter was {letter.state} before",
            status=409,
            slug="already-settled",
            remedy="List the open ones.",
        )
    return letter


def _require_proven(letter: DeadLetter) -> None:
    """Raises `Refusal` for a record of which nobody knows that it is the merchant's."""
    if letter.reason in UNPROVEN:
        raise Refusal(
            f"this record is not proven to be the merchant's ({letter.reason})",
            status=403,
            slug="unproven-record",
            remedy=(
                "Publish it again, signed with a key of the merchant's API client; or ask the"
                " operator to replay it."
            ),
        )
