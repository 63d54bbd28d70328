"""REST over a service's dead letters: listed, shown, edited, replayed, discarded.

Merchants see their own, operators all. Everything that is done to a dead letter is audited.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query

from common.errors import NotFound, Refusal
from common.messaging.bulk import (
    Action,
    IdRange,
    discarding,
    dry_run,
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
from common.web.routing import new_router

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


@dataclass(frozen=True)
class _Caller:
    """Who asks; `merchant_id` is None for operators, who reach everyone's."""

    identity: Identity
    merchant_id: str | None


def _merchant_with(scope: str) -> Callable[..., Awaitable[_Caller]]:
    async def merchant(
        caller: Caller, merchant_id: Annotated[str, merchant_with(scope)]
    ) -> _Caller:
        return _Caller(caller, merchant_id)

    return merchant


async def _operator(caller: Annotated[Identity, caller_with(OPERATOR)]) -> _Caller:
    return _Caller(caller, None)


def _parsed(form: object) -> Callable[..., Awaitable[Any]]:
    """A dependency: what the request holds of this form, which differs by audience."""

    async def parsed(request: Any) -> Any:
        return request

    parsed.__annotations__["request"] = form
    return parsed


@dataclass(frozen=True)
class _Audience:
    """A prefix, whom it lets in, and what they may select by."""

    prefix: str
    reader: Callable[..., Awaitable[_Caller]]
    writer: Callable[..., Awaitable[_Caller]]
    filters: type[Filters]
    replay: type[ReplayRequest]
    discard: type[DiscardRequest]
    names: Mapping[str, str]
    """The routes' names, which OpenAPI's operation ids contain."""


_MERCHANTS = _Audience(
    "/v1/merchants/{merchant_id}/dead-letters",
    _merchant_with(READ),
    _merchant_with(WRITE),
    Filters,
    ReplayRequest,
    DiscardRequest,
    {
        "list": "list_of_merchant",
        "show": "show_of_merchant",
        "replay_one": "replay_one_of_merchant",
        "discard_one": "discard_one_of_merchant",
        "replay": "replay_of_merchant",
        "discard": "discard_of_merchant",
    },
)
_OPERATORS = _Audience(
    "/v1/dead-letters",
    _operator,
    _operator,
    FiltersOfAnyone,
    ReplayOfAnyone,
    DiscardOfAnyone,
    {
        "list": "list_all",
        "show": "show_any",
        "replay_one": "replay_one",
        "discard_one": "discard_one",
        "replay": "replay_all",
        "discard": "discard_all",
    },
)


def dead_letter_router(pool: Pool, replayer: Replayer) -> APIRouter:
    """The routes, for merchants over their own dead letters and for operators over everyone's."""
    router = new_router(tags=["dead letters"])
    letters = _DeadLetters(pool, replayer)
    for audience in (_MERCHANTS, _OPERATORS):
        _add_routes(router, audience, letters)
    return router


def _add_routes(router: APIRouter, audience: _Audience, letters: "_DeadLetters") -> None:
    base, names = audience.prefix, audience.names
    reader = Annotated[_Caller, Depends(audience.reader)]
    writer = Annotated[_Caller, Depends(audience.writer)]
    filters_given = Annotated[Filters, Depends(_parsed(Annotated[audience.filters, Query()]))]
    to_replay = Annotated[ReplayRequest, Depends(_parsed(audience.replay))]
    to_discard = Annotated[DiscardRequest, Depends(_parsed(audience.discard))]

    @router.get(base, name=names["list"])
    async def list_page(caller: reader, filters: filters_given) -> Page[DeadLetterView]:
        """Dead letters by rising id: the merchant's, or everyone's for operators."""
        return await letters.page(filters, caller)

    @router.get(base + "/{letter_id}", name=names["show"])
    async def show(caller: reader, letter_id: LetterPath) -> WholeDeadLetter:
        """One dead letter, with what was done to it."""
        return await letters.show(letter_id, caller)

    @router.post(base + "/{letter_id}/replay", name=names["replay_one"])
    async def replay_one(
        caller: writer, letter_id: LetterPath, edited: EditedValue | None = None
    ) -> OutcomeView:
        """Replay one, edited or as it is; audited. What is still no good stays open as it came."""
        return await letters.replay_one(letter_id, caller, edited)

    @router.post(base + "/{letter_id}/discard", name=names["discard_one"])
    async def discard_one(
        caller: writer, letter_id: LetterPath, request: DiscardOne
    ) -> OutcomeView:
        """Settle one without replaying it; audited."""
        return await letters.discard_one(letter_id, caller, request)

    @router.post(base + "/replay", name=names["replay"])
    async def replay(caller: writer, request: to_replay) -> BulkView:
        """Replay the selected dead letters; each replay is audited."""
        return await letters.replay(request, caller)

    @router.post(base + "/discard", name=names["discard"])
    async def discard(caller: writer, request: to_discard) -> BulkView:
        """Settle the selected dead letters without replaying them; each is audited."""
        return await letters.discard(request, caller)


class _DeadLetters:
    """What the routes do."""

    def __init__(self, pool: Pool, replayer: Replayer) -> None:
        self._pool = pool
        self._replayer = replayer

    async def page(self, filters: Filters, caller: _Caller) -> Page[DeadLetterView]:
        cursor = filters.cursor
        after_id = 0 if cursor is None else _LETTERS.decode(cursor).letter_id
        async with reading(self._pool) as connection:
            found = await list_dead_letters(
                connection,
                filters.selection(caller.merchant_id),
                after_id=after_id,
                limit=filters.limit + 1,
            )
        page = Page.of(found, filters.limit, lambda last: LetterPlace(last.id))
        return page.with_items([listed_view(letter) for letter in page.items])

    async def show(self, letter_id: int, caller: _Caller) -> WholeDeadLetter:
        async with reading(self._pool) as connection:
            letter = await find_dead_letter(connection, letter_id, merchant_id=caller.merchant_id)
            if letter is None:
                raise NotFound(
                    "dead letter", remedy="List the dead letters: each service numbers its own."
                )
            audit = await list_audit(connection, letter_id)
        return whole_view(letter, audit)

    async def replay_one(
        self, letter_id: int, caller: _Caller, edited: EditedValue | None
    ) -> OutcomeView:
        value = edited.value if edited else None
        action = self._replaying(caller.merchant_id, caller, value)
        return outcome_view(await action(letter_id))

    async def discard_one(
        self, letter_id: int, caller: _Caller, request: DiscardOne
    ) -> OutcomeView:
        action = self._discarding(caller.merchant_id, caller, request.why)
        return outcome_view(await action(letter_id))

    async def replay(self, request: ReplayRequest, caller: _Caller) -> BulkView:
        selection = request.selection(caller.merchant_id)
        _check(request)
        _check_value(request)
        if request.dry_run:
            action = dry_run(
                self._replayer,
                merchant_id=selection.merchant_id,
                will_replay=True,
                trusts_unproven=caller.identity.is_operator,
            )
        else:
            action = self._replaying(selection.merchant_id, caller, request.value)
        return await self._bulk(request, selection, action)

    async def discard(self, request: DiscardRequest, caller: _Caller) -> BulkView:
        selection = request.selection(caller.merchant_id)
        _check(request)
        if request.dry_run:
            action = dry_run(self._replayer, merchant_id=selection.merchant_id, will_replay=False)
        else:
            action = self._discarding(selection.merchant_id, caller, request.why)
        return await self._bulk(request, selection, action)

    def _replaying(self, merchant_id: str | None, caller: _Caller, value: str | None) -> Action:
        return replaying(
            self._replayer,
            merchant_id=merchant_id,
            actor=caller.identity.name,
            value=None if value is None else value.encode(),
            trusts_unproven=caller.identity.is_operator,
        )

    def _discarding(self, merchant_id: str | None, caller: _Caller, why: str) -> Action:
        return discarding(
            self._replayer, merchant_id=merchant_id, actor=caller.identity.name, why=why
        )

    async def _bulk(self, request: Selected, selection: Selection, action: Action) -> BulkView:
        if request.ids is not None:
            ids = list(dict.fromkeys(request.ids))
            page = await settle_each(ids, action)
            return bulk_view(len(ids), page.results, None, page.stopped)
        place = None if request.cursor is None else _RANGES.decode(request.cursor)
        part = await settle_selected(
            self._pool,
            selection,
            action,
            id_range=IdRange(*place) if place else IdRange(),
            limit=request.limit,
        )
        remaining = part.remaining
        cursor = (
            cursor_of(*RangePlace(remaining.after_id, remaining.up_to_id))
            if remaining and remaining.up_to_id
            else None
        )
        return bulk_view(part.found, part.page.results, cursor, part.page.stopped)


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
