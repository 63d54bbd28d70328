"""What REST is asked and answers about dead letters."""

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from common.contracts.envelope import header_map
from common.messaging.bulk import Outcome, Result
from common.messaging.dead_letters import AuditEntry, DeadLetter, Selection

IDS_AT_ONCE = 200

Storable = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
"""A text a filter may hold: what stands in the database has no NUL."""
LetterId = Annotated[int, Field(ge=1, le=2**63 - 1)]
LetterPath = Annotated[int, Path(ge=1, le=2**63 - 1)]
Why = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$"),
]


class Filters(BaseModel):
    """Which dead letters to list."""

    model_config = ConfigDict(extra="ignore")

    state: Literal["open", "replayed", "discarded", "all"] = "open"
    reason: Storable | None = None
    group: Storable | None = None
    source: Storable | None = None
    cursor: Annotated[str | None, Field(description="`next_cursor` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many items a page has at most.")] = (
        50
    )

    def selection(self, merchant_id: str | None) -> Selection:
        """What they select among a merchant's, or everyone's."""
        state = None if self.state == "all" else self.state
        return Selection(merchant_id, state, self.reason, self.group, self.source)


class FiltersOfAnyone(Filters):
    """The same for operators: `merchant_id` is one more filter."""

    merchant_id: Storable | None = None

    def selection(self, merchant_id: str | None) -> Selection:
        """What they select among everyone's."""
        return super().selection(merchant_id or self.merchant_id)


class DeadLetterView(BaseModel):
    """A dead letter: where it came from, why it is here, the remedy. `key` is cut at 300
    bytes."""

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
    updated_at: datetime
    key: str | None


class AuditView(BaseModel):
    """What somebody did to a dead letter: `replay`, `replay-edited` or `discard`, and what came of
    it; of a discard, why."""

    at: datetime
    actor: str
    action: str
    outcome: str


class WholeDeadLetter(DeadLetterView):
    """A dead letter with all it holds and all that was done to it.

    `value` is what came, whatever was sent in its place since. It is exact where `is_text`; else
    its bytes are no UTF-8, and what is none is shown as U+FFFD.
    """

    recorded_at: datetime
    value: str | None
    is_text: bool
    headers: dict[str, str]
    audit: list[AuditView]


class Selected(BaseModel):
    """Which dead letters are meant: those of `ids`, else the open ones that fit the filters.

    Without any filter, `all` has to say that every open one is meant. `dry_run` touches nothing
    and answers what would be. `limit` and `cursor` are for filters: while the answer has a
    `next_cursor`, the same request with it goes on.
    """

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[LetterId], Field(min_length=1, max_length=IDS_AT_ONCE)] | None = None
    all: StrictBool = False
    reason: Storable | None = None
    group: Storable | None = None
    source: Storable | None = None
    dry_run: StrictBool = False
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: str | None = None

    def selection(self, merchant_id: str | None) -> Selection:
        """The open ones that fit, among a merchant's or everyone's."""
        return Selection(merchant_id, "open", self.reason, self.group, self.source)


class ReplayRequest(Selected):
    """What to replay; `value` takes the place of a single one's own."""

    value: str | None = None


class DiscardRequest(Selected):
    """What to discard, and why: it stays in the audit."""

    why: Why


class ReplayOfAnyone(ReplayRequest):
    """The same for operators: `merchant_id` is one more filter."""

    merchant_id: Storable | None = None

    def selection(self, merchant_id: str | None) -> Selection:
        """The open ones that fit, among everyone's."""
        return super().selection(merchant_id or self.merchant_id)


class DiscardOfAnyone(DiscardRequest):
    """The same for operators: `merchant_id` is one more filter."""

    merchant_id: Storable | None = None

    def selection(self, merchant_id: str | None) -> Selection:
        """The open ones that fit, among everyone's."""
        return super().selection(merchant_id or self.merchant_id)


class EditedValue(BaseModel):
    """What to replay in place of the dead letter's own value; its own when left out."""

    model_config = ConfigDict(extra="forbid")

    value: str | None = None


class DiscardOne(BaseModel):
    """Why a dead letter is discarded."""

    model_config = ConfigDict(extra="forbid")

    why: Why


class OutcomeView(BaseModel):
    """What became of one dead letter.

    Settled: `taken`, `parked` (it waits for what it needs), `discarded`. Open: `rejected` (with its
    reason now), `open` (a dry run), `not-tried` (the request ended before), `failed` (the service's
    log says why). Not touched: `not-found`, `already-settled`, `no-handler`.
    """

    id: int
    outcome: Outcome
    reason: str | None
    detail: str | None
    remedy: str | None


class BulkView(BaseModel):
    """What became of each, in order.

    `found` is how many were meant: the ids, or the open ones that fit and were left to do.
    `counts` are `items` by outcome. `stopped` says why the request ended early.
    """

    found: int
    counts: dict[Outcome, int]
    items: list[OutcomeView]
    next_cursor: str | None
    stopped: str | None


def _shown(letter: DeadLetter) -> dict[str, object]:
    record = letter.record
    return {
        "id": letter.id,
        "group": letter.consumer_group,
        "place": f"{record.topic}/{record.partition}/{record.offset}",
        "source": letter.source,
        "merchant_id": letter.merchant_id,
        "reason": letter.reason,
        "detail": letter.detail,
        "remedy": letter.remedy,
        "state": letter.state,
        "attempts": letter.attempts,
        "created_at": letter.created_at,
        "updated_at": letter.updated_at,
        "key": None if record.key is None else record.key[:300].decode(errors="replace"),
    }


def listed_view(letter: DeadLetter) -> DeadLetterView:
    """One of a list."""
    return DeadLetterView(**_shown(letter))


def whole_view(letter: DeadLetter, audit: list[AuditEntry]) -> WholeDeadLetter:
    """One alone, with its audit."""
    record = letter.record
    value = None if record.value is None else record.value.decode(errors="replace")
    return WholeDeadLetter(
        **_shown(letter),
        recorded_at=datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
        value=value,
        is_text=value is not None and value.encode() == record.value,
        headers=dict(header_map(record.headers)),
        audit=[AuditView(**asdict(entry)) for entry in audit],
    )


def outcome_view(result: Result) -> OutcomeView:
    """What became of one."""
    return OutcomeView(
        id=result.id,
        outcome=result.outcome,
        reason=result.reason,
        detail=result.detail,
        remedy=result.remedy,
    )


def bulk_view(
    found: int, results: list[Result], next_cursor: str | None, stopped: str | None
) -> BulkView:
    """What became of many."""
    return BulkView(
        found=found,
        counts=dict(Counter(result.outcome for result in results)),
        items=[outcome_view(result) for result in results],
        next_cursor=next_cursor,
        stopped=stopped,
    )
