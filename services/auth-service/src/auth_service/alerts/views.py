"""What REST shows of troubles and subscriptions."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from auth_service.alerts.links import Links
from auth_service.alerts.subscriptions import CHANNELS, Channel, Overrides, is_on
from auth_service.languages import Language
from auth_service.people.person import Member
from auth_service.troubles.kinds import KINDS
from auth_service.troubles.texts.describe import TEXTS, describe
from auth_service.troubles.trouble import Trouble

OnePart = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class TroublePlace(NamedTuple):
    """Troubles are listed from the newest on."""

    opened_at: datetime
    trouble_id: str


class TroubleView(BaseModel):
    """A trouble: what is wrong, what it means, what to do and on which page, in the language
    asked for.

    `state`: open; quiet, which is over and is closed unless it comes again; closed. `times`: how
    often it was there. `is_unread` is null for callers that are no person.
    """

    trouble_id: str
    kind: str
    subject: str
    severity: str
    state: Literal["open", "quiet", "closed"]
    title: str
    meaning: str
    remedy: str
    page: str | None
    since: datetime
    opened_at: datetime
    ended_at: datetime | None
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
    details: dict[str, str]

    @classmethod
    def of(
        cls, trouble: Trouble, language: Language, links: Links, *, is_unread: bool | None
    ) -> "TroubleView":
        """The trouble in this language."""
        text = describe(trouble, language)
        is_quiet = trouble.closed_at is None and trouble.quiet_until is not None
        return cls(
            trouble_id=trouble.trouble_id,
            kind=trouble.kind,
            subject=trouble.subject,
            severity=trouble.severity,
            state="closed" if trouble.closed_at else "quiet" if is_quiet else "open",
            title=text.title,
            meaning=text.meaning,
            remedy=text.remedy,
            page=links.to(trouble),
            since=trouble.since,
            opened_at=trouble.opened_at,
            ended_at=trouble.quiet_since,
            closed_at=trouble.closed_at,
            outcome=trouble.outcome,
            times=trouble.times,
            acknowledged_at=trouble.acknowledged_at,
            acknowledged_by=trouble.acknowledged_by,
            is_unread=is_unread,
            shop_id=trouble.shop_id,
            feed_id=trouble.feed_id,
            catalogue_id=trouble.catalogue_id,
            run_id=trouble.run_id,
            order_id=trouble.order_id,
            details=trouble.details,
        )


class Unread(BaseModel):
    """How many troubles the person has not read, of the kinds they are told of in the list."""

    count: int


class ReadBody(BaseModel):
    """What was read: these troubles, or all without ids."""

    model_config = ConfigDict(extra="forbid")

    trouble_ids: Annotated[list[OnePart], Field(max_length=200)] | None = None


class Marked(BaseModel):
    """How many troubles are marked as read."""

    count: int


class SubscriptionView(BaseModel):
    """Whether a person is told of a kind: by mail, and in the list of unread troubles.
    `is_default` where both follow from the person's role."""

    kind: str
    title: str
    severity: str
    mail: bool
    in_app: bool
    is_default: bool


class Subscriptions(BaseModel):
    """All kinds, in the order of docs/alerts.md."""

    person_id: str
    email: str
    role: str
    items: list[SubscriptionView]

    @classmethod
    def of(cls, member: Member, chosen: Overrides, language: Language) -> "Subscriptions":
        """The member's, by what they chose and their role."""
        items = [
            SubscriptionView(
                kind=kind,
                title=TEXTS[language][kind].title.format_map(_Placeholders()),
                severity=KINDS[kind].severity,
                mail=is_on(member.role, kind, "mail", chosen),
                in_app=is_on(member.role, kind, "in_app", chosen),
                is_default=not any((kind, channel) in chosen for channel in CHANNELS),
            )
            for kind in KINDS
        ]
        return cls(person_id=member.person_id, email=member.email, role=member.role, items=items)


class _Placeholders(dict[str, str]):
    """What a kind's text is filled with that is of no trouble."""

    def __missing__(self, key: str) -> str:
        return "..."


class ChoiceBody(BaseModel):
    """A choice: whether to be told of this kind by this channel."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(max_length=64)]
    channel: Channel
    is_on: bool


class ChoicesBody(BaseModel):
    """Choices, in place of those before; what is not named follows from the role."""

    model_config = ConfigDict(extra="forbid")

    choices: Annotated[list[ChoiceBody], Field(max_length=200)]


class TestBody(BaseModel):
    """A test: a mail to the person who asks (operators name one), or a delivery to an endpoint."""

    model_config = ConfigDict(extra="forbid")

    channel: Literal["mail", "webhook"]
    person_id: Annotated[str, Field(max_length=64)] | None = None
    endpoint_id: OnePart | None = None


class TestView(BaseModel):
    """What is on its way: to whom, and the delivery's id of a webhook."""

    channel: str
    to: str
    delivery_id: str | None = None
