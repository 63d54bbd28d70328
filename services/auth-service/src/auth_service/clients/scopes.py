"""The scopes an API client may have. Pure."""

from common.errors import Refusal

MERCHANT_SCOPES = frozenset(
    f"{thing}:{right}"
    for thing in ("shops", "catalogue", "feeds", "orders", "dead-letters")
    for right in ("read", "write")
)
"""What a merchant's own client may be given."""


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
