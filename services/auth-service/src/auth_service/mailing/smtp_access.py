"""Where the mail server is, and who sends. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SmtpAccess:
    """Where the mail server is and who sends. `security` is `starttls`, `tls` or `none`."""

    host: str
    port: int
    sender: str
    security: str = "starttls"
    user: str = ""
    password: str = ""
