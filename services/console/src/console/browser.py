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


def is_of_ours(
    cookies: Mapping[str, str], names: CookieNames, sent: str, headers: Mapping[str, str]
) -> bool:
    """Whether a form that changes nothing may be shown again: it is this browser's, or comes from a
    page of ours, as browsers say, where the cookie of its session is gone."""
    site = headers.get("sec-fetch-site")
    return site == "same-origin" or (site in {None, *_SAME} and names.is_own(cookies, sent))
