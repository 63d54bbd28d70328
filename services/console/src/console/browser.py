"""Whether a form is this browser's and of this site. Pure."""

from collections.abc import Mapping

from common.web.forms import CookieNames

_SAME = {"same-origin", "none"}


class FormForeign(Exception):
    """The form was not made for this browser, or its cookie is gone."""


class ConsoleCookies(CookieNames):
    """The console's cookies."""

    def __init__(self, *, is_secure: bool) -> None:
        super().__init__("console", is_secure=is_secure)
        self.merchant = self.of("merchant")
        self.language = self.of("language")


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
    if not names.is_own(cookies, sent):
        raise FormForeign
    if headers.get("sec-fetch-site", "none") not in _SAME:
        raise FormForeign
    # without referrer some browsers send "null" with our own forms: the token decides then
    if headers.get("origin", origin) not in {origin, "null"}:
        raise FormForeign
