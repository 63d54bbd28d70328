"""What auth-service answers of troubles, subscriptions and webhooks."""

from datetime import datetime

import msgspec

from channel_cli.answers import Answer


class Trouble(Answer, frozen=True, kw_only=True):
    """What is wrong, what it means and what to do; closed once it is over."""

    trouble_id: str
    kind: str
    subject: str
    severity: str
    state: str
    title: str
    meaning: str
    remedy: str
    since: datetime
    times: int
    page: str | None = None
    ended_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    details: dict[str, str] = msgspec.field(default_factory=dict)


class Subscription(Answer, frozen=True, kw_only=True):
    """Whether a person is told of a kind, and by which channels."""

    kind: str
    title: str
    severity: str
    mail: bool
    in_app: bool
    is_default: bool


class Subscriptions(Answer, frozen=True, kw_only=True):
    """All kinds, for one person."""

    person_id: str
    email: str
    role: str
    items: list[Subscription]


class TestSent(Answer, frozen=True, kw_only=True):
    """Where a test is on its way to."""

    channel: str
    to: str
    delivery_id: str | None = None


class Endpoint(Answer, frozen=True, kw_only=True):
    """A webhook endpoint; `secret` only of one that was just made."""

    endpoint_id: str
    url: str
    description: str
    kinds: list[str]
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    secret: str | None = None


class NewSecret(Answer, frozen=True, kw_only=True):
    """A new secret; the one before signs too until then."""

    secret: str
    former_signs_until: datetime


class Delivery(Answer, frozen=True, kw_only=True):
    """An event for an endpoint."""

    delivery_id: str
    event_id: str
    event: str
    state: str
    attempts: int
    queued_at: datetime
    next_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
