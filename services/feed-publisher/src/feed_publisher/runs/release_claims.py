"""Releases SKU codes; whoever waits for one gets a run."""

from collections.abc import Iterable, Mapping

from common.postgres.pool import Connection
from feed_publisher.claims.store import release_skus
from feed_publisher.desired.store import mark_families
from feed_publisher.runs.run import Run
from feed_publisher.runs.store import ask_for_run


async def release_claims(
    connection: Connection, run: Run, kept: Mapping[str, Iterable[str]]
) -> None:
    """Release every claim of these families (the keys) except on the codes they keep.

    Families that wait for a released code are marked, and their feeds get a product run.
    """
    merchant_id = run.merchant_id
    waiting = await release_skus(connection, merchant_id, run.shop_id, run.feed_id, kept)
    for feed_id, families in waiting.items():
        await mark_families(connection, merchant_id, feed_id, ["product"], families)
        await ask_for_run(connection, merchant_id, feed_id, "product", cause="sku-released")
