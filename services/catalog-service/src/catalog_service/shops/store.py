"""Shops in Postgres, each with the category tree that is kept for it."""

from collections.abc import Sequence
from datetime import datetime

from common import clock
from common.contracts.shop import ShopState
from common.postgres.pool import Connection


async def keep_shops(connection: Connection, states: Sequence[ShopState]) -> list[tuple[str, str]]:
    """Keep the highest revision of each; the (merchant, shop) whose token is another now."""
    rows = await connection.fetch(
        """
        INSERT INTO shop AS kept
            (merchant_id, shop_id, revision, is_usable, generation, seller_id)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[], $5::integer[],
            $6::text[])
        ON CONFLICT (merchant_id, shop_id) DO UPDATE SET
            revision = excluded.revision, is_usable = excluded.is_usable,
            generation = excluded.generation, seller_id = excluded.seller_id
        WHERE excluded.revision > kept.revision
        RETURNING new.merchant_id, new.shop_id,
            old.generation IS DISTINCT FROM new.generation AS is_renewed
        """,
        [state.merchant_id for state in states],
        [state.shop_id for state in states],
        [state.revision for state in states],
        [state.is_usable for state in states],
        [state.generation for state in states],
        [state.seller_id for state in states],
    )
    return [(m, s) for m, s, is_renewed in rows if is_renewed]


async def list_due_trees(
    connection: Connection, *, older_than: datetime, limit: int = 5
) -> list[tuple[str, str]]:
    """Usable shops whose tree was never fetched, or not since."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id FROM shop
        WHERE is_usable AND (tree_fetched_at IS NULL OR tree_fetched_at < $1)
        ORDER BY tree_fetched_at NULLS FIRST LIMIT $2
        """,
        older_than,
        limit,
    )
    return [(m, s) for m, s in rows]


async def set_tree(connection: Connection, merchant_id: str, shop_id: str, tree: str) -> None:
    """Keep a shop's whole category tree, a JSON text."""
    await connection.execute(
        """
        UPDATE shop SET tree = $3, tree_fetched_at = $4 WHERE merchant_id = $1 AND shop_id = $2
        """,
        merchant_id,
        shop_id,
        tree,
        clock.now(),
    )


async def find_tree_text(
    connection: Connection, merchant_id: str, shop_id: str
) -> tuple[str, datetime] | None:
    """A shop's tree as it is kept, and when it was fetched; None before that."""
    row = await connection.fetchrow(
        "SELECT tree, tree_fetched_at FROM shop WHERE merchant_id = $1 AND shop_id = $2",
        merchant_id,
        shop_id,
    )
    return None if row is None or row["tree"] is None else tuple(row)
