"""How long calls that did not succeed wait before they are made again. Pure."""

from datetime import timedelta

from aliexpress.errors import AppRefused
from common.errors import Outage

LONGEST = timedelta(minutes=5)
LONGEST_REFUSED = timedelta(minutes=1)
"""So that all goes on within a minute once an operator has put our app right."""
SHORTEST = timedelta(seconds=1)
FIRST = timedelta(seconds=2)
NOTHING_TO_DO = (
    "Nothing: it goes on by itself once the operator has put the channel's access right."
)
"""The remedy for merchants while AliExpress refuses our app."""


def pause_after(
    failure: Exception, *, attempts: int, waited: timedelta, first: timedelta = FIRST
) -> timedelta:
    """The pause after the last of `attempts`, for work that has waited so long since it was due:
    `first` after one, twice as long after each further one.

    A refusal of our app is no attempt: its pause grows with the time it lasts.
    """
    if isinstance(failure, AppRefused):
        return min(max(waited / 2, SHORTEST), LONGEST_REFUSED)
    if isinstance(failure, Outage) and failure.retry_after is not None:
        return min(failure.retry_after, LONGEST)
    return min(first / 2 * (1 << min(attempts, 8)), LONGEST)
