"""How long the shipments of a shop wait whose calls go unanswered. Pure.

While AliExpress does not answer for a shop, its shipments wait together and one at a time is tried,
so that after an outage all of them are there to be sent in the order of their deadlines.
"""

from datetime import timedelta

LONGEST = timedelta(minutes=1)
AN_OUTAGE = 3
"""Failures in a row that are AliExpress's outage; fewer may be due to the order that was asked
for."""


def pause_of(failures: int) -> timedelta:
    """How long a shop's shipments wait after so many failures in a row.

    Half as long as the shipment itself that failed, so that another is tried before it.
    """
    return min(timedelta(seconds=2 ** (min(failures, 10) - 2)), LONGEST)
