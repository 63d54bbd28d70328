"""What metrics show of shops: how far imports are behind, and how long parcels wait."""

from datetime import timedelta

from common import clock
from order_importer.measuring import measure_shops as measuring

from ..orders_harness import Harness


async def test_shops_behind_late_imports_and_parcels_are_measured(harness: Harness) -> None:
    await harness.import_now()
    await measuring.measure_shops(harness.pool)
    assert max(measuring._covered_age._readings.values()) < 60
    assert measuring._late._readings == {(): 0}
    assert measuring._open._readings[(("state", "pending"),)] == 0

    await harness.pool.execute(
        "UPDATE shop SET covered_until = $1", clock.now() - timedelta(hours=3)
    )
    await harness.pool.execute(
        """
        INSERT INTO order_import (merchant_id, shop_id, cause, state, requested_at, next_try_at,
            is_late)
        SELECT merchant_id, shop_id, 'schedule', 'running', $1::timestamptz,
            $1::timestamptz + interval '1 day', true
        FROM shop LIMIT 1
        """,
        clock.now(),
    )
    await measuring.measure_shops(harness.pool)
    assert 10_800 <= max(measuring._covered_age._readings.values()) < 10_900
    assert measuring._late._readings == {(): 1}


async def test_only_the_shops_furthest_behind_are_series(harness: Harness) -> None:
    await harness.import_now()
    await harness.pool.execute(
        """
        INSERT INTO shop (merchant_id, shop_id, revision, is_usable, connection, generation,
            covered_until)
        SELECT 'many', 's' || n, 1, true, 'connected', 1, $1::timestamptz - n * interval '1 minute'
        FROM generate_series(1, 600) AS n
        """,
        clock.now(),
    )
    await measuring.measure_shops(harness.pool)
    shown = measuring._covered_age._readings
    assert len(shown) == measuring.SHOWN_SHOPS
    assert (("merchant", "many"), ("shop", "s600")) in shown
    assert (("merchant", "many"), ("shop", "s1")) not in shown
