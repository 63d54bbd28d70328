"""`condition.state`: what keeps a merchant's shop from being right, or an order from leaving in
time, as the service sees it that knows."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal, get_args

import msgspec

from common.contracts.event import PYTHON_ONLY, Event, ExternalId, Identifier, Revision, key_of

CatalogKind = Literal[
    "configuration_broken",
    "import_failed",
    "deletions_withheld",
    "catalogue_silent",
    "source_quarantined",
    "category_changed",
]
"""What catalog-service sees.

* configuration_broken (`feed/F`): a feed's saved configuration cannot be used.
* import_failed (`catalogue/C`): the last import of a file into the catalogue failed.
* deletions_withheld (`catalogue/C`): a full file lacked so many products that none was deleted.
* catalogue_silent (`catalogue/C`): nothing came for much longer than its usual rhythm.
* source_quarantined (`source/S`): a source sent mostly records that cannot be taken.
* category_changed (`category/F/L`, feed and leaf): a category of AliExpress that a feed's products
  use was withdrawn from the shop, or asks for something new that they lack.
"""

PublisherKind = Literal[
    "run_failed", "run_withheld", "mostly_refused", "feed_idle", "drift", "banned"
]
"""What feed-publisher sees.

* run_failed (`feed/F`): the feed's last run failed.
* run_withheld (`feed/F`): a run, or what a guard withheld of it, waits for a confirmation.
* mostly_refused (`feed/F`): AliExpress refused most items of the last run that sent any.
* feed_idle (`feed/F`): an active feed has something to send and sent nothing for a set time.
* drift (`feed/F`): the shop differs from what was sent, for more than a set share of products.
* banned (`shop/S`): AliExpress refuses a method to the shop's seller, or to the app, for some time.
"""

ImporterKind = Literal[
    "orders_failing", "order_due", "order_late", "order_unreadable", "parcel_refused"
]
"""What order-importer sees.

* orders_failing (`shop/S`): the shop's orders are not imported for more than an hour.
* order_due (`order/S/O`): the order has to be shipped within a day and is not.
* order_late (`order/S/O`): the time to ship the order has passed and it is not shipped.
* order_unreadable (`order/S/O`): the order, or its newest state, cannot be read; it is tried again.
* parcel_refused (`parcel/S/O/P`): AliExpress refused a parcel, or a tracking number's correction.
"""

Kind = CatalogKind | PublisherKind | ImporterKind
"""Every kind of today. A kind belongs to one service, so each key has one producer."""

KINDS: dict[str, tuple[str, ...]] = {
    "catalog-service": get_args(CatalogKind),
    "feed-publisher": get_args(PublisherKind),
    "order-importer": get_args(ImporterKind),
}
"""The kinds each service emits."""

Subject = Annotated[
    str, msgspec.Meta(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f]+$" + PYTHON_ONLY)
]
"""What a condition is of: `feed/summer`, `order/main/8100000000000001` ... see the kinds."""


class ConditionState(Event, frozen=True, kw_only=True):
    """Whether a condition is present, and since when.

    Repeated daily while it is present, and sent again when its details change; `since` stays.
    Readers pass over kinds they do not know. It holds no secrets and no buyers' data.
    """

    topic: ClassVar[str] = "condition.state"

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
    """One of `Kind`; more may come."""
    subject: Subject
    present: bool
    """False once it is over; then `ended_at` says when that was seen."""
    since: datetime
    """When it began, as far as the service knows; else when it was seen first."""
    revision: Revision
    ended_at: datetime | None = None
    shop_id: Identifier | None = None
    feed_id: Identifier | None = None
    catalogue_id: Identifier | None = None
    run_id: str | None = None
    """The run, or the import of a file, it is told by."""
    order_id: ExternalId | None = None
    details: dict[str, str] = msgspec.field(default_factory=dict)
    """Small facts for a message, such as counts, words of a cause or a deadline (RFC 3339)."""

    def key(self) -> str:
        """merchant/kind/subject."""
        return key_of(self.merchant_id, self.kind, self.subject)
