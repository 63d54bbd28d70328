"""Send what is queued (M9.1): each mail once, as far as SMTP lets us.

Before a mail is handed over its row says so (`sending`), in a transaction of its own, and right
after the server's answer it says `sent`. A process that is killed in between, or a lost answer,
leaves a mail that may have been sent; it is sent again, with the same Message-ID: of a connection
that expires or an order that is late, being told twice is better than not at all, and mail programs
that look at the Message-ID show it once. What the server refuses for good is given up; what it does
not take is tried again over a day.
"""

import random
from datetime import timedelta
from functools import partial

import structlog

from auth_service.languages import language_of
from auth_service.mailing import store
from auth_service.mailing.content import content_of
from auth_service.mailing.layout import Envelope, message_of
from auth_service.mailing.queue_mail import MailQueue
from auth_service.mailing.smtp import MailRefused, SmtpConnection, smtp_connection
from auth_service.mailing.smtp_access import SmtpAccess
from auth_service.retries import next_attempt
from auth_service.sealing.token_vault import SealBroken
from common import clock
from common.errors import Outage
from common.failpoints import reach
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import unit_of_work
from common.telemetry.names import MAILS
from common.telemetry.setup import counter

log = structlog.get_logger()

JOB = "send-mails"
AT_ONCE = 5
CLAIMED_FOR = timedelta(minutes=2)
"""By the system's clock; longer than the mails of one claim may take."""
KEPT = timedelta(days=30)
WAITED_AT_MOST = timedelta(days=7)
"""How long a mail is kept that no server is set for."""

_mails = counter(MAILS)


class MailSender:
    """Sends the queued mails of all merchants; without `access` they are kept."""

    def __init__(
        self, pool: Pool, queue: MailQueue, access: SmtpAccess | None, holder: str
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._access = access
        self._holder = holder
        self._has_reclaimed = False
        self._has_said = False

    async def take_turn(self) -> bool:
        """Send the next few. Whether there were any."""
        if self._access is None:
            self._say_once()
            return False
        async with unit_of_work(self._pool) as connection:
            if not self._has_reclaimed:
                await store.release_claims(connection, self._holder)
            mails = await store.claim_due(
                connection, JOB, self._holder, lasts=CLAIMED_FOR, limit=AT_ONCE
            )
        self._has_reclaimed = True
        if mails:
            await self._send_all(self._access, mails)
        return bool(mails)

    async def forget_old(self) -> bool:
        """Delete what was sent, or waits in vain, since long. Whether there was any."""
        now = clock.now()
        async with unit_of_work(self._pool) as connection:
            forgotten = await store.forget_mails(
                connection,
                ended_before=now - KEPT,
                queued_before=now - WAITED_AT_MOST,
                limit=1_000,
            )
        return bool(forgotten)

    async def _send_all(self, access: SmtpAccess, mails: list[store.Mail]) -> None:
        waiting = list(mails)
        try:
            async with smtp_connection(access) as server:
                while waiting:
                    mail = waiting.pop(0)
                    try:
                        await alone(
                            self._pool,
                            JOB,
                            RowKey("", mail.mail_id),
                            partial(self._send, server, access, mail),
                        )
                    except Outage as outage:
                        await self._failed(mail, str(outage))
                        break
        except Outage as outage:  # no connection: all of them wait
            for mail in waiting:
                await self._failed(mail, str(outage))
            return
        async with unit_of_work(self._pool) as connection:
            await store.give_back(connection, [mail.mail_id for mail in waiting])

    async def _send(self, server: SmtpConnection, access: SmtpAccess, mail: store.Mail) -> None:
        language = language_of(mail.language)
        envelope = Envelope(mail.mail_id, access.sender, mail.recipient, mail.queued_at)
        try:
            content = content_of(mail.template, language, self._queue.parameters_of(mail))
            message = message_of(content, envelope, language)
            reach("mail.after-claim")
            await server.send(message)
        except (MailRefused, SealBroken, ValueError, KeyError, IndexError) as error:
            reason = str(error) if isinstance(error, MailRefused) else type(error).__name__
            await self._given_up(mail, reason)
            return
        reach("mail.after-send")
        async with unit_of_work(self._pool) as connection:
            await store.note_sent(connection, mail.mail_id)
        _mails.add(1, {"outcome": "sent"})

    async def _failed(self, mail: store.Mail, reason: str) -> None:
        drawn = random.random()  # noqa: S311 - spreads attempts
        again = next_attempt(mail.attempts, mail.queued_at, clock.now(), drawn=drawn)
        if again is None:
            await self._given_up(mail, reason)
            return
        async with unit_of_work(self._pool) as connection:
            await store.postpone(connection, mail.mail_id, again, reason)
        _mails.add(1, {"outcome": "postponed"})
        log.warning("mail.postponed", mail=mail.mail_id, attempts=mail.attempts, reason=reason)

    async def _given_up(self, mail: store.Mail, reason: str) -> None:
        async with unit_of_work(self._pool) as connection:
            await store.note_given_up(connection, mail.mail_id, reason)
        _mails.add(1, {"outcome": "given_up"})
        log.error("mail.given_up", mail=mail.mail_id, template=mail.template, reason=reason)

    def _say_once(self) -> None:
        if not self._has_said:
            self._has_said = True
            log.warning(
                "mail.no_server",
                remedy="Set AUTH_SMTP_HOST and AUTH_SMTP_FROM; mails are kept for a week.",
            )
