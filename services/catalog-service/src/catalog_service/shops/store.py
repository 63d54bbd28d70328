"""Shops in Postgres, each with the category tree that is kept for it and how calls for it go."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common import clock
from common.contracts.shop import ShopState
from common.postgres.pool import Connection

ShopKey = tuple[str, str]
"""(merchant, shop)"""


@dataclass(frozen=True)
class Shop:
    """A shop, and whether its merchant is known as a seller (M1.1)."""

    shop_id: str
    is_eligible: bool


async def find_shop(connection: Connection, merchant_id: str, shop_id: str) -> Shop | None:
    """The shop, if auth-service has ever reported it."""
    row = await connection.fetchrow(
        "SELECT shop_id, is_eligible FROM shop WHERE merchant_id = $1 AND shop_id = $2",
        merchant_id,
        shop_id,
    )
    return None if row is None else Shop(*row)


async def load_usable_shops(
    connection: Connection, merchant_id: str, wanted: str, *, limit: int
) -> dict[str, bool]:
    """The merchant's shops, and whether calls for each may be made now; the wanted one is among
    them if it is there at all."""
    rows = await connection.fetch(
        """
        SELECT shop_id, is_usable FROM shop WHERE merchant_id = $1
        ORDER BY shop_id <> $2, shop_id LIMIT $3
        """,
        merchant_id,
        wanted,
        limit,
    )
    return {row["shop_id"]: row["is_usable"] for row in rows}


async def keep_shops(connection: Connection, states: Sequence[ShopState]) -> list[ShopKey]:
    """Keep the highest revision of each; those whose token is another now, to be called at once."""
    rows = await connection.fetch(
        """
        INSERT INTO shop AS kept
            (merchant_id, shop_id, revision, is_eligible, is_usable, generation, seller_id)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[], $5::boolean[],
            $6::integer[], $7::text[])
        ON CONFLICT (merchant_id, shop_id) DO UPDATE SET
            revision = excluded.revision, is_eligible = excluded.is_eligible,
            is_usable = excluded.is_usable, generation = excluded.generation,
            seller_id = excluded.seller_id,
            failures = CASE WHEN excluded.generation = kept.generation THEN kept.failures ELSE 0
                END,
            retry_at = CASE WHEN excluded.generation = kept.generation THEN kept.retry_at END
        WHERE excluded.revision > kept.revision
        RETURNING new.merchant_id, new.shop_id,
            old.generation IS DISTINCT FROM new.generation AS is_renewed
        """,
        [state.merchant_id for state in states],
        [state.shop_id for state in states],
        [state.revision for state in states],
        [state.is_eligible for state in states],
        [state.is_usable for state in states],
        [state.generation for state in states],
        [state.seller_id for state in states],
    )
    return [(m, s) for m, s, is_renewed in rows if is_renewed]


async def note_calls(
    connection: Connection, shop: ShopKey, *, failures: int, pause: timedelta | None
) -> None:
    """How the last calls for the shop went: how many turns failed in a row, how long to wait."""
    await connection.execute(
        """
        UPDATE shop SET failures = $3, retry_at = $4
        WHERE merchant_id = $1 AND shop_id = $2 AND (failures, retry_at) IS DISTINCT FROM ($3, $4)
        """,
        *shop,
        failures,
        None if pause is None else clock.now() + pause,
    )


async def count_failures(connection: Connection, shop: ShopKey) -> int:
    """How many turns of calls for the shop have failed since one succeeded."""
    found: int | None = await connection.fetchval(
        "SELECT failures FROM shop WHERE merchant_id = $1 AND shop_id = $2", *shop
    )
    return found or 0


async def load_tree_times(
    connection: Connection, shops: Collection[ShopKey]
) -> dict[ShopKey, datetime]:
    """When the trees of these shops were made; a shop without one is left out."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, tree_fetched_at FROM shop
        JOIN unnest($1::text[], $2::text[]) AS k (merchant_id, shop_id)
            USING (merchant_id, shop_id)
        WHERE tree IS NOT NULL
        """,
        [merchant for merchant, _ in shops],
        [shop for _, shop in shops],
    )
    return {(m, s): made_at for m, s, made_at in rows}


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
