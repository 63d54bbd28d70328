"""Shops by merchant: usable or not, and how far their orders are covered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.contracts.shop import ShopState
from common.errors import NotFound
from common.postgres.pool import Connection


@dataclass(frozen=True)
class Shop:
    """A shop as last published."""

    merchant_id: str
    shop_id: str
    is_usable: bool
    connection: str
    generation: int
    covered_until: datetime | None
    preparation_days: int | None
    """Days to ship an order of which AliExpress names no deadline; None: the default."""


@dataclass(frozen=True)
class Change:
    """A shop whose newer state was stored, and what follows from it."""

    shop: Shop
    is_renewed: bool
    """Its token is of another generation."""
    may_begin: bool
    """It is usable, and was not or is so by another token."""


async def save_states(connection: Connection, states: Sequence[ShopState]) -> list[Change]:
    """Store these states (one a shop) where they are newer; what that changed, in key order."""
    rows = await connection.fetch(
        """
        INSERT INTO shop AS known
            (merchant_id, shop_id, revision, is_usable, connection, generation)
        SELECT * FROM unnest(
            $1::text[], $2::text[], $3::bigint[], $4::boolean[], $5::text[], $6::integer[]
        ) AS state (merchant_id, shop_id, revision, is_usable, connection, generation)
        ORDER BY merchant_id, shop_id
        ON CONFLICT (merchant_id, shop_id) DO UPDATE
            SET revision = excluded.revision, is_usable = excluded.is_usable,
                connection = excluded.connection, generation = excluded.generation
            WHERE excluded.revision > known.revision
        RETURNING new.merchant_id, new.shop_id, new.is_usable, new.connection, new.generation,
            new.covered_until, new.preparation_days,
            old.is_usable IS DISTINCT FROM new.is_usable AS is_switched,
            old.generation IS DISTINCT FROM new.generation AS is_renewed
        """,
        [state.merchant_id for state in states],
        [state.shop_id for state in states],
        [state.revision for state in states],
        [state.is_usable for state in states],
        [state.connection for state in states],
        [state.generation for state in states],
    )
    changes = []
    for row in rows:
        *known, is_switched, is_renewed = row.values()
        shop = Shop(*known)
        changes.append(Change(shop, is_renewed, shop.is_usable and (is_switched or is_renewed)))
    return sorted(changes, key=lambda change: (change.shop.merchant_id, change.shop.shop_id))


async def load_shop(connection: Connection, merchant_id: str, shop_id: str) -> Shop:
    """The shop. Raises `NotFound`."""
    row = await connection.fetchrow(
        """
        SELECT merchant_id, shop_id, is_usable, connection, generation, covered_until,
            preparation_days
        FROM shop WHERE merchant_id = $1 AND shop_id = $2
        """,
        merchant_id,
        shop_id,
    )
    if row is None:
        raise NotFound("shop", remedy="Connect the shop first.")
    return Shop(**row)


async def move_cover(
    connection: Connection, merchant_id: str, shop_id: str, covered_until: datetime
) -> None:
    """All orders changed until then are here; called in the transaction that wrote the last."""
    await connection.execute(
        "UPDATE shop SET covered_until = $3 WHERE merchant_id = $1 AND shop_id = $2",
        merchant_id,
        shop_id,
        covered_until,
    )


async def set_preparation_days(
    connection: Connection, merchant_id: str, shop_id: str, days: int | None
) -> None:
    """How many days the shop takes to ship; None: the default. The shop's row is locked by it."""
    await connection.execute(
        "UPDATE shop SET preparation_days = $3 WHERE merchant_id = $1 AND shop_id = $2",
        merchant_id,
        shop_id,
        days,
    )


async def share_preparation_days(
    connection: Connection, merchant_id: str, shop_id: str
) -> int | None:
    """The shop's preparation days, which do not change before this transaction has ended."""
    days: int | None = await connection.fetchval(
        "SELECT preparation_days FROM shop WHERE merchant_id = $1 AND shop_id = $2 FOR SHARE",
        merchant_id,
        shop_id,
    )
    return days
