"""THE registry of topics: name, key, kind, who writes and who reads.

*State* topics are compacted and say how things are; *fact* topics say that something happened.
Every topic of a consumer group has a dead-letter twin.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from common.contracts.catalog import CatalogUpdated
from common.contracts.condition import ConditionState
from common.contracts.event import Event
from common.contracts.feed import FeedCompleted, FeedState
from common.contracts.order import (
    OrderDue,
    OrderFact,
    OrderReceived,
    OrderShipped,
    OrderUpdated,
)
from common.contracts.order_import import OrdersImported
from common.contracts.product import ProductNormalized, ProductReported
from common.contracts.shop import ShopState
from common.contracts.token import TokenExpired, TokenExpiring, TokenRenewed
from common.contracts.trouble import TroubleClosed, TroubleOpened

MAX_RECORD_BYTES = 1_000_000
"""The largest value we write; the broker's own limit is a little above."""


@dataclass(frozen=True)
class Topic:
    """One topic of the channel. `key` names the parts of its record key; a key has one
    producer."""

    event: type[Event]
    kind: Literal["state", "fact"]
    key: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    retention: timedelta = timedelta(days=14)
    stamps_append_time: bool = False

    @property
    def name(self) -> str:
        """The topic's name without the installation's prefix."""
        return self.event.topic

    @property
    def is_from_others(self) -> bool:
        """Whether other systems write it: input, which is not trusted."""
        return OTHERS in self.producers

    @property
    def holds_buyers(self) -> bool:
        """Whether its records hold personal data of buyers (M8.6)."""
        return issubclass(self.event, OrderFact)

    @property
    def dead_letter_name(self) -> str:
        """Where records this topic's consumers cannot take are shown to operators."""
        return f"{self.name}.dead-letter"


OTHERS = "other systems"

TOPICS: tuple[Topic, ...] = (
    Topic(
        CatalogUpdated,
        "fact",
        "merchant/catalogue/product",
        (OTHERS,),
        ("catalog-service",),
        stamps_append_time=True,
    ),
    Topic(
        ShopState,
        "state",
        "merchant/shop",
        ("auth-service",),
        ("catalog-service", "feed-publisher", "order-importer"),
    ),
    Topic(FeedState, "state", "merchant/feed", ("catalog-service",), ("feed-publisher",)),
    Topic(
        ProductNormalized,
        "state",
        "merchant/feed/family",
        ("catalog-service",),
        ("feed-publisher",),
    ),
    Topic(
        ProductReported,
        "state",
        "merchant/feed/family",
        ("feed-publisher",),
        ("catalog-service", OTHERS),
    ),
    Topic(TokenExpiring, "fact", "merchant/shop", ("auth-service",), (OTHERS,)),
    Topic(TokenExpired, "fact", "merchant/shop", ("auth-service",), (OTHERS,)),
    Topic(TokenRenewed, "fact", "merchant/shop", ("auth-service",), (OTHERS,)),
    Topic(FeedCompleted, "fact", "merchant/feed", ("feed-publisher",), ("auth-service", OTHERS)),
    Topic(
        OrderReceived,
        "fact",
        "merchant/shop/order",
        ("order-importer",),
        ("feed-publisher", OTHERS),
    ),
    Topic(
        OrderUpdated,
        "fact",
        "merchant/shop/order",
        ("order-importer",),
        ("feed-publisher", OTHERS),
    ),
    Topic(OrderShipped, "fact", "merchant/shop/order", ("order-importer",), (OTHERS,)),
    Topic(OrdersImported, "fact", "merchant/shop", ("order-importer",), (OTHERS,)),
    Topic(OrderDue, "fact", "merchant/shop/order", ("order-importer",), (OTHERS,)),
    Topic(
        ConditionState,
        "state",
        "merchant/kind/subject",
        ("catalog-service", "feed-publisher", "order-importer"),
        ("auth-service",),
    ),
    Topic(TroubleOpened, "fact", "merchant/kind/subject", ("auth-service",), (OTHERS,)),
    Topic(TroubleClosed, "fact", "merchant/kind/subject", ("auth-service",), (OTHERS,)),
)

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
