"""What a browser is given and must bring back: cookies, tokens of forms, where to go next. Pure.

A form's token is made of the cookie that came with it, so that no other site can make one: of the
session's where somebody is signed in, else of a cookie that each browser gets with its first form.
"""

import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from common.errors import Refusal

LONGEST_NEXT = 500
_PLAIN = re.compile(r"/[\x21-\x5b\x5d-\x7e]*")


class FormForeign(Refusal):
    """The form was not made for this browser, or its cookie is gone."""

    def __init__(self) -> None:
        super().__init__(
            "This form does not belong to this browser",
            status=403,
            slug="form-foreign",
            remedy="Open the page again, in a browser that keeps cookies, and send it from there.",
        )


class CookieNames:
    """`__Host-` binds a cookie to this host and to https, where that is how we are reached."""

    def __init__(self, *, is_secure: bool) -> None:
        prefix = "__Host-" if is_secure else ""
        self.is_secure = is_secure
        self.session = f"{prefix}channel_session"
        self.form = f"{prefix}channel_form"


def form_token(cookies: Mapping[str, str], names: CookieNames) -> str | None:
    """The token of this browser's forms; None when it has neither cookie."""
    key = cookies.get(names.session) or cookies.get(names.form)
    return None if not key else token_of(key)


def token_of(cookie: str) -> str:
    """The token of forms for a browser with this cookie."""
    return hmac.digest(cookie.encode(), b"channel form", "sha256").hex()


def require_form(cookies: Mapping[str, str], names: CookieNames, sent: str) -> None:
    """Raises `FormForeign` for a form that this browser was not given."""
    expected = form_token(cookies, names)
    if expected is None or not hmac.compare_digest(expected.encode(), sent.encode()):
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
