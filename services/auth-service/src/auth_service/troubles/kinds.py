"""The kinds of trouble: how grave each is, how it comes and goes. Pure.

`docs/alerts.md` is generated from this table, with the texts of `texts/`.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from common.contracts.trouble import TroubleSeverity

Group = Literal["connection", "catalogue", "feed", "orders", "webhooks"]

DAMPED = timedelta(minutes=30)
"""How long a kind that comes and goes must stay away until its trouble is closed."""
AT_ONCE = timedelta(0)


@dataclass(frozen=True)
class Kind:
    """A kind of trouble. `opens` and `closes` are for docs/alerts.md.

    `settles` is how long it must stay away until its trouble is closed; one that comes again before
    is the same trouble. `superseded_by` is the kind that it may become, for the same subject.
    `page` is where it is repaired: an address below the console's, or with `{renew}` our own page.
    """

    name: str
    group: Group
    severity: TroubleSeverity
    opens: str
    closes: str
    page: str
    settles: timedelta = AT_ONCE
    is_reminded: bool = True
    superseded_by: str | None = None


_ALL = (
    Kind(
        "token_expiring",
        "connection",
        "warning",
        "A shop's token has 7 days left; told again at 3 days and at 1 day, each once a generation",
        "The shop is renewed; silently, when the token expires",
        "{renew}",
        is_reminded=False,
        superseded_by="token_expired",
    ),
    Kind(
        "token_expired",
        "connection",
        "critical",
        "A shop's token has expired (M1.3)",
        "The shop is renewed",
        "{renew}",
    ),
    Kind(
        "connection_ended",
        "connection",
        "critical",
        "AliExpress calls a shop's token dead before its time: the seller took the authorisation"
        " back",
        "The shop is connected again",
        "{renew}",
    ),
    Kind(
        "banned",
        "connection",
        "warning",
        "AliExpress refuses a method to the shop for some time",
        "The time is over",
        "/shops/{shop}",
        settles=DAMPED,
    ),
    Kind(
        "import_failed",
        "catalogue",
        "warning",
        "The last import of a file into a catalogue failed",
        "A later import succeeds",
        "/catalogues/{catalogue}",
        settles=DAMPED,
    ),
    Kind(
        "deletions_withheld",
        "catalogue",
        "warning",
        "A full file lacked so many products that none was deleted (M7.4)",
        "They are confirmed, or a later file has them again",
        "/catalogues/{catalogue}",
    ),
    Kind(
        "catalogue_silent",
        "catalogue",
        "warning",
        "Nothing came for a catalogue for much longer than its usual rhythm",
        "Something comes",
        "/catalogues/{catalogue}",
        settles=DAMPED,
    ),
    Kind(
        "source_quarantined",
        "catalogue",
        "critical",
        "A source sent mostly records that cannot be taken",
        "The quarantine is lifted",
        "/catalogues",
    ),
    Kind(
        "configuration_broken",
        "feed",
        "critical",
        "A feed's saved configuration cannot be used",
        "A configuration that can be used is saved",
        "/feeds/{feed}/configuration",
        settles=DAMPED,
    ),
    Kind(
        "category_changed",
        "feed",
        "warning",
        "A category that a feed's products use was withdrawn, or asks for something they lack",
        "No product of the feed is concerned any more",
        "/feeds/{feed}/categories",
        settles=DAMPED,
    ),
    Kind(
        "run_failed",
        "feed",
        "critical",
        "A feed's last run failed",
        "A later run ends",
        "/feeds/{feed}/send",
        settles=DAMPED,
    ),
    Kind(
        "run_withheld",
        "feed",
        "warning",
        "A run, or what a guard withheld of it, waits for a confirmation (M7.4)",
        "It is confirmed, or nothing is withheld any more",
        "/feeds/{feed}/send",
    ),
    Kind(
        "mostly_refused",
        "feed",
        "warning",
        "AliExpress refused most items of a feed's last run",
        "A later run is mostly accepted",
        "/feeds/{feed}/send",
        settles=DAMPED,
    ),
    Kind(
        "feed_idle",
        "feed",
        "critical",
        "An active feed has something to send and sent nothing for a set time",
        "It sends something, or has nothing to send",
        "/feeds/{feed}/send",
        settles=DAMPED,
    ),
    Kind(
        "drift",
        "feed",
        "warning",
        "The shop differs from what was sent, for more than a set share of products",
        "The share is below it",
        "/feeds/{feed}",
        settles=DAMPED,
    ),
    Kind(
        "orders_failing",
        "orders",
        "critical",
        "A shop's orders were not imported for more than an hour",
        "An import succeeds",
        "/orders",
        settles=DAMPED,
    ),
    Kind(
        "order_due",
        "orders",
        "warning",
        "An order has to be shipped within a day and is not",
        "It is shipped or cancelled; silently, when it is late",
        "/orders/{shop}/{order}",
        settles=timedelta(minutes=5),
        is_reminded=False,
        superseded_by="order_late",
    ),
    Kind(
        "order_late",
        "orders",
        "critical",
        "The time to ship an order has passed and it is not shipped",
        "It is shipped or cancelled",
        "/orders/{shop}/{order}",
    ),
    Kind(
        "order_unreadable",
        "orders",
        "warning",
        "An order cannot be read",
        "It was read",
        "/orders",
        settles=DAMPED,
    ),
    Kind(
        "parcel_refused",
        "orders",
        "critical",
        "AliExpress refused a parcel, or a tracking number's correction",
        "The order is shipped by another request, or cancelled",
        "/orders/{shop}/{order}",
    ),
    Kind(
        "webhook_disabled",
        "webhooks",
        "warning",
        "A webhook endpoint failed for a day, or answered 410",
        "It is enabled again, or deleted",
        "/alerts/webhooks/{endpoint}",
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""All kinds by name, in the order of docs/alerts.md."""
