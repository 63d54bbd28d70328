"""The composition root of auth-service: what it is made of, on one screen."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from aliexpress.measure_limits import LIMITS_MEASURED_EVERY, measure_limits
from aliexpress.wiring import client_of
from auth_service.alerting import Alerting
from auth_service.alerts.links import Links
from auth_service.alerts.subscription_api import subscription_router
from auth_service.alerts.trouble_api import trouble_router
from auth_service.clients.api import client_router
from auth_service.clients.bootstrap import bootstrap_clients
from auth_service.clients.signing_keys import SigningKeys
from auth_service.connecting.api import START_PATH, connect_router
from auth_service.expiry.watch_tokens import watch_tokens
from auth_service.invitations.api import ACCEPT, FORGOT, RESET, SHOW, invitation_router
from auth_service.invitations.bootstrap import bootstrap_operator
from auth_service.invitations.invite_person import Sender, forget_old_links
from auth_service.mailing import store as mail_store
from auth_service.mailing.queue_mail import MailQueue
from auth_service.merchants.api import merchant_router
from auth_service.overview.api import overview_router
from auth_service.people.api import people_router
from auth_service.producer_keys import store as producer_key_store
from auth_service.producer_keys.api import producer_key_router
from auth_service.refreshing.refresh_tokens import Refresher, refresh_tokens
from auth_service.sealing.rewrap import rewrap_next
from auth_service.sealing.store import SealedRows
from auth_service.sealing.token_vault import TokenVault
from auth_service.second_factor import store as factor_store
from auth_service.sessions.api import EXCHANGE, ME, PASSWORD, SIGN_IN, session_router
from auth_service.sessions.factor_api import CONFIRM, DISABLE, FACTOR, factor_router
from auth_service.sessions.passwords import Cost, Passwords
from auth_service.sessions.sign_in import Guard, forget_ended_sessions
from auth_service.sessions.throttle import SignInThrottle
from auth_service.settings import AuthSettings
from auth_service.shops import store as shop_store
from auth_service.shops.api import shop_router
from auth_service.shops.follow_merchant import follow_merchant
from auth_service.shops.refresh import store as refresh_store
from auth_service.shops.republish import republish_daily
from auth_service.signing_in.api import PAGES, signing_in_router
from auth_service.tokens.api import token_router
from auth_service.tokens.measure_tokens import measure_tokens
from auth_service.troubles.follow_conditions import GROUP, subscription
from auth_service.webhooks import store as webhook_store
from auth_service.webhooks.delivery_api import delivery_router
from auth_service.webhooks.endpoint_api import endpoint_router
from common.jobs import Job
from common.service import Context, Parts, Service

FORGOTTEN_EVERY = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OF_PEOPLE = (
    *(SIGN_IN, EXCHANGE, ME, PASSWORD, FACTOR, CONFIRM, DISABLE),
    *(ACCEPT, FORGOT, RESET, SHOW),
)
"""Paths that take bodies by a session, a password or a link, and not by a token."""


def build(context: Context[AuthSettings]) -> Parts:
    """Wire the service; no I/O but reading the key file."""
    settings, pool = context.settings, context.pool
    keys = SigningKeys.parse(settings.signing_key.get_secret_value())
    context.verifier.trust(keys.verifying())
    vault = TokenVault.parse(settings.master_keys.get_secret_value())
    client = client_of(settings, pool)

    refresher = Refresher(pool, client, vault, settings.instance_id)
    refreshing = Job(
        "refresh-tokens", lambda: refresh_tokens(refresher), every=timedelta(seconds=10)
    )

    passwords = Passwords(
        Cost(settings.password_memory_kib, settings.password_passes, settings.password_lanes)
    )
    guard = Guard(passwords, SignInThrottle(), vault)
    mails = MailQueue(vault)
    sender = Sender(settings.links_url, mails.queue_mail)
    links = Links(settings.public_url, settings.console_url)
    alerting = Alerting(pool, vault, mails, links, settings, poll=context.poll)

    def rewrapping(rows: SealedRows) -> Callable[[], Awaitable[bool]]:
        return partial(rewrap_next, pool, vault, rows)

    async def bootstrap() -> bool:
        await bootstrap_clients(pool, settings.bootstrap_clients)
        await bootstrap_operator(pool, sender, settings.bootstrap_operator)
        return False

    return Parts(
        public=["/v1/token", START_PATH, *OF_PEOPLE, *PAGES],
        routers=[
            client_router(pool, keys),
            merchant_router(pool, follow_merchant),
            shop_router(pool, refreshes_tokens=settings.refreshes_tokens),
            overview_router(pool),
            connect_router(pool, client, vault, settings),
            token_router(pool, client, vault),
            producer_key_router(pool, vault),
            people_router(pool),
            session_router(pool, guard, keys),
            factor_router(pool, guard),
            invitation_router(pool, sender, guard),
            signing_in_router(pool, guard, sender, settings),
            trouble_router(pool, links),
            subscription_router(pool, mails),
            endpoint_router(pool, vault, settings.webhook_allowed_hosts),
            delivery_router(pool),
        ],
        consumers=[context.consumer(GROUP, subscription())],
        jobs=[
            *alerting.jobs(),
            Job("bootstrap", bootstrap, every=timedelta(hours=1)),
            Job("expiry", lambda: watch_tokens(pool), every=timedelta(seconds=5)),
            Job("rotate-keys", rewrapping(shop_store.SEALED), every=MINUTE),
            Job("rotate-refresh-keys", rewrapping(refresh_store.SEALED), every=MINUTE),
            Job("rotate-producer-keys", rewrapping(producer_key_store.SEALED), every=MINUTE),
            Job("rotate-second-factors", rewrapping(factor_store.SEALED), every=MINUTE),
            Job("rotate-mail-keys", rewrapping(mail_store.SEALED), every=MINUTE),
            Job("rotate-webhook-keys", rewrapping(webhook_store.SEALED), every=MINUTE),
            Job("forget-sessions", lambda: forget_ended_sessions(pool), every=FORGOTTEN_EVERY),
            Job("forget-links", lambda: forget_old_links(pool), every=FORGOTTEN_EVERY),
            Job("republish", lambda: republish_daily(pool), every=timedelta(seconds=30)),
            Job("measure-limits", lambda: measure_limits(pool), every=LIMITS_MEASURED_EVERY),
            Job("measure-tokens", lambda: measure_tokens(pool), every=timedelta(seconds=10)),
            *([refreshing] if settings.refreshes_tokens else []),
        ],
        closers=[client.aclose, passwords.close, alerting.aclose],
    )


SERVICE = Service("auth-service", AuthSettings, Path(__file__).parent / "migrations", build)
