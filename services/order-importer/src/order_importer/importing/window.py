"""Which time of changes an import reads. Pure.

AliExpress filters by US Pacific wall-clock time, whose repeated hour in November makes a bound
ambiguous by an hour, and to the second. Every import therefore begins well before the end of the
last: what was read before is recognised and changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

OVERLAP = timedelta(hours=3)
"""The repeated hour, the hour that it is taken for, and an hour for clocks that differ."""

SLICE = timedelta(days=30)
"""The longest time one query asks for; AliExpress documents no limit, sister platforms do."""

AHEAD = timedelta(days=1)
"""How far the last query reaches beyond now: what changes while it is read stays within it."""


@dataclass(frozen=True)
class Window:
    """Changes from `start`; after an import of it all until `end` are covered."""

    start: datetime
    end: datetime

    def slices(self) -> Iterator[tuple[datetime, datetime]]:
        """The queries (from, to), the oldest first; each but the last at most `SLICE` long."""
        start = self.start
        while self.end - start > SLICE:
            yield start, start + SLICE
            start += SLICE
        yield start, self.end + AHEAD


def next_window(
    covered_until: datetime | None,
    now: datetime,
    first: timedelta,
    *,
    reads_from: datetime | None = None,
) -> Window:
    """What to read now; `first` is how far back the first import of a shop reads, `reads_from`
    from when another is to read again."""
    if covered_until is None:
        return Window(now - first, now)
    start = min(covered_until, now)
    return Window(min(start, reads_from or start) - OVERLAP, now)
