"""The kinds of conditions that feed-publisher sees, with what the settings say of each."""

from collections.abc import Sequence

from common.conditions import Observer
from feed_publisher.conditions import store
from feed_publisher.settings import PublisherSettings


def observers(settings: PublisherSettings) -> Sequence[Observer]:
    """All of them."""
    return (
        Observer("run_failed", store.RUN_FAILED),
        Observer("run_withheld", store.RUN_WITHHELD),
        Observer("mostly_refused", store.MOSTLY_REFUSED),
        Observer(
            "feed_idle",
            store.FEED_IDLE,
            lambda now: (now, settings.idle_product, settings.idle_offer),
        ),
        Observer("drift", store.DRIFT, lambda _now: (settings.drift_share,)),
        Observer("banned", store.BANNED, lambda now: (now,)),
    )
