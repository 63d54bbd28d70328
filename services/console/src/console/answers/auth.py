"""Answers of auth-service."""

from datetime import datetime

from console.answers import Answer


class NewSession(Answer):
    """A session just made; its secret is told this once."""

    session: str
    ends_at: datetime


class ServiceToken(Answer):
    """An API client's token."""

    access_token: str


class Invitation(Answer):
    """Who was sent a link; operators see it."""

    email: str
    expires_at: datetime
    link: str | None


class LinkShown(Answer):
    """What a link opens."""

    email: str
    merchant_name: str | None
    needs_password: bool


class Merchant(Answer):
    """A merchant, and whether it may sell."""

    merchant_id: str
    name: str
    is_eligible: bool
    created_at: datetime


class Merchants(Answer):
    """The first merchants that were found."""

    items: list[Merchant]


class Shop(Answer):
    """A shop and its connection to AliExpress."""

    merchant_id: str
    shop_id: str
    is_eligible: bool
    connection: str
    generation: int
    seller_id: str | None
    seller_name: str | None
    connected_at: datetime | None
    expires_at: datetime | None
    refreshes_itself: bool
    next_refresh_at: datetime | None
    refresh_refused: str | None


class ConnectLink(Answer):
    """Where a browser begins to connect a shop."""

    start_url: str
    expires_at: datetime


class Membership(Answer):
    """A member of a merchant; `accepted_at` is null while the invitation is open."""

    person_id: str
    email: str
    display_name: str | None
    role: str
    created_at: datetime
    accepted_at: datetime | None


class ApiClient(Answer):
    """An API client, without its secret."""

    client_id: str
    name: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None


class LivingSession(Answer):
    """One of a person's sessions."""

    session_id: str
    made_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    address: str
    user_agent: str
    is_this: bool


class LivingSessions(Answer):
    """All of a person's sessions."""

    items: list[LivingSession]


class FactorSecret(Answer):
    """What an authenticator app is given, shown once."""

    secret: str
    uri: str


class RecoveryCodes(Answer):
    """For when the app is lost, shown once."""

    recovery_codes: list[str]
