"""Which endpoints are taken, and which events each is sent. Pure."""

import re
from collections.abc import Sequence
from datetime import timedelta
from difflib import get_close_matches
from urllib.parse import urlsplit

from auth_service.troubles.kinds import KINDS
from common.errors import Refusal
from common.outbound.guard import AddressRefused, Target, target_of

MOST_ENDPOINTS = 20
"""Of one merchant."""
LONGEST_URL = 2_000
LONGEST_HOST = 100
"""As it is told to people."""
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
    """The filters, each once. Raises `Refusal` for one that is neither a kind nor the beginning of
    one with `*`: nothing would ever be sent for it."""
    wrong = [text for text in kinds if not _FILTER.fullmatch(text)]
    if wrong or not kinds:
        raise _unusable_filter(
            f"not a filter of kinds: {', '.join(map(repr, wrong)) or 'none was sent'}"
        )
    unknown = [text for text in kinds if not any(wants([text], kind) for kind in KINDS)]
    if unknown:
        raise _unusable_filter(f"no kind is called so: {', '.join(map(_with_nearest, unknown))}")
    return sorted(set(kinds))


def _unusable_filter(title: str) -> Refusal:
    return Refusal(
        title,
        status=422,
        slug="webhook-filter-unusable",
        field="kinds",
        remedy="Send kinds (docs/alerts.md), beginnings such as order_* or * for all.",
    )


def _with_nearest(text: str) -> str:
    """The filter, and the one that may be meant."""
    known = list(KINDS)
    if text.endswith(ALL):
        cuts = {kind[: match.end()] for kind in KINDS for match in re.finditer("_", kind)}
        known = sorted(cut + ALL for cut in cuts)
    near = get_close_matches(text, known, n=1)
    return f"{text} (is {near[0]} meant?)" if near else text


def name_of(endpoint_id: str, url: str, description: str) -> str:
    """What people know the endpoint by: its description and host. A path or a query may be a
    secret of the system behind it, and is left out."""
    host = (urlsplit(url).hostname or "")[:LONGEST_HOST]
    return f"{description} ({host})" if description else f"{host} ({endpoint_id[:8]})"


def wants(filters: Sequence[str], kind: str) -> bool:
    """Whether an endpoint with these filters is sent what is of this kind."""
    return any(
        kind.startswith(text[:-1]) if text.endswith("*") else kind == text for text in filters
    )
