"""What applying a run's plan needs at hand, and what a step of it may come to."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from aliexpress.client import Client
from aliexpress.operation import AccessToken
from common.postgres.leases import Lease
from common.postgres.pool import Pool
from feed_publisher.runs.run import Run
from feed_publisher.settings import PublisherSettings


class Step(Enum):
    """WORKED: something moved, go on at once; ENDED: nothing is left to do."""

    WORKED = "worked"
    ENDED = "ended"


@dataclass(frozen=True)
class Wait:
    """Nothing to do for this long: AliExpress needs time."""

    lasts: timedelta


@dataclass
class Backoff:
    """How long this process has waited for what, by monotonic time; another starts from zero.

    What must outlive the process stands in the database.
    """

    waits: dict[str, int] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)

    def next_wait(self, what: str, *, first: timedelta, longest: timedelta) -> Wait:
        """A wait that doubles with each call until `forget`."""
        count = self.waits.get(what, 0)
        self.waits[what] = count + 1
        return Wait(min(longest, first * 2 ** min(count, 20)))

    def forget(self, what: str) -> None:
        """It came; start from `first` next time."""
        self.waits.pop(what, None)
        self.since.pop(what, None)


@dataclass(frozen=True)
class Sending:
    """A run in the hands of its driver: the lease is held, the token is usable."""

    pool: Pool
    client: Client
    token: AccessToken
    generation: int
    settings: PublisherSettings
    run: Run
    lease: Lease
    backoff: Backoff
