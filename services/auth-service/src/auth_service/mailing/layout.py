"""A mail as it is sent: text and HTML of the same content, with the headers of its row."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from auth_service.languages import Language
from auth_service.mailing.content import Content

LONGEST_SUBJECT = 150

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html.j2"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Envelope:
    """Who sends the mail to whom, and its row's id: its Message-ID is made of that alone, so that a
    mail sent twice after a lost answer is recognised as one."""

    mail_id: str
    sender: str
    recipient: str
    queued_at: datetime

    @property
    def message_id(self) -> str:
        """The same for every attempt."""
        return f"<{self.mail_id}@{domain_of(self.sender)}>"


def domain_of(address: str) -> str:
    """The domain of an address, with or without a name before it."""
    return parseaddr(address)[1].rpartition("@")[2] or "localhost"


def message_of(content: Content, envelope: Envelope, language: Language) -> EmailMessage:
    """The whole mail. Raises `ValueError` for an address that cannot stand in a header."""
    message = EmailMessage(policy=SMTP)
    name, sender = parseaddr(envelope.sender)
    message["From"] = Address(name, addr_spec=sender)
    message["To"] = Address(addr_spec=envelope.recipient)
    message["Subject"] = one_line(content.subject)[:LONGEST_SUBJECT]
    message["Date"] = format_datetime(envelope.queued_at)
    message["Message-ID"] = envelope.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(as_text(content))
    message.add_alternative(as_html(content, language), subtype="html")
    message["Content-Language"] = language  # later than what moves such headers into a part
    return message


def one_line(text: str) -> str:
    """The text without line breaks and control characters: what may stand in a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def as_text(content: Content) -> str:
    """The mail for who reads text."""
    return _templates.get_template("mail.txt.j2").render(content=content)


def as_html(content: Content, language: Language) -> str:
    """The mail for who reads HTML; everything in it is escaped."""
    return _templates.get_template("mail.html.j2").render(content=content, language=language)
