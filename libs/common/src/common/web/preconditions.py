"""Conditional requests (RFC 9110, 13): a change that is made only of what its sender has read."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header

from common.errors import Refusal

_TAGS = r'^(\*|\s*(W/)?"[\x21\x23-\x7e]*"(\s*,\s*(W/)?"[\x21\x23-\x7e]*")*\s*)$'
_ANY = "*"


@dataclass(frozen=True)
class Preconditions:
    """What has to hold for the request to be done; without headers nothing has to.

    `if_match` and `if_none_match` are the headers as sent: tags in quotes, or `*`.
    """

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, etag: str | None, *, what: str, remedy: str) -> None:
        """Raise `Refusal` (412) where they do not hold of a thing with this tag (None: there is no
        such thing). `what` names it, `remedy` says what to read before it is sent again."""
        if self.if_match is not None and not _is_among(etag, self.if_match):
            now = "is not there" if etag is None else f"has the version {etag} now"
            raise _failed(f"the {what} has changed since it was read: it {now}", "If-Match", remedy)
        if self.if_none_match is not None and _is_among(etag, self.if_none_match):
            raise _failed(f"the {what} is there, in version {etag}", "If-None-Match", remedy)


WITH_ETAG: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "ETag": {
                "schema": {"type": "string"},
                "description": "Names this state: send it as If-Match to change no other.",
            }
        }
    }
}
"""For routes that answer an `ETag`, so that OpenAPI tells of it."""


def etag_of(version: str | int) -> str:
    """The tag of a version, as headers have it."""
    return f'"{version}"'


def _is_among(etag: str | None, sent: str) -> bool:
    """Whether one of the tags sent is this one; a weak one (`W/`) never is, for a change."""
    if etag is None:
        return False
    return sent == _ANY or etag in (tag.strip() for tag in sent.split(","))


def _failed(title: str, header: str, remedy: str) -> Refusal:
    return Refusal(title, status=412, slug="precondition-failed", field=header, remedy=remedy)


async def _read(
    if_match: Annotated[
        str | None,
        Header(pattern=_TAGS, description="Do it only where the `ETag` is still one of these."),
    ] = None,
    if_none_match: Annotated[
        str | None, Header(pattern=_TAGS, description="`*`: do it only where there is none yet.")
    ] = None,
) -> Preconditions:
    return Preconditions(if_match, if_none_match)


Conditional = Annotated[Preconditions, Depends(_read)]
"""The preconditions of a request."""
UNCONDITIONAL = Preconditions()
