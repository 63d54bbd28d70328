"""Who tries wrong passwords again and again has to wait (security X8). In memory, per replica.

An attempt counts when it begins, so that many at once are not all let in, and is taken back when it
succeeds. Counted are the account from one address, the account from anywhere, and the address;
all of them alike whether or not there is such an account.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from auth_service.clients.throttle import FailureCounts, Limit
from common.errors import Refusal

PER_ACCOUNT_AND_ADDRESS = 10
PER_ADDRESS = 100
PER_ACCOUNT = 100
FORGOTTEN_PER_ADDRESS = 20
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class TooManySignIns(Refusal):
    """Too many attempts failed; the right password has to wait too."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(
            "too many attempts to sign in have failed",
            status=429,
            slug="too-many-attempts",
            remedy=f"Wait {int(wait.total_seconds())} seconds, then try again.",
            retry_after=wait,
        )


class SignInThrottle:
    """What a sign-in, or whatever else asks for a password, passes first."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._counts = FailureCounts(now)

    def begin(self, account: str, address: str) -> None:
        """Count an attempt. Raises `TooManySignIns`, which counts none."""
        limits = _limits(account, address)
        if (wait := self._counts.wait_of(limits)) is not None:
            raise TooManySignIns(wait)
        self._counts.add(limits)

    def begin_forgotten(self, address: str) -> None:
        """Count a forgotten password, whoever's. Raises `TooManySignIns`."""
        limits = [Limit(("forgotten", address), FORGOTTEN_PER_ADDRESS, MINUTE)]
        if (wait := self._counts.wait_of(limits)) is not None:
            raise TooManySignIns(wait)
        self._counts.add(limits)

    def succeeded(self, account: str, address: str) -> None:
        """Take the attempt back."""
        self._counts.add(_limits(account, address), -1)


def _limits(account: str, address: str) -> Sequence[Limit]:
    return (
        Limit(("account", account, address), PER_ACCOUNT_AND_ADDRESS, MINUTE),
        Limit(("account", account), PER_ACCOUNT, HOUR),
        Limit(("address", address), PER_ADDRESS, MINUTE),
    )
