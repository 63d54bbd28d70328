"""How old shops' tokens are, and how long they still live, as metrics."""

from collections import Counter
from datetime import datetime, timedelta

from auth_service.shops import store
from auth_service.shops.store import Shop
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.telemetry.names import TOKEN_AGE, TOKEN_LEFT, TOKENS
from common.telemetry.setup import Gauge, Labels

SHOWN_SHOPS = 500
"""Series of shops, those that lapse first: all others are numbers in `channel.tokens`."""
EDGES = {"lapsed": timedelta(0), "<1": timedelta(1), "<3": timedelta(3), "<7": timedelta(7)}

_age = Gauge(TOKEN_AGE)
_left = Gauge(TOKEN_LEFT)
_tokens = Gauge(TOKENS)


async def measure_tokens(pool: Pool) -> bool:
    """Set the gauges of the shops that are connected, and of those that have lapsed."""
    now = clock.now()
    async with reading(pool) as connection:
        shops = await store.list_granted(connection)
    shops.sort(key=lambda shop: _left_of(shop, now))
    ages: dict[Labels, float] = {}
    left: dict[Labels, float] = {}
    for shop in shops[:SHOWN_SHOPS]:
        labels = (("merchant", shop.merchant_id), ("shop", shop.shop_id))
        ages[labels] = (now - shop.grant.connected_at).total_seconds()
        left[labels] = _left_of(shop, now).total_seconds()
    _age.replace(ages)
    _left.replace(left)
    counted = Counter(days_left(_left_of(shop, now)) for shop in shops)
    _tokens.replace({(("days_left", name),): float(counted[name]) for name in (*EDGES, "more")})
    return False


def _left_of(shop: Shop, now: datetime) -> timedelta:
    """Until its token lapses; none once it has, also where AliExpress took it back earlier."""
    left = shop.grant.expires_at - now
    return min(left, timedelta(0)) if shop.connection == "lapsed" else left


def days_left(left: timedelta) -> str:
    """The name of the range that this time lies in."""
    return next((name for name, edge in EDGES.items() if left <= edge), "more")
