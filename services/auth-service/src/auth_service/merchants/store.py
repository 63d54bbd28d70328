"""Merchants by id."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from auth_service import tables
from common import clock
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection
from common.web.preconditions import etag_of


@dataclass(frozen=True)
class Merchant:
    """A tenant of the installation."""

    merchant_id: str
    name: str
    is_eligible: bool
    created_at: datetime
    updated_at: datetime

    @property
    def etag(self) -> str:
        """Names what is registered."""
        said = json.dumps([self.name, self.is_eligible])
        return etag_of(hashlib.sha256(said.encode()).hexdigest()[:16])


async def find_merchant_to_change(connection: Connection, merchant_id: str) -> Merchant | None:
    """The merchant, whom nobody else makes or changes while this transaction lasts."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('merchant/' || $1, 0))", merchant_id
    )
    row = await connection.fetchrow("SELECT * FROM merchant WHERE merchant_id = $1", merchant_id)
    return Merchant(**row) if row is not None else None


async def save_merchant(
    connection: Connection, merchant_id: str, *, name: str, is_eligible: bool
) -> Merchant:
    """Create or change the merchant; its row stays locked for this transaction."""
    row = await connection.fetchrow(
        """
        INSERT INTO merchant (merchant_id, name, is_eligible, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (merchant_id) DO UPDATE SET name = $2, is_eligible = $3, updated_at = $4
        RETURNING *
        """,
        merchant_id,
        name,
        is_eligible,
        clock.now(),
    )
    assert row is not None  # noqa: S101 - an upsert returns its row
    return Merchant(**row)


async def load_merchant(connection: Connection, merchant_id: str) -> Merchant:
    """The merchant. Raises `NotFound`."""
    row = await connection.fetchrow("SELECT * FROM merchant WHERE merchant_id = $1", merchant_id)
    if row is None:
        raise NotFound("merchant", remedy="Ask the operator to register this merchant.")
    return Merchant(**row)


async def list_merchants(
    connection: Connection, *, words: str = "", after: str, limit: int
) -> list[Merchant]:
    """A page of all merchants, by id; with `words` those whose id or name has them."""
    known = tables.merchant.c
    page = sa.select(tables.merchant).where(known.merchant_id > after)
    if words:
        has = [
            column.icontains(words, autoescape=True) for column in (known.merchant_id, known.name)
        ]
        page = page.where(sa.or_(*has))
    page = page.order_by(known.merchant_id).limit(limit)
    return [Merchant(**row) for row in await core.fetch(connection, page)]


async def find_names(connection: Connection, merchant_ids: Sequence[str]) -> dict[str, str]:
    """What these merchants are called, of those that are known."""
    rows = await connection.fetch(
        "SELECT merchant_id, name FROM merchant WHERE merchant_id = ANY($1)", list(merchant_ids)
    )
    return {row["merchant_id"]: row["name"] for row in rows}
