"""Forms that browsers send: whose they are, and where to go next. Pure.

A form's token is made of the cookie that came with it, so that no other site can make one: of the
session's where somebody is signed in, else of a cookie that each browser gets with its first form.
"""

import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

LONGEST_NEXT = 500
_PLAIN = re.compile(r"/[\x21-\x5b\x5d-\x7e]*")


class CookieNames:
    """The cookies of a site (`site` tells it from others of the same host). `__Host-` binds them to
    this host and to https, where that is how we are reached."""

    def __init__(self, site: str, *, is_secure: bool) -> None:
        self.site = site
        self.is_secure = is_secure
        self.session = self.of("session")
        self.form = self.of("form")

    def of(self, name: str) -> str:
        """The site's cookie for something else."""
        return f"{'__Host-' if self.is_secure else ''}{self.site}_{name}"

    def token_of(self, cookie: str) -> str:
        """The token of forms for a browser with this cookie."""
        return hmac.digest(cookie.encode(), f"{self.site} form".encode(), "sha256").hex()

    def form_token(self, cookies: Mapping[str, str]) -> str | None:
        """The token of this browser's forms; None when it has neither cookie."""
        key = cookies.get(self.session) or cookies.get(self.form)
        return self.token_of(key) if key else None

    def is_own(self, cookies: Mapping[str, str], sent: str) -> bool:
        """Whether a form with this token was made for this browser."""
        expected = self.form_token(cookies)
        return expected is not None and hmac.compare_digest(expected.encode(), sent.encode())


def safe_next(wanted: str) -> str | None:
    """Where to go after signing in: a path of this site, or None for anything else."""
    if len(wanted) > LONGEST_NEXT or not _PLAIN.fullmatch(wanted) or wanted.startswith("//"):
        return None
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else wanted
