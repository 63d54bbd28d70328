"""When a feed's runs are due: as it chose, or as the settings say (M7.1). Pure."""

from dataclasses import dataclass
from datetime import timedelta

from common.postgres.schedules import Daily, Every, Rhythm
from feed_publisher.desired.states import Feed
from feed_publisher.settings import PublisherSettings

PRODUCT_SCHEDULE = "product-feed"
OFFER_SCHEDULE = "offer-feed"


@dataclass(frozen=True)
class UsualRhythm:
    """When runs are due of feeds that chose nothing of their own."""

    product: Daily
    offer: Every

    @classmethod
    def of(cls, settings: PublisherSettings) -> "UsualRhythm":
        """What the settings say."""
        return cls(
            Daily(settings.product_run_at, settings.product_run_zone),
            Every(timedelta(minutes=settings.offer_run_minutes)),
        )

    def rhythms(self, feed: Feed) -> dict[str, Rhythm]:
        """The feed's rhythms by the kind of its schedule."""
        product, offer = self.product, self.offer
        if feed.product_run_at is not None:
            product = Daily(feed.product_run_at, feed.product_run_zone or "UTC")
        if feed.offer_run_minutes is not None:
            offer = Every(timedelta(minutes=feed.offer_run_minutes))
        return {PRODUCT_SCHEDULE: product, OFFER_SCHEDULE: offer}
