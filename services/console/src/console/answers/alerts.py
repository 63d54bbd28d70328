"""Answers of auth-service about what people and systems are told."""

from datetime import datetime

from console.answers import Answer


class Trouble(Answer):
    """Something that is not right, told once, and its end too."""

    trouble_id: str
    subject: str
    severity: str
    state: str
    title: str
    meaning: str
    remedy: str
    since: datetime
    closed_at: datetime | None
    outcome: str | None
    times: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    is_unread: bool | None
    shop_id: str | None
    feed_id: str | None
    catalogue_id: str | None
    run_id: str | None
    order_id: str | None


class Subscription(Answer):
    """Whether a person is told of a kind of trouble, by mail and in the console."""

    kind: str
    title: str
    severity: str
    mail: bool
    in_app: bool


class Subscriptions(Answer):
    """Of every kind."""

    email: str
    items: list[Subscription]


class Endpoint(Answer):
    """An address that troubles are sent to, signed."""

    endpoint_id: str
    url: str
    description: str
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None


class NewEndpoint(Answer):
    """A new address; its secret is shown this once."""

    endpoint_id: str
    url: str
    secret: str


class Delivery(Answer):
    """Something sent to an address, and what came of it."""

    delivery_id: str
    event: str
    state: str
    attempts: int
    queued_at: datetime
    last_status: int | None
    last_error: str | None


class Unread(Answer):
    """How many troubles the person has not seen."""

    count: int
