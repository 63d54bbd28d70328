"""Which endpoints are taken, and which events each is sent. Pure."""

import re
from collections.abc import Sequence
from datetime import timedelta

from common.errors import Refusal
from common.outbound.guard import AddressRefused, Target, target_of

MOST_ENDPOINTS = 20
"""Of one merchant."""
LONGEST_URL = 2_000
OVERLAP = timedelta(hours=24)
"""How long the secret before signs too, after a new one was made."""
DISABLED_AFTER = timedelta(days=1)
"""How long an endpoint may fail."""
ALL = "*"
_FILTER = re.compile(r"[a-z][a-z0-9_]*\*?|\*")


def require_endpoint_url(url: str, allowed_hosts: frozenset[str]) -> Target:
    """The endpoint's address, which must be https but for hosts the operator allowed, for a local
    stack. Raises `Refusal`."""
    try:
        target = target_of(url, allowed_hosts)
    except AddressRefused as refused:
        raise _unusable(str(refused)) from None
    if target.scheme != "https" and not target.is_allowed:
        raise _unusable("only https addresses are taken")
    return target


def _unusable(why: str) -> Refusal:
    return Refusal(
        f"the address cannot be used: {why}",
        status=422,
        slug="webhook-url-unusable",
        field="url",
        remedy="Send an https address that is reached from the internet.",
    )


def require_filters(kinds: Sequence[str]) -> list[str]:
    """The filters, each once. Raises `Refusal` for one that is neither a kind nor a prefix with
    `*`."""
    wrong = [text for text in kinds if not _FILTER.fullmatch(text)]
    if wrong or not kinds:
        raise Refusal(
            f"not a filter of kinds: {', '.join(map(repr, wrong)) or 'none was sent'}",
            status=422,
            slug="webhook-filter-unusable",
            field="kinds",
            remedy="Send kinds (docs/alerts.md), beginnings such as order_* or * for all.",
        )
    return sorted(set(kinds))


def wants(filters: Sequence[str], kind: str) -> bool:
    """Whether an endpoint with these filters is sent what is of this kind."""
    return any(
        kind.startswith(text[:-1]) if text.endswith("*") else kind == text for text in filters
    )
