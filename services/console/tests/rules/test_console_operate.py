"""All merchants' shops at a glance."""

from datetime import UTC, datetime, timedelta

from console.answers.overview import FeedGlance, MethodUse, OrderGlance, ShopGlance
from console.pages.operate.views import busiest, shop_rows

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def a_shop(merchant_id: str, shop_id: str) -> ShopGlance:
    return ShopGlance(
        merchant_id=merchant_id, merchant_name=merchant_id, shop_id=shop_id, is_eligible=True,
        connection="connected", connected_at=NOW, expires_at=NOW, critical=0, warnings=0,
    )  # fmt: skip


def test_what_belongs_to_a_shop_stands_in_its_row() -> None:
    shops = [a_shop("b", "main"), a_shop("a", "main"), a_shop("a", "second")]
    feeds = [
        FeedGlance(merchant_id=merchant, shop_id=shop, feed_id=feed, last_runs=[])
        for merchant, shop, feed in (("a", "main", "f"), ("a", "main", "g"), ("b", "main", "f"))
    ]
    orders = [OrderGlance(merchant_id="a", shop_id="second", to_ship=3, due=1, late=0)]
    rows = shop_rows(shops, feeds, orders)
    assert [row.shop for row in rows] == shops
    assert [[feed.feed_id for feed in row.feeds] for row in rows] == [["f"], ["f", "g"], []]
    assert [row.orders.to_ship if row.orders else 0 for row in rows] == [0, 0, 3]


def test_bans_stand_before_what_is_called_most() -> None:
    use = [
        MethodUse(scope="app", operation="*", calls_today=9, banned_until=None),
        MethodUse(scope="1", operation="a", calls_today=1, banned_until=NOW + timedelta(hours=1)),
        MethodUse(scope="1", operation="b", calls_today=99, banned_until=None),
    ]
    assert [each.operation for each in busiest(use)] == ["a", "b", "*"]
    assert len(busiest(use * 20)) == 15
