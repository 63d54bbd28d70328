"""The mail server, spoken to by SMTP: one connection for a few mails."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage

import aiosmtplib

from auth_service.mailing.smtp_access import SmtpAccess
from common.errors import Outage
from common.supervision import bounded, close

ANSWERED_WITHIN = timedelta(seconds=10)


class MailRefused(Exception):
    """The server refuses this mail, and would again; the text is its answer without addresses."""


class SmtpConnection:
    """An open connection."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client

    async def send(self, message: EmailMessage) -> None:
        """Hand the mail over. Raises `MailRefused`, or `Outage` where a later attempt may do; after
        a lost answer it may have been taken."""
        try:
            await bounded(self._client.send_message(message), ANSWERED_WITHIN)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            codes = [one.code for one in refused.recipients]
            _raise(max(codes, default=450), "the recipient")
        except aiosmtplib.SMTPResponseException as answer:
            _raise(answer.code, "the mail")
        except (aiosmtplib.SMTPNotSupported, ValueError) as error:
            raise MailRefused(type(error).__name__) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Outage(f"the mail server: {type(error).__name__}") from error


def _raise(code: int, what: str) -> None:
    """A server's refusal: for good by its codes from 500 on (RFC 5321 4.2.1)."""
    if 500 <= code < 600:
        raise MailRefused(f"the mail server refuses {what} ({code})")
    raise Outage(f"the mail server refuses {what} for now ({code})")


@asynccontextmanager
async def smtp_connection(access: SmtpAccess) -> AsyncIterator[SmtpConnection]:
    """Connect for the block. Raises `Outage` where that fails."""
    client = aiosmtplib.SMTP(
        hostname=access.host,
        port=access.port,
        timeout=ANSWERED_WITHIN.total_seconds(),
        use_tls=access.security == "tls",
        start_tls=access.security == "starttls",
        username=access.user or None,
        password=access.password or None,
    )
    try:
        await bounded(client.connect(), ANSWERED_WITHIN * 2)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise Outage(f"the mail server: {type(error).__name__}") from error
    try:
        yield SmtpConnection(client)
    finally:
        if client.is_connected:
            await close(client.quit(), "smtp", within=ANSWERED_WITHIN)
