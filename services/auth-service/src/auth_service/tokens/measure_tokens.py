"""How old every connected shop's token is, and how long it still lives, as metrics."""

from auth_service.shops import store
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.telemetry.names import TOKEN_AGE, TOKEN_LEFT
from common.telemetry.setup import Gauge

_age = Gauge(TOKEN_AGE)
_left = Gauge(TOKEN_LEFT)


async def measure_tokens(pool: Pool) -> bool:
    """Set both gauges for every connected shop."""
    now = clock.now()
    ages: dict[tuple[tuple[str, str], ...], float] = {}
    left: dict[tuple[tuple[str, str], ...], float] = {}
    async with reading(pool) as connection:
        shops = await store.list_connected(connection)
    for shop in shops:
        labels = (("merchant", shop.merchant_id), ("shop", shop.shop_id))
        ages[labels] = (now - shop.grant.connected_at).total_seconds()
        left[labels] = (shop.grant.expires_at - now).total_seconds()
    _age.replace(ages)
    _left.replace(left)
    return False
