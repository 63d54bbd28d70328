"""Begin to connect a shop: a ticket for the merchant's browser, then its way to AliExpress.

Renewing is the same (M1.4). The ticket first shows for whom the shop will be connected: who was
sent somebody else's link sees it before anything happens. It leads on once, from the browser that
was shown that; the state that travels to AliExpress and back is 256 random bits, used once, bound
to the cookie of that browser, and good for ten minutes (M1.2). Only hashes of all are stored.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from aliexpress.client import Client
from aliexpress.oauth import CodeVerifier, authorize_url
from auth_service.clients.secrets import hash_of, new_secret
from auth_service.connecting import store
from auth_service.merchants.eligibility import require_eligible
from auth_service.merchants.store import load_merchant
from auth_service.shops.publish_state import publish_states
from auth_service.shops.store import load_shop, make_shop
from common import clock
from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

ATTEMPT_LIFETIME = timedelta(minutes=10)


class TicketUnusable(Refusal):
    """The link was opened before, is too old, or was never given."""

    def __init__(self) -> None:
        super().__init__(
            "This link does not open any more",
            status=410,
            slug="ticket-unusable",
            rule="M1.2",
            remedy="A link opens once and within ten minutes. Ask for a new one and open it.",
        )


class NotShown(Refusal):
    """The browser goes on without having been shown for whom."""

    def __init__(self) -> None:
        super().__init__(
            "This browser was not shown whose shop would be connected",
            status=403,
            slug="not-shown",
            rule="M1.2",
            remedy="Open the link itself in a browser that keeps cookies, and go on from there.",
        )


@dataclass(frozen=True)
class Ticket:
    """What opens the way to AliExpress, once."""

    value: str
    expires_at: datetime


@dataclass(frozen=True)
class Invitation:
    """What a ticket will do, for the person to agree to."""

    merchant_id: str
    merchant_name: str
    shop_id: str
    account: str | None
    """The AliExpress account the shop belongs to already, by its name or id."""
    proof: str
    """What a browser that was shown this brings back when it goes on."""


@dataclass(frozen=True)
class Redirection:
    """Where the browser goes, and the cookie it must bring back."""

    url: str
    cookie: str


async def connect_shop(pool: Pool, merchant_id: str, shop_id: str, *, contact: str) -> Ticket:
    """A ticket to connect or renew the shop; a shop of a new name is made.

    Raises `NotFound` for an unknown merchant and `NotEligible` (M1.1).
    """
    ticket = Ticket(new_secret(), clock.now() + ATTEMPT_LIFETIME)
    async with unit_of_work(pool) as connection:
        merchant = await load_merchant(connection, merchant_id)
        require_eligible(merchant_id, merchant.is_eligible, contact)
        made = await make_shop(connection, merchant_id, shop_id)
        if made is not None:
            await publish_states(connection, [made])
        await store.add_attempt(
            connection,
            merchant_id,
            shop_id,
            ticket_hash=hash_of(ticket.value),
            expires_at=ticket.expires_at,
        )
        await record(connection, "shop.connect-link-made", shop_id, merchant_id=merchant_id)
    return ticket


async def show_invitation(pool: Pool, ticket: str) -> Invitation:
    """What the ticket will do; it still leads on afterwards. Raises `TicketUnusable`."""
    async with reading(pool) as connection:
        attempt = await store.find_waiting(connection, hash_of(ticket))
        if attempt is None:
            raise TicketUnusable
        merchant = await load_merchant(connection, attempt.merchant_id)
        shop = await load_shop(connection, attempt.merchant_id, attempt.shop_id)
    account = shop.seller_name or shop.seller_id
    return Invitation(
        merchant.merchant_id, merchant.name, shop.shop_id, account, hash_of(ticket).hex()
    )


async def start_connection(
    pool: Pool, client: Client, ticket: str, proof: str, *, redirect_uri: str, proves_code: bool
) -> Redirection:
    """Send the browser that was shown the ticket's invitation to AliExpress.

    With `proves_code` the code AliExpress will give is bound to this browser's cookie (PKCE S256).
    Raises `NotShown`, which leaves the ticket usable, and `TicketUnusable`.
    """
    if not hmac.compare_digest(hash_of(ticket).hex(), proof):
        raise NotShown
    state, cookie = new_secret(), new_secret()
    async with unit_of_work(pool) as connection:
        is_started = await store.start_attempt(
            connection,
            hash_of(ticket),
            state_hash=hash_of(state),
            cookie_hash=hash_of(cookie),
            expires_at=clock.now() + ATTEMPT_LIFETIME,
        )
    if not is_started:
        raise TicketUnusable
    verifier = CodeVerifier.of(cookie) if proves_code else None
    url = authorize_url(client, redirect_uri=redirect_uri, state=state, verifier=verifier)
    return Redirection(url, cookie)
