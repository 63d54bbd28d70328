"""Takes in `shop.state`, `feed.state` and `product.normalized`, whatever their order.

What arrives before what it needs is kept: a desired product without a known feed or shop is
stored, and its runs wait for both.
"""

from collections.abc import Sequence

from common.contracts.feed import FeedState
from common.contracts.product import ProductNormalized
from common.contracts.shop import ShopState
from common.messaging.newest import newest
from common.messaging.records import Delivery, NotApplied, Subscription
from common.postgres.pool import Connection
from common.postgres.schedules import set_schedule
from common.shop_tokens import ShopTokens
from feed_publisher.desired.feeds.rhythm import UsualRhythm
from feed_publisher.desired.feeds.store import load_feed, save_feeds
from feed_publisher.desired.store import save_desired, save_shops
from feed_publisher.settings import PublisherSettings

GROUP = "feed-publisher.desired"


class DesiredState:
    """The handlers of the consumer group."""

    def __init__(self, tokens: ShopTokens, settings: PublisherSettings) -> None:
        self._tokens = tokens
        self._usual = UsualRhythm.of(settings)

    def subscriptions(self) -> list[Subscription]:
        """Topics and what handles them."""
        return [
            Subscription(ShopState, self.on_shop_state),
            Subscription(FeedState, self.on_feed_state),
            Subscription(ProductNormalized, self.on_product_normalized),
        ]

    async def on_shop_state(
        self, connection: Connection, deliveries: Sequence[Delivery[ShopState]]
    ) -> Sequence[NotApplied]:
        """Keep the newest state of each shop; its cached token is requested again."""
        states = newest(
            (delivery.event for delivery in deliveries),
            lambda state: (state.merchant_id, state.shop_id),
            lambda state: state.revision,
        )
        for merchant_id, shop_id in await save_shops(connection, states):
            self._tokens.forget(merchant_id, shop_id)
        return ()

    async def on_feed_state(
        self, connection: Connection, deliveries: Sequence[Delivery[FeedState]]
    ) -> Sequence[NotApplied]:
        """Keep the newest state of each feed, and give each its schedules (M7.1)."""
        states = newest(
            (delivery.event for delivery in deliveries),
            lambda state: (state.merchant_id, state.feed_id),
            lambda state: state.revision,
        )
        for merchant_id, feed_id in await save_feeds(connection, states):
            feed = await load_feed(connection, merchant_id, feed_id)
            for kind, rhythm in self._usual.rhythms(feed).items():
                await set_schedule(connection, kind, merchant_id, feed_id, rhythm)
        return ()

    async def on_product_normalized(
        self, connection: Connection, deliveries: Sequence[Delivery[ProductNormalized]]
    ) -> Sequence[NotApplied]:
        """Keep the highest revision of each family and mark those that changed (`save_desired`)."""
        chosen = newest(
            deliveries,
            lambda d: (d.event.merchant_id, d.event.feed_id, d.event.family_id),
            lambda d: d.event.revision,
        )
        await save_desired(
            connection, [(delivery.event, delivery.traceparent) for delivery in chosen]
        )
        return ()
