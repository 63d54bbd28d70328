"""Shops: how they are connected, their sealed tokens, and which expiry step is next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from auth_service.sealing.store import SealedRows
from auth_service.sealing.token_vault import Owner, SealedToken
from auth_service.tables import merchant, shop
from common import clock
from common.contracts.shop import Connection as ShopConnection
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.set_aside import RowKey

SELLER_CONSTRAINT = "shop_of_seller"


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


_COLUMNS = (
    shop.c.merchant_id,
    shop.c.shop_id,
    shop.c.is_eligible,
    shop.c.connection,
    shop.c.generation,
    shop.c.revision,
    shop.c.seller_id,
    shop.c.seller_name,
    shop.c.connected_at,
    shop.c.expires_at,
    shop.c.announced_step,
)
_KEY = (shop.c.merchant_id, shop.c.shop_id)
_SEALED = (
    shop.c.token_key_id,
    shop.c.token_wrapped_key,
    shop.c.token_nonce,
    shop.c.token_ciphertext,
)
SEALED = SealedRows(
    "rotate-keys",
    shop,
    ("merchant_id", "shop_id"),
    ("token_key_id", "token_wrapped_key", "token_nonce", "token_ciphertext"),
)
"""The table's sealed values."""


def _is_shop(merchant_id: str, shop_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(shop.c.merchant_id == merchant_id, shop.c.shop_id == shop_id)


def _now_as_revision() -> sa.ColumnElement[int]:
    return sa.literal(clock.epoch_milliseconds(), sa.BigInteger)


def _next_revision() -> sa.ColumnElement[int]:
    """It rises even where the clock went back."""
    return sa.func.greatest(shop.c.revision + 1, _now_as_revision())


def _shop(row: asyncpg.Record) -> Shop:
    return Shop(**row)


def _found(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise NotFound("shop", remedy="Connect the shop first.")
    return row


async def make_shop(connection: Connection, merchant_id: str, shop_id: str) -> Shop | None:
    """A new shop, not yet connected; None when it exists. Waits for a change of its merchant."""
    values = {
        shop.c.merchant_id: merchant.c.merchant_id,
        shop.c.shop_id: sa.literal(shop_id, sa.Text),
        shop.c.is_eligible: merchant.c.is_eligible,
        shop.c.revision: _now_as_revision(),
        shop.c.created_at: sa.literal(clock.now(), sa.DateTime(timezone=True)),
    }
    of_merchant = (
        sa.select(*values.values())
        .where(merchant.c.merchant_id == merchant_id)
        .with_for_update(read=True)
    )
    row = await core.fetch_one(
        connection,
        insert(shop)
        .from_select(list(values), of_merchant)
        .on_conflict_do_nothing(index_elements=_KEY)
        .returning(*_COLUMNS),
    )
    return None if row is None else _shop(row)


async def load_shop(connection: Connection, merchant_id: str, shop_id: str) -> Shop:
    """The shop. Raises `NotFound`."""
    wanted = sa.select(*_COLUMNS).where(_is_shop(merchant_id, shop_id))
    return _shop(_found(await core.fetch_one(connection, wanted)))


async def lock_shop(connection: Connection, merchant_id: str, shop_id: str) -> Shop:
    """The shop, its row locked for this transaction. Raises `NotFound`."""
    wanted = sa.select(*_COLUMNS).where(_is_shop(merchant_id, shop_id)).with_for_update()
    return _shop(_found(await core.fetch_one(connection, wanted)))


async def list_shops(
    connection: Connection, merchant_id: str, *, after: str, limit: int
) -> list[Shop]:
    """A page of the merchant's shops, by id."""
    page = (
        sa.select(*_COLUMNS)
        .where(shop.c.merchant_id == merchant_id, shop.c.shop_id > after)
        .order_by(shop.c.shop_id)
        .limit(limit)
    )
    return [_shop(row) for row in await core.fetch(connection, page)]


async def list_granted(connection: Connection) -> list[Shop]:
    """Every shop of every merchant that is connected, or was until its token lapsed."""
    is_granted = sa.or_(shop.c.connection == "connected", shop.c.connection == "lapsed")
    granted = sa.select(*_COLUMNS).where(is_granted)
    return [_shop(row) for row in await core.fetch(connection, granted)]


async def find_shop_of_seller(connection: Connection, seller_id: str) -> Shop | None:
    """The one shop that is connected to this seller account, of whichever merchant."""
    row = await core.fetch_one(
        connection, sa.select(*_COLUMNS).where(shop.c.seller_id == seller_id)
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
    row = await core.fetch_one(
        connection,
        sa.update(shop)
        .where(_is_shop(owner.merchant_id, owner.shop_id))
        .values(
            connection="connected",
            generation=owner.generation,
            revision=_next_revision(),
            seller_id=seller_id,
            seller_name=seller_name,
            connected_at=clock.now(),
            expires_at=expires_at,
            announced_step=sa.null(),
            next_step_at=next_step_at,
            token_key_id=sealed.key_id,
            token_wrapped_key=sealed.wrapped_key,
            token_nonce=sealed.nonce,
            token_ciphertext=sealed.ciphertext,
        )
        .returning(*_COLUMNS),
    )
    assert row is not None  # noqa: S101 - the row is locked
    return _shop(row)


async def end_connection(
    connection: Connection, merchant_id: str, shop_id: str, ended: ShopConnection
) -> Shop:
    """Let the locked shop's connection end as `ended`; its token is forgotten."""
    row = await core.fetch_one(
        connection,
        sa.update(shop)
        .where(_is_shop(merchant_id, shop_id))
        .values(connection=ended, revision=_next_revision(), next_step_at=sa.null())
        .values(dict.fromkeys(_SEALED, sa.null()))
        .returning(*_COLUMNS),
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
    changed = sa.literal([key["shop_id"] for key in keys], sa.ARRAY(sa.Text))
    rows = await core.fetch(
        connection,
        sa.update(shop)
        .where(shop.c.merchant_id == merchant_id, shop.c.shop_id == sa.any_(changed))
        .values(is_eligible=is_eligible, revision=_next_revision())
        .returning(*_COLUMNS),
    )
    return _by_key(rows)


async def list_keys(
    connection: Connection, *, merchant_id: str | None, after: RowKey, limit: int
) -> list[RowKey]:
    """The next shops after this one, in key order."""
    page = sa.select(*_KEY).where(sa.tuple_(*_KEY) > after)
    if merchant_id is not None:
        page = page.where(shop.c.merchant_id == merchant_id)
    rows = await core.fetch(connection, page.order_by(*_KEY).limit(limit))
    return [RowKey(*row) for row in rows]


async def renew_revisions(connection: Connection, shops: Sequence[RowKey]) -> list[Shop]:
    """Raise the revision of these shops, in key order, to publish them again."""
    these = sa.select(*_KEY).where(core.is_among(_KEY, shops))
    keys = await core.fetch(connection, these.order_by(*_KEY).with_for_update())
    rows = await core.fetch(
        connection,
        sa.update(shop)
        .where(core.is_among(_KEY, [(key["merchant_id"], key["shop_id"]) for key in keys]))
        .values(revision=_next_revision())
        .returning(*_COLUMNS),
    )
    return _by_key(rows)


def _by_key(rows: Sequence[asyncpg.Record]) -> list[Shop]:
    return sorted(map(_shop, rows), key=lambda each: (each.merchant_id, each.shop_id))


# -- sealed tokens ----------------------------------------------------------------------------


async def find_sealed(
    connection: Connection, merchant_id: str, shop_id: str
) -> tuple[Shop, SealedToken | None]:
    """The shop and its token, read together. Raises `NotFound`."""
    row = await core.fetch_one(
        connection, sa.select(*_COLUMNS, *_SEALED).where(_is_shop(merchant_id, shop_id))
    )
    *known, key_id, wrapped_key, nonce, ciphertext = _found(row).values()
    found = Shop(*known)
    if key_id is None:
        return found, None
    return found, SealedToken(key_id, wrapped_key, nonce, ciphertext)


# -- steps towards a token's end --------------------------------------------------------------


async def list_due(connection: Connection, job: str, now: datetime, *, limit: int) -> list[RowKey]:
    """Connected shops with a step due that this job is not to pass over."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id FROM shop
        WHERE next_step_at <= $1 AND connection = 'connected'
            AND NOT is_held($2, merchant_id, shop_id, $1)
        ORDER BY next_step_at LIMIT $3
        """,
        now,
        job,
        limit,
    )
    return [RowKey(*row) for row in rows]


async def lock_due(connection: Connection, shops: Sequence[RowKey], now: datetime) -> list[Shop]:
    """Those of these shops that have a step due and that no other process takes, in key order,
    their rows locked."""
    due = (
        sa.select(*_COLUMNS)
        .where(core.is_among(_KEY, shops))
        .where(shop.c.next_step_at <= now, shop.c.connection == "connected")
        .order_by(*_KEY)
        .with_for_update(skip_locked=True)
    )
    return [_shop(row) for row in await core.fetch(connection, due)]


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
