"""The scopes an API client may have, and those of a person by role. Pure."""

from collections.abc import Mapping

from common.errors import Refusal
from common.web.identity import OPERATOR

_THINGS = ("shops", "catalogue", "feeds", "orders", "dead-letters")
_READS = frozenset(f"{thing}:read" for thing in _THINGS)
_DAILY_WORK = frozenset({"feeds:run", "orders:ship"})
_ALERTS = frozenset({"alerts:read", "alerts:write"})
_WEBHOOKS = frozenset({"webhooks:read", "webhooks:write"})

MERCHANT_SCOPES = (
    _READS
    | _DAILY_WORK
    | _ALERTS
    | _WEBHOOKS
    | {f"{thing}:write" for thing in _THINGS}
    | frozenset({"audit:read"})
)
"""What a merchant's own client may be given. Members and clients are people's to change: a client
that could make others would outlive its revocation."""

SCOPES_OF_ROLE: Mapping[str, frozenset[str]] = {
    "viewer": _READS | {"alerts:read"},
    "agent": _READS | _DAILY_WORK | _ALERTS,
    "owner": MERCHANT_SCOPES
    | {f"{thing}:{right}" for thing in ("members", "clients") for right in ("read", "write")},
}
"""What a person may do of a merchant's, by role there."""
OPERATOR_SCOPES = frozenset({OPERATOR})


def require_merchant_scopes(scopes: list[str]) -> None:
    """Raises `Refusal` when one of them is unknown or not for merchants."""
    unknown = sorted(set(scopes) - MERCHANT_SCOPES)
    if unknown or not scopes:
        raise Refusal(
            f"not for a merchant's client: {', '.join(unknown) or 'no scope at all'}",
            status=422,
            slug="scope-unknown",
            field="scopes",
            remedy=f"Choose from {', '.join(sorted(MERCHANT_SCOPES))}.",
        )
