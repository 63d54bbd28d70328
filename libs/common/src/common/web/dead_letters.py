"""REST over a service's dead letters: listed, shown, edited, replayed, discarded.

Merchants see their own, operators all. Everything that is done to a dead letter is audited.
"""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query

from common.errors import NotFound, Refusal
from common.messaging.bulk import (
    Act,
    Stretch,
    discarding,
    looking,
    replaying,
    settle_each,
    settle_selected,
)
from common.messaging.dead_letters import (
    Selection,
    find_dead_letter,
    list_audit,
    list_dead_letters,
)
from common.messaging.replay import Replayer
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.dead_letter_views import (
    BulkView,
    DeadLetterView,
    DiscardOfAnyone,
    DiscardOne,
    DiscardRequest,
    EditedValue,
    Filters,
    FiltersOfAnyone,
    LetterPath,
    OutcomeView,
    ReplayOfAnyone,
    ReplayRequest,
    Selected,
    WholeDeadLetter,
    bulk_view,
    listed_view,
    outcome_view,
    whole_view,
)
from common.web.identity import OPERATOR, Caller, Identity, caller_with, merchant_with
from common.web.pagination import Keyset, Page, cursor_of
from common.web.problem import PROBLEM_RESPONSES

READ = "dead-letters:read"
WRITE = "dead-letters:write"


class LetterPlace(NamedTuple):
    """Dead letters are listed by rising id."""

    letter_id: int


class RangePlace(NamedTuple):
    """What a bulk request has still to settle: ids above the one, up to the other."""

    after_id: int
    up_to_id: int


_LETTERS = Keyset(LetterPlace)
_RANGES = Keyset(RangePlace)


def dead_letter_router(pool: Pool, replayer: Replayer) -> APIRouter:
    """The routes; a merchant's dead letters and, for operators, everyone's."""
    router = APIRouter(tags=["dead letters"], responses=PROBLEM_RESPONSES)
    _add_merchants_routes(router, _DeadLetters(pool, replayer))
    _add_operators_routes(router, _DeadLetters(pool, replayer))
    return router


def _add_merchants_routes(router: APIRouter, letters: "_DeadLetters") -> None:
    base = "/v1/merchants/{merchant_id}/dead-letters"
    reader = Annotated[str, Depends(merchant_with(READ))]
    writer = Annotated[str, Depends(merchant_with(WRITE))]

    @router.get(base)
    async def list_of_merchant(
        merchant: reader, filters: Annotated[Filters, Query()]
    ) -> Page[DeadLetterView]:
        """This merchant's dead letters."""
        return await letters.page(filters, merchant)

    @router.get(base + "/{letter_id}")
    async def show_of_merchant(merchant: reader, letter_id: LetterPath) -> WholeDeadLetter:
        """One of this merchant's dead letters, with what was done to it."""
        return await letters.show(letter_id, merchant)

    @router.post(base + "/{letter_id}/replay")
    async def replay_one_of_merchant(
        merchant: writer, caller: Caller, letter_id: LetterPath, edited: EditedValue | None = None
    ) -> OutcomeView:
        """Replay one, edited or as it is; audited. What is still no good stays open as it came."""
        return await letters.replay_one(letter_id, merchant, caller, edited)

    @router.post(base + "/{letter_id}/discard")
    async def discard_one_of_merchant(
        merchant: writer, caller: Caller, letter_id: LetterPath, request: DiscardOne
    ) -> OutcomeView:
        """Settle one without playing it; audited."""
        return await letters.discard_one(letter_id, merchant, caller, request)

    @router.post(base + "/replay")
    async def replay_of_merchant(
        merchant: writer, caller: Caller, request: ReplayRequest
    ) -> BulkView:
        """Replay this merchant's dead letters; each replay is audited."""
        return await letters.replay(request, merchant, caller)

    @router.post(base + "/discard")
    async def discard_of_merchant(
        merchant: writer, caller: Caller, request: DiscardRequest
    ) -> BulkView:
        """Settle this merchant's dead letters without playing them; each is audited."""
        return await letters.discard(request, merchant, caller)


def _add_operators_routes(router: APIRouter, letters: "_DeadLetters") -> None:
    base = "/v1/dead-letters"
    operator = Annotated[Identity, Depends(caller_with(OPERATOR))]

    @router.get(base)
    async def list_all(
        _caller: operator, filters: Annotated[FiltersOfAnyone, Query()]
    ) -> Page[DeadLetterView]:
        """All dead letters, for operators."""
        return await letters.page(filters, filters.merchant_id)

    @router.get(base + "/{letter_id}")
    async def show_any(_caller: operator, letter_id: LetterPath) -> WholeDeadLetter:
        """One dead letter of any merchant, or of none, with what was done to it."""
        return await letters.show(letter_id, None)

    @router.post(base + "/{letter_id}/replay")
    async def replay_one(
        caller: operator, letter_id: LetterPath, edited: EditedValue | None = None
    ) -> OutcomeView:
        """Replay one of any merchant, edited or as it is; audited."""
        return await letters.replay_one(letter_id, None, caller, edited)

    @router.post(base + "/{letter_id}/discard")
    async def discard_one(
        caller: operator, letter_id: LetterPath, request: DiscardOne
    ) -> OutcomeView:
        """Settle one of any merchant without playing it; audited."""
        return await letters.discard_one(letter_id, None, caller, request)

    @router.post(base + "/replay")
    async def replay_all(caller: operator, request: ReplayOfAnyone) -> BulkView:
        """Replay dead letters of any merchant; each replay is audited."""
        return await letters.replay(request, request.merchant_id, caller)

    @router.post(base + "/discard")
    async def discard_all(caller: operator, request: DiscardOfAnyone) -> BulkView:
        """Settle dead letters of any merchant without playing them; each is audited."""
        return await letters.discard(request, request.merchant_id, caller)


class _DeadLetters:
    """What the routes do; `merchant_id` is None for operators."""

    def __init__(self, pool: Pool, replayer: Replayer) -> None:
        self._pool = pool
        self._replayer = replayer

    async def page(self, filters: Filters, merchant_id: str | None) -> Page[DeadLetterView]:
        cursor = filters.cursor
        after_id = 0 if cursor is None else _LETTERS.decode(cursor).letter_id
        async with reading(self._pool) as connection:
            found = await list_dead_letters(
                connection,
                filters.selection(merchant_id),
                after_id=after_id,
                limit=filters.limit + 1,
            )
        page = Page.of(found, filters.limit, lambda last: LetterPlace(last.id))
        return page.with_items([listed_view(letter) for letter in page.items])

    async def show(self, letter_id: int, merchant_id: str | None) -> WholeDeadLetter:
        async with reading(self._pool) as connection:
            letter = await find_dead_letter(connection, letter_id, merchant_id=merchant_id)
            if letter is None:
                raise NotFound(
                    "dead letter", remedy="List the dead letters: each service numbers its own."
                )
            audit = await list_audit(connection, letter_id)
        return whole_view(letter, audit)

    async def replay_one(
        self, letter_id: int, merchant_id: str | None, caller: Identity, edited: EditedValue | None
    ) -> OutcomeView:
        value = edited.value if edited else None
        act = self._replaying(merchant_id, caller, value)
        return outcome_view(await act(letter_id))

    async def discard_one(
        self, letter_id: int, merchant_id: str | None, caller: Identity, request: DiscardOne
    ) -> OutcomeView:
        return outcome_view(await self._discarding(merchant_id, caller, request.why)(letter_id))

    async def replay(
        self, request: ReplayRequest, merchant_id: str | None, caller: Identity
    ) -> BulkView:
        _check(request)
        _check_value(request)
        if request.dry_run:
            act = looking(self._replayer, merchant_id=merchant_id, will_replay=True)
        else:
            act = self._replaying(merchant_id, caller, request.value)
        return await self._bulk(request, merchant_id, act)

    async def discard(
        self, request: DiscardRequest, merchant_id: str | None, caller: Identity
    ) -> BulkView:
        _check(request)
        if request.dry_run:
            act = looking(self._replayer, merchant_id=merchant_id, will_replay=False)
        else:
            act = self._discarding(merchant_id, caller, request.why)
        return await self._bulk(request, merchant_id, act)

    def _replaying(self, merchant_id: str | None, caller: Identity, value: str | None) -> Act:
        return replaying(
            self._replayer,
            merchant_id=merchant_id,
            actor=caller.subject,
            value=None if value is None else value.encode(),
        )

    def _discarding(self, merchant_id: str | None, caller: Identity, why: str) -> Act:
        return discarding(self._replayer, merchant_id=merchant_id, actor=caller.subject, why=why)

    async def _bulk(self, request: Selected, merchant_id: str | None, act: Act) -> BulkView:
        if request.ids is not None:
            ids = list(dict.fromkeys(request.ids))
            bulk = await settle_each(ids, act)
            return bulk_view(len(ids), bulk.outcomes, None, bulk.stopped)
        place = None if request.cursor is None else _RANGES.decode(request.cursor)
        part = await settle_selected(
            self._pool,
            Selection(merchant_id, "open", request.reason, request.group, request.source),
            act,
            stretch=Stretch(*place) if place else Stretch(),
            limit=request.limit,
        )
        rest = part.rest
        cursor = (
            cursor_of(*RangePlace(rest.after_id, rest.up_to_id)) if rest and rest.up_to_id else None
        )
        return bulk_view(part.found, part.bulk.outcomes, cursor, part.bulk.stopped)


def _check(request: Selected) -> None:
    """Refuses what names nothing, or two things."""
    filters = request.model_dump(
        include={"reason", "group", "source", "merchant_id"}, exclude_none=True
    )
    if request.ids is not None and (filters or request.all or request.cursor):
        raise Refusal(
            "ids were sent together with filters",
            status=422,
            slug="two-selections",
            field="ids",
            remedy="Send ids, or filters.",
        )
    if request.ids is None and not filters and not request.all:
        raise Refusal(
            "nothing says which dead letters are meant",
            status=422,
            slug="nothing-selected",
            field="ids",
            remedy="Send ids, or reason, group or source; `all: true` means every open one.",
        )


def _check_value(request: ReplayRequest) -> None:
    if request.value is not None and (request.ids is None or len(set(request.ids)) != 1):
        raise Refusal(
            "a value can take the place of one dead letter's only",
            status=422,
            slug="value-of-one",
            field="value",
            remedy="Send exactly one id with it, or leave it out.",
        )
