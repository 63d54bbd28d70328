"""REST over a service's dead letters and quarantines, for merchants and operators."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from common.contracts.envelope import header_map
from common.errors import NotFound
from common.messaging.dead_letters import DeadLetter, claim_dead_letter, list_dead_letters
from common.messaging.quarantine import lift, list_quarantines
from common.messaging.replay import Replayer
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.web.identity import OPERATOR, Caller, Identity, caller_with, merchant_with
from common.web.pagination import Cursor, Limit, Page, cursor_of, place_of
from common.web.problem import PROBLEM_RESPONSES

READ = "dead-letters:read"
WRITE = "dead-letters:write"


class DeadLetterView(BaseModel):
    """A dead letter: where it came from, why it is here, what mends it."""

    id: int
    group: str
    place: str
    source: str
    merchant_id: str
    reason: str
    detail: str
    remedy: str
    state: str
    attempts: int
    created_at: datetime
    key: str | None
    value: str | None
    headers: dict[str, str]


class ReplayRequest(BaseModel):
    """Which dead letters to replay: by id, or all open ones with a reason; `value` replaces the
    data of a single one."""

    model_config = ConfigDict(extra="forbid")

    ids: list[int] | None = None
    reason: str | None = None
    value: str | None = None


class ReplayOutcome(BaseModel):
    """What the replay of one dead letter did."""

    id: int
    outcome: Literal["taken", "parked", "rejected"]
    reason: str | None
    detail: str | None


class QuarantineView(BaseModel):
    """A source in quarantine for a merchant."""

    group: str
    source: str
    merchant_id: str
    reason: str
    since: datetime


class LiftRequest(BaseModel):
    """Which quarantine to end."""

    model_config = ConfigDict(extra="forbid")

    group: str
    source: str
    merchant_id: str


def _view(letter: DeadLetter) -> DeadLetterView:
    record = letter.record
    return DeadLetterView(
        id=letter.id,
        group=letter.consumer_group,
        place=f"{record.topic}/{record.partition}/{record.offset}",
        source=letter.source,
        merchant_id=letter.merchant_id,
        reason=letter.reason,
        detail=letter.detail,
        remedy=letter.remedy,
        state=letter.state,
        attempts=letter.attempts,
        created_at=letter.created_at,
        key=None if record.key is None else record.key.decode(errors="replace"),
        value=None if record.value is None else record.value.decode(errors="replace"),
        headers=dict(header_map(record.headers)),
    )


class _DeadLetters:
    def __init__(self, pool: Pool, replayer: Replayer) -> None:
        self._pool = pool
        self._replayer = replayer

    async def page(
        self,
        merchant_id: str | None,
        state: str | None,
        reason: str | None,
        cursor: str | None,
        limit: int,
    ) -> Page[DeadLetterView]:
        place = place_of(cursor)
        async with unit_of_work(self._pool) as connection:
            found = await list_dead_letters(
                connection,
                merchant_id=merchant_id,
                state=None if state == "all" else state,
                reason=reason,
                after_id=int(place[0]) if place else 0,
                limit=limit + 1,
            )
        more = len(found) > limit
        items = [_view(letter) for letter in found[:limit]]
        return Page(items=items, next_cursor=cursor_of(items[-1].id) if more else None)

    async def show(self, letter_id: int, merchant_id: str | None) -> DeadLetterView:
        async with unit_of_work(self._pool) as connection:
            letter = await claim_dead_letter(connection, letter_id, merchant_id=merchant_id)
        if letter is None:
            raise NotFound("dead letter")
        return _view(letter)

    async def replay(
        self, request: ReplayRequest, merchant_id: str | None, actor: str
    ) -> list[ReplayOutcome]:
        if request.ids is None:
            done = await self._replayer.replay_all(
                merchant_id=merchant_id, reason=request.reason, actor=actor
            )
        else:
            value = None if request.value is None else request.value.encode()
            done = [
                await self._replayer.replay(
                    letter_id, merchant_id=merchant_id, actor=actor, value=value
                )
                for letter_id in request.ids
            ]
        return [
            ReplayOutcome(
                id=item.dead_letter_id,
                outcome=item.outcome,
                reason=item.reason,
                detail=item.detail,
            )
            for item in done
        ]


def dead_letter_router(pool: Pool, replayer: Replayer) -> APIRouter:
    """The routes; merchants see their own, operators all."""
    router = APIRouter(tags=["dead letters"], responses=PROBLEM_RESPONSES)
    letters = _DeadLetters(pool, replayer)
    operator = Annotated[Identity, Depends(caller_with(OPERATOR))]
    reader = Annotated[str, Depends(merchant_with(READ))]
    writer = Annotated[str, Depends(merchant_with(WRITE))]
    state_query = Annotated[Literal["open", "replayed", "discarded", "all"], Query()]

    @router.get("/v1/merchants/{merchant_id}/dead-letters")
    async def list_of_merchant(
        merchant: reader,
        state: state_query = "open",
        reason: str | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[DeadLetterView]:
        """This merchant's dead letters."""
        return await letters.page(merchant, state, reason, cursor, limit)

    @router.get("/v1/merchants/{merchant_id}/dead-letters/{letter_id}")
    async def show_of_merchant(
        merchant: reader,
        letter_id: int,
    ) -> DeadLetterView:
        """One of this merchant's dead letters."""
        return await letters.show(letter_id, merchant)

    @router.post("/v1/merchants/{merchant_id}/dead-letters/replay")
    async def replay_of_merchant(
        merchant: writer,
        caller: Caller,
        request: ReplayRequest,
    ) -> list[ReplayOutcome]:
        """Replay this merchant's dead letters; each replay is audited."""
        return await letters.replay(request, merchant, caller.subject)

    @router.get("/v1/dead-letters")
    async def list_all(
        _caller: operator,
        state: state_query = "open",
        reason: str | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[DeadLetterView]:
        """All dead letters, for operators."""
        return await letters.page(None, state, reason, cursor, limit)

    @router.post("/v1/dead-letters/replay")
    async def replay_all(
        caller: operator,
        request: ReplayRequest,
    ) -> list[ReplayOutcome]:
        """Replay dead letters of any merchant; each replay is audited."""
        return await letters.replay(request, None, caller.subject)

    @router.get("/v1/quarantines")
    async def quarantines(_caller: operator) -> list[QuarantineView]:
        """Sources now in quarantine."""
        async with unit_of_work(pool) as connection:
            found = await list_quarantines(connection, merchant_id=None)
        return [
            QuarantineView(
                group=item.consumer_group,
                source=item.source,
                merchant_id=item.merchant_id,
                reason=item.reason,
                since=item.since,
            )
            for item in found
        ]

    @router.post("/v1/quarantines/lift", status_code=204)
    async def lift_quarantine(
        _caller: operator,
        request: LiftRequest,
    ) -> None:
        """End a quarantine; its parked records are then played."""
        async with unit_of_work(pool) as connection:
            ended = await lift(connection, request.group, request.source, request.merchant_id)
        if not ended:
            raise NotFound("quarantine")

    return router
