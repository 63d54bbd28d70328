"""Shops: how they are connected, their sealed tokens, and which expiry step is next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from auth_service.shops.token_vault import Owner, SealedToken
from common import clock
from common.contracts.shop import Connection as ShopConnection
from common.errors import NotFound
from common.postgres.pool import Connection

SELLER_CONSTRAINT = "shop_of_seller"

_COLUMNS = """merchant_id, shop_id, is_eligible, connection, generation, revision, seller_id,
    seller_name, connected_at, expires_at, announced_step"""


@dataclass(frozen=True)
class Grant:
    """What a seller granted a shop last, without the token: whose it is, since when, until when."""

    seller_id: str
    connected_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Shop:
    """A merchant's shop as known here, without its token."""

    merchant_id: str
    shop_id: str
    is_eligible: bool
    connection: ShopConnection
    generation: int
    revision: int
    seller_id: str | None
    seller_name: str | None
    connected_at: datetime | None
    expires_at: datetime | None
    announced_step: str | None

    @property
    def owner(self) -> Owner:
        """What its token's seal is bound to."""
        return Owner(self.merchant_id, self.shop_id, self.generation)

    @property
    def grant(self) -> Grant:
        """The last grant. Raises `RuntimeError` for a shop that was never connected."""
        if self.seller_id is None or self.connected_at is None or self.expires_at is None:
            raise RuntimeError(f"{self.merchant_id}/{self.shop_id} was never connected")
        return Grant(self.seller_id, self.connected_at, self.expires_at)


def _shop(row: asyncpg.Record) -> Shop:
    return Shop(**row)


def _found(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise NotFound("shop", remedy="Connect the shop first.")
    return row


async def make_shop(connection: Connection, merchant_id: str, shop_id: str) -> Shop | None:
    """A new shop, not yet connected; None when it exists. Waits for a change of its merchant."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO shop (merchant_id, shop_id, is_eligible, revision, created_at)
        SELECT merchant_id, $2, is_eligible, $3, $4 FROM merchant WHERE merchant_id = $1 FOR SHARE
        ON CONFLICT (merchant_id, shop_id) DO NOTHING
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
        shop_id,
        clock.epoch_milliseconds(),
        clock.now(),
    )
    return None if row is None else _shop(row)


async def load_shop(connection: Connection, merchant_id: str, shop_id: str) -> Shop:
    """The shop. Raises `NotFound`."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM shop WHERE merchant_id = $1 AND shop_id = $2",  # noqa: S608 - constants
        merchant_id,
        shop_id,
    )
    return _shop(_found(row))


async def lock_shop(connection: Connection, merchant_id: str, shop_id: str) -> Shop:
    """The shop, its row locked for this transaction. Raises `NotFound`."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM shop WHERE merchant_id = $1 AND shop_id = $2 FOR UPDATE
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
        shop_id,
    )
    return _shop(_found(row))


async def list_shops(
    connection: Connection, merchant_id: str, *, after: str, limit: int
) -> list[Shop]:
    """A page of the merchant's shops, by id."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM shop WHERE merchant_id = $1 AND shop_id > $2
        ORDER BY shop_id LIMIT $3
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
        after,
        limit,
    )
    return [_shop(row) for row in rows]


async def list_connected(connection: Connection) -> list[Shop]:
    """Every connected shop of every merchant, for the metrics."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM shop WHERE connection = 'connected'"  # noqa: S608 - constants
    )
    return [_shop(row) for row in rows]


async def find_shop_of_seller(connection: Connection, seller_id: str) -> Shop | None:
    """The one shop that is connected to this seller account, of whichever merchant."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM shop WHERE seller_id = $1",  # noqa: S608 - constants
        seller_id,
    )
    return None if row is None else _shop(row)


async def save_grant(
    connection: Connection,
    owner: Owner,
    sealed: SealedToken,
    *,
    seller_id: str,
    seller_name: str | None,
    expires_at: datetime,
    next_step_at: datetime,
) -> Shop:
    """Connect the locked shop with this token of the owner's (new) generation.

    Raises asyncpg's `UniqueViolationError` of `SELLER_CONSTRAINT` when another shop has the seller.
    """
    row = await connection.fetchrow(
        f"""
        UPDATE shop SET connection = 'connected', generation = $3,
            revision = greatest(revision + 1, $4), seller_id = $5, seller_name = $6,
            connected_at = $7, expires_at = $8, announced_step = NULL, next_step_at = $9,
            token_key_id = $10, token_wrapped_key = $11, token_nonce = $12, token_ciphertext = $13
        WHERE merchant_id = $1 AND shop_id = $2
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        owner.merchant_id,
        owner.shop_id,
        owner.generation,
        clock.epoch_milliseconds(),
        seller_id,
        seller_name,
        clock.now(),
        expires_at,
        next_step_at,
        sealed.key_id,
        sealed.wrapped_key,
        sealed.nonce,
        sealed.ciphertext,
    )
    assert row is not None  # noqa: S101 - the row is locked
    return _shop(row)


async def end_connection(
    connection: Connection, merchant_id: str, shop_id: str, ended: ShopConnection
) -> Shop:
    """Let the locked shop's connection end as `ended`; its token is forgotten."""
    row = await connection.fetchrow(
        f"""
        UPDATE shop SET connection = $3, revision = greatest(revision + 1, $4),
            next_step_at = NULL, token_key_id = NULL, token_wrapped_key = NULL,
            token_nonce = NULL, token_ciphertext = NULL
        WHERE merchant_id = $1 AND shop_id = $2
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
        shop_id,
        ended,
        clock.epoch_milliseconds(),
    )
    assert row is not None  # noqa: S101 - the row is locked
    return _shop(row)


async def set_eligibility(
    connection: Connection, merchant_id: str, is_eligible: bool
) -> list[Shop]:
    """Give the merchant's shops this eligibility; those it changes, in key order, locked."""
    keys = await connection.fetch(
        """
        SELECT shop_id FROM shop WHERE merchant_id = $1 AND is_eligible <> $2
        ORDER BY shop_id FOR UPDATE
        """,
        merchant_id,
        is_eligible,
    )
    rows = await connection.fetch(
        f"""
        UPDATE shop SET is_eligible = $3, revision = greatest(revision + 1, $4)
        WHERE merchant_id = $1 AND shop_id = ANY($2)
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
        [key["shop_id"] for key in keys],
        is_eligible,
        clock.epoch_milliseconds(),
    )
    return _by_key(rows)


async def renew_revisions(
    connection: Connection, *, merchant_id: str | None, after: tuple[str, str], limit: int
) -> list[Shop]:
    """Raise the revision of the next shops after this key, in key order, to publish them again."""
    keys = await connection.fetch(
        """
        SELECT merchant_id, shop_id FROM shop
        WHERE ($1::text IS NULL OR merchant_id = $1) AND (merchant_id, shop_id) > ($2, $3)
        ORDER BY merchant_id, shop_id LIMIT $4 FOR UPDATE
        """,
        merchant_id,
        *after,
        limit,
    )
    rows = await connection.fetch(
        f"""
        UPDATE shop SET revision = greatest(revision + 1, $3)
        WHERE (merchant_id, shop_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        [key["merchant_id"] for key in keys],
        [key["shop_id"] for key in keys],
        clock.epoch_milliseconds(),
    )
    return _by_key(rows)


def _by_key(rows: Sequence[asyncpg.Record]) -> list[Shop]:
    return sorted(map(_shop, rows), key=lambda shop: (shop.merchant_id, shop.shop_id))


# -- sealed tokens ----------------------------------------------------------------------------

_SEALED = "token_key_id, token_wrapped_key, token_nonce, token_ciphertext"


async def find_sealed(
    connection: Connection, merchant_id: str, shop_id: str
) -> tuple[Shop, SealedToken | None]:
    """The shop and its token, read together. Raises `NotFound`."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}, {_SEALED} FROM shop WHERE merchant_id = $1 AND shop_id = $2
        """,  # noqa: S608 - constant lists of columns
        merchant_id,
        shop_id,
    )
    *known, key_id, wrapped_key, nonce, ciphertext = _found(row).values()
    shop = Shop(*known)
    if key_id is None:
        return shop, None
    return shop, SealedToken(key_id, wrapped_key, nonce, ciphertext)


async def claim_sealed_under_other_key(
    connection: Connection, key_id: str, *, limit: int
) -> list[tuple[str, str, SealedToken]]:
    """Tokens under another master key than this one: merchant, shop, token; rows locked."""
    rows = await connection.fetch(
        f"""
        SELECT merchant_id, shop_id, {_SEALED} FROM shop WHERE token_key_id <> $1
        ORDER BY merchant_id, shop_id LIMIT $2 FOR UPDATE SKIP LOCKED
        """,  # noqa: S608 - a constant list of columns
        key_id,
        limit,
    )
    return [(row[0], row[1], SealedToken(row[2], row[3], row[4], row[5])) for row in rows]


async def save_wrapping(
    connection: Connection, merchant_id: str, shop_id: str, sealed: SealedToken
) -> None:
    await connection.execute(
        """
        UPDATE shop SET token_key_id = $3, token_wrapped_key = $4
        WHERE merchant_id = $1 AND shop_id = $2
        """,
        merchant_id,
        shop_id,
        sealed.key_id,
        sealed.wrapped_key,
    )


# -- steps towards a token's end --------------------------------------------------------------


async def claim_due(connection: Connection, now: datetime, *, limit: int) -> list[tuple[str, str]]:
    """Keys (merchant, shop) of connected shops with a step due, in key order, rows locked."""
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT merchant_id, shop_id FROM shop
            WHERE next_step_at <= $1 AND connection = 'connected'
            ORDER BY next_step_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        SELECT merchant_id, shop_id FROM due ORDER BY merchant_id, shop_id
        """,
        now,
        limit,
    )
    return [(row["merchant_id"], row["shop_id"]) for row in rows]


async def mark_step(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    *,
    step: str | None,
    next_at: datetime | None,
) -> None:
    """Record the last step published of the locked shop and when the next is due."""
    await connection.execute(
        """
        UPDATE shop SET announced_step = $3, next_step_at = $4
        WHERE merchant_id = $1 AND shop_id = $2
        """,
        merchant_id,
        shop_id,
        step,
        next_at,
    )
