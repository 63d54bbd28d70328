"""What a browser is given and must bring back: cookies, tokens of forms, where to go next. Pure.

A form's token is made of the cookie that came with it, so that no other site can make one: of the
session's where somebody is signed in, else of a cookie that each browser gets with its first form.
"""

import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

LONGEST_NEXT = 500
_PLAIN = re.compile(r"/[\x21-\x5b\x5d-\x7e]*")
_SAME = {"same-origin", "none"}


class FormForeign(Exception):
    """The form was not made for this browser, or its cookie is gone."""


class CookieNames:
    """`__Host-` binds a cookie to this host and to https, where that is how we are reached."""

    def __init__(self, *, is_secure: bool) -> None:
        prefix = "__Host-" if is_secure else ""
        self.is_secure = is_secure
        self.session = f"{prefix}console_session"
        self.form = f"{prefix}console_form"
        self.merchant = f"{prefix}console_merchant"
        self.language = f"{prefix}console_language"


def token_of(cookie: str) -> str:
    """The token of forms for a browser with this cookie."""
    return hmac.digest(cookie.encode(), b"console form", "sha256").hex()


def require_form(
    cookies: Mapping[str, str],
    names: CookieNames,
    sent: str,
    *,
    headers: Mapping[str, str],
    origin: str,
) -> None:
    """Raises `FormForeign` for a form that this browser was not given, or that another site sent:
    browsers say from where (`Origin`, `Sec-Fetch-Site`)."""
    key = cookies.get(names.session) or cookies.get(names.form)
    if not key or not hmac.compare_digest(token_of(key).encode(), sent.encode()):
        raise FormForeign
    if headers.get("sec-fetch-site", "none") not in _SAME:
        raise FormForeign
    # without referrer some browsers send "null" with our own forms: the token decides then
    if headers.get("origin", origin) not in {origin, "null"}:
        raise FormForeign


def safe_next(wanted: str) -> str | None:
    """Where to go after signing in: a path of this site, or None for anything else."""
    if len(wanted) > LONGEST_NEXT or not _PLAIN.fullmatch(wanted) or wanted.startswith("//"):
        return None
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else wanted
