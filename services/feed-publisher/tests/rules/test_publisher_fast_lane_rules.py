"""What may fall to zero, why the fast lane is off, and what a share of the limits is."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from aliexpress.limits import Limits, Rate
from aliexpress.shares import share_of
from common import clock
from common.contracts.product import Offer, ProductNormalized, SkuStock
from feed_publisher.desired.desired_state import may_fall_to_zero
from feed_publisher.desired.states import Feed
from feed_publisher.fast_lane.why_off import why_off

FEED = Feed("acme", "web", "main", "main", "en_US", 1, "active", clock.now())


def wanted(**parts: Any) -> ProductNormalized:
    known = {"merchant_id": "acme", "feed_id": "web", "family_id": "F", "revision": 1}
    return ProductNormalized(**{**known, "shop_id": "main", "presence": "present", **parts})


@pytest.mark.parametrize(
    ("state", "may"),
    [
        (wanted(), False),
        (wanted(stock=[SkuStock("A", 3), SkuStock("B", 0)]), True),
        (wanted(stock=[SkuStock("A", 3)]), False),
        (wanted(offers=[Offer(sku_code="A", price="1.00", currency="USD", inventory=0)]), True),
        (
            wanted(offers=[Offer(sku_code="A", price="1.00", currency="USD")]),
            False,
        ),  # stock is not ours to set
        (wanted(presence="absent", absent_reason="deleted"), True),
    ],
)
def test_what_may_fall_to_zero(state: ProductNormalized, may: bool) -> None:
    assert may_fall_to_zero(state) is may


USUAL: dict[str, Any] = {
    "is_default": True, "waits_for_shop": None, "is_paused": False, "is_used_up": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("feed", "changes", "reason"),
    [
        (FEED, {}, None),
        (replace(FEED, uses_fast_lane=True), {"is_default": False}, None),
        (FEED, {"is_default": False}, "for all feeds"),
        (replace(FEED, uses_fast_lane=False), {}, "for this feed"),
        (replace(FEED, lifecycle="removed"), {}, "removed"),
        (replace(FEED, confirmed_at=None), {}, "not confirmed"),
        (FEED, {"is_paused": True}, "paused"),
        (FEED, {"waits_for_shop": "the shop is lapsed"}, "the shop is lapsed"),
        (FEED, {"is_used_up": True}, "share of the day's calls"),
    ],
)
def test_why_it_is_off(feed: Feed, changes: dict[str, Any], reason: str | None) -> None:
    off = why_off(feed, **{**USUAL, **changes})
    assert off is None if reason is None else off is not None and reason in off


def test_a_share_has_its_part_of_every_rate_and_of_the_days_calls() -> None:
    rates = {"a": Rate(per_second=25, burst=5), "b": Rate(per_second=1)}
    part = share_of(Limits(per_app=rates, app_calls_per_day=101), Decimal("0.5"))
    assert part.per_app == {"a": Rate(per_second=12.5, burst=2), "b": Rate(per_second=0.5)}
    assert part.app_calls_per_day == 50
    assert share_of(Limits(), Decimal("0.5")).app_calls_per_day is None
