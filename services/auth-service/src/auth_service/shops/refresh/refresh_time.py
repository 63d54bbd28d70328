"""When a token is refreshed (M1.8). Pure."""

import hashlib
from datetime import datetime, timedelta

LONGEST_LEAD = timedelta(days=16)
"""Before the first step towards the end (14 days): what is refreshed in time warns nobody, and what
is refused leaves every step to come."""
SHORTEST_LIFE = timedelta(hours=12)
"""A pair that lives shorter is not refreshed: it would be for ever."""
SPREAD = 1 / 8
"""By what part of itself a shop's lead may be longer: those connected at once call apart."""


def refresh_at(
    granted_at: datetime, expires_at: datetime, usable_until: datetime, share: float
) -> datetime | None:
    """When the pair of tokens granted then is to be replaced; None when it lives too short.

    `expires_at` is the access token's end, `usable_until` the refresh token's, `share` (0 to 1) the
    shop's place in the spread. Never before seven sixteenths of the pair's life are over.
    """
    end = min(expires_at, usable_until)
    life = end - granted_at
    if life < SHORTEST_LIFE:
        return None
    return end - min(LONGEST_LEAD, life / 2) * (1 + SPREAD * share)


def share_of(name: str) -> float:
    """A place from 0 to 1 that is always the same for this name and evenly spread over names."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) / 2**32
