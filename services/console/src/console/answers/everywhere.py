"""Answers that every service gives: dead letters, quarantines, waits, who changed what."""

from datetime import datetime
from typing import Any

from console.answers import Answer


class DeadLetter(Answer):
    """An event that could not be taken."""

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


class Settled(Answer):
    """Who did what with a dead letter."""

    at: datetime
    actor: str
    action: str
    outcome: str


class WholeDeadLetter(DeadLetter):
    """With the event itself."""

    recorded_at: datetime
    value: str | None
    is_text: bool
    audit: list[Settled]


class Outcome(Answer):
    """What became of a replay."""

    id: int
    outcome: str
    reason: str | None
    detail: str | None
    remedy: str | None


class Quarantine(Answer):
    """A source that is let in no more."""

    group: str
    source: str
    merchant_id: str
    reason: str
    since: datetime


class Parked(Answer):
    """Events that wait for something."""

    group: str
    waits_for: str
    merchant_id: str
    parked: int
    oldest_at: datetime
    oldest_expires_at: datetime


class FailedRow(Answer):
    """A row that a background job failed on."""

    job: str
    merchant_id: str
    subject: str
    is_set_aside: bool
    failures: int
    reason: str
    failed_at: datetime
    retry_at: datetime | None


class Audit(Answer):
    """Who changed what, and when."""

    at: datetime
    merchant_id: str | None
    actor: str
    actor_email: str | None
    action: str
    subject: str
    details: dict[str, Any]
    address: str | None
