"""Answers of auth-service about what people and systems are told."""

from datetime import datetime

from console.answers import Answer


class Trouble(Answer):
    """Something that is not right, in the language asked for; `page` is where it is repaired."""

    trouble_id: str
    kind: str
    severity: str
    state: str
    """open; quiet: over, and closed unless it comes again; closed."""
    title: str
    meaning: str
    remedy: str
    page: str | None
    since: datetime
    ended_at: datetime | None
    closed_at: datetime | None
    times: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    is_unread: bool | None
    """Null for those who have no read marks."""
    shop_id: str | None
    feed_id: str | None
    catalogue_id: str | None
    run_id: str | None
    order_id: str | None


class Unread(Answer):
    """How many troubles the person has not read."""

    count: int


class Subscription(Answer):
    """Whether the person is told of a kind, by mail and in the list."""

    kind: str
    title: str
    severity: str
    mail: bool
    in_app: bool
    is_default: bool


class Subscriptions(Answer):
    """All kinds, and where mails go."""

    email: str
    role: str
    items: list[Subscription]


class Tried(Answer):
    """To whom a test is on its way."""

    to: str


class Endpoint(Answer):
    """A webhook endpoint of the merchant."""

    endpoint_id: str
    url: str
    description: str
    kinds: list[str]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None


class NewEndpoint(Endpoint):
    """An endpoint just made; its secret is shown this once."""

    secret: str


class NewSecret(Answer):
    """A new secret, shown this once; the one before signs too until then."""

    secret: str
    former_signs_until: datetime


class Delivery(Answer):
    """An event on its way to an endpoint, or there."""

    delivery_id: str
    event_id: str
    event: str
    kind: str | None
    state: str
    attempts: int
    queued_at: datetime
    next_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    body: str
