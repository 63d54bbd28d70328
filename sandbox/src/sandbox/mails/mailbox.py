"""The mails that came, the newest last; the oldest are forgotten first."""

from collections.abc import Callable, Iterator
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import msgspec

MOST_KEPT = 5_000


class Mail(msgspec.Struct):
    """One mail. `times` is how often it came: one whose Message-ID came before is the same."""

    id: int
    message_id: str
    sender: str
    recipients: list[str]
    subject: str
    received_at: datetime
    text: str
    html: str
    headers: dict[str, str]
    times: int = 1


class Mailbox:
    """All mails of all recipients."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._mails: dict[int, Mail] = {}
        self._by_message_id: dict[str, int] = {}
        self._count = 0
        self.refusal: tuple[int, int] | None = None
        """An SMTP code to answer with, and how many mails more get it."""

    def take(self, sender: str, recipients: list[str], content: bytes) -> Mail:
        """Keep a mail as it came over the wire."""
        message = message_from_bytes(content, _class=EmailMessage, policy=default)
        message_id = str(message["message-id"] or "")
        known = self._by_message_id.get(message_id) if message_id else None
        if known is not None:
            self._mails[known].times += 1
            return self._mails[known]
        self._count += 1
        mail = Mail(
            id=self._count,
            message_id=message_id,
            sender=sender,
            recipients=recipients,
            subject=str(message["subject"] or ""),
            received_at=self._now(),
            text=_part(message, "plain"),
            html=_part(message, "html"),
            headers={name.lower(): str(value) for name, value in message.items()},
        )
        self._mails[mail.id] = mail
        self._by_message_id[message_id] = mail.id
        if len(self._mails) > MOST_KEPT:
            oldest = next(iter(self._mails.values()))
            self._forget(oldest)
        return mail

    def find(self, mail_id: int) -> Mail | None:
        """The mail of this id."""
        return self._mails.get(mail_id)

    def of(self, recipient: str = "", after: int = 0) -> Iterator[Mail]:
        """The mails to this recipient, or to all, after that id."""
        for mail in self._mails.values():
            if mail.id > after and recipient in {"", *mail.recipients}:
                yield mail

    def clear(self) -> None:
        """Forget all, and take every mail; ids go on."""
        self.refusal = None
        self._mails.clear()
        self._by_message_id.clear()

    def next_refusal(self) -> int | None:
        """The code the next mail is refused with; None: it is taken."""
        if self.refusal is None:
            return None
        code, left = self.refusal
        self.refusal = (code, left - 1) if left > 1 else None
        return code

    def _forget(self, mail: Mail) -> None:
        del self._mails[mail.id]
        self._by_message_id.pop(mail.message_id, None)


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return "" if part is None else str(part.get_content())
