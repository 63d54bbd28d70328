"""The SMTP server of the catcher: takes every mail, sends none on."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.mails.mailbox import Mailbox

LARGEST_MAIL_BYTES = 5_000_000


class _Handler:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        refused = self._mailbox.next_refusal()
        if refused is not None:
            return f"{refused} refused by a control"
        content = envelope.content
        if isinstance(content, str):
            content = content.encode()
        self._mailbox.take(envelope.mail_from or "", list(envelope.rcpt_tos), content or b"")
        return "250 caught"


async def start_catcher(mailbox: Mailbox, host: str, port: int) -> asyncio.Server:
    """Listen until the server is closed."""
    loop = asyncio.get_running_loop()
    handler = _Handler(mailbox)
    return await loop.create_server(
        lambda: SMTP(
            handler,
            data_size_limit=LARGEST_MAIL_BYTES,
            enable_SMTPUTF8=True,
            hostname="sandbox",
            loop=loop,
        ),
        host,
        port,
    )
