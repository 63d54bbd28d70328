"""Whether a feed's changes go out by the fast lane, and why not. Pure."""

from feed_publisher.desired.states import Feed


def why_off(
    feed: Feed, *, is_default: bool, waits_for_shop: str | None, is_paused: bool, is_used_up: bool
) -> str | None:
    """Why nothing of the feed goes out by the fast lane now; None when it does."""
    is_used = is_default if feed.uses_fast_lane is None else feed.uses_fast_lane
    reasons = {
        "the feed is removed": feed.lifecycle != "active",
        "it is switched off for this feed": feed.uses_fast_lane is False,
        "it is switched off for all feeds that do not ask for it": not is_used,
        "the feed's first product run is not confirmed": feed.confirmed_at is None,
        "the feed's offer runs are paused": is_paused,
        waits_for_shop: waits_for_shop is not None,
        "its share of the day's calls to AliExpress is used up": is_used_up,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
