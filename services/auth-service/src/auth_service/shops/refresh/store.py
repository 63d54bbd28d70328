"""Refresh tokens: sealed, one of a shop, and when each is used next.

One of another generation than its shop's is passed over: a replica of a release that knows of none
has renewed the shop meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from auth_service.sealing.store import SealedRows
from auth_service.sealing.token_vault import RefreshOwner, SealedToken
from auth_service.tables import token_refresh
from common.postgres.pool import Connection
from common.postgres.set_aside import RowKey

SEALED = SealedRows("rotate-refresh-keys", token_refresh, ("merchant_id", "shop_id"))
"""The table's sealed values."""


@dataclass(frozen=True)
class RefreshPlan:
    """What is to become of a shop's refresh token. Without `due_at` it is not used any more, and
    `refusal` is the code that says why."""

    merchant_id: str
    shop_id: str
    generation: int
    usable_until: datetime
    due_at: datetime | None
    refusal: str | None

    @property
    def owner(self) -> RefreshOwner:
        """What its seal is bound to."""
        return RefreshOwner(self.merchant_id, self.shop_id, self.generation)


def _plan(row: asyncpg.Record) -> RefreshPlan:
    return RefreshPlan(*tuple(row)[:6])


async def save_refresh(
    connection: Connection,
    owner: RefreshOwner,
    sealed: SealedToken,
    *,
    usable_until: datetime,
    due_at: datetime,
) -> None:
    """Keep this refresh token of the locked shop in place of the one before."""
    await connection.execute(
        """
        INSERT INTO token_refresh (merchant_id, shop_id, generation, usable_until, due_at,
            sealed_under, wrapped_key, nonce, ciphertext)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (merchant_id, shop_id) DO UPDATE SET
            generation = $3, usable_until = $4, due_at = $5, refusal = NULL,
            sealed_under = $6, wrapped_key = $7, nonce = $8, ciphertext = $9
        """,
        owner.merchant_id,
        owner.shop_id,
        owner.generation,
        usable_until,
        due_at,
        sealed.key_id,
        sealed.wrapped_key,
        sealed.nonce,
        sealed.ciphertext,
    )


async def forget_refresh(connection: Connection, merchant_id: str, shop_id: str) -> None:
    """Forget the locked shop's refresh token, if it has one."""
    await connection.execute(
        "DELETE FROM token_refresh WHERE merchant_id = $1 AND shop_id = $2", merchant_id, shop_id
    )


async def list_plans(
    connection: Connection, merchant_id: str, shop_ids: Sequence[str]
) -> dict[str, RefreshPlan]:
    """By shop: the plans of those of the merchant's shops that have one."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, generation, usable_until, due_at, refusal
        FROM token_refresh JOIN shop USING (merchant_id, shop_id, generation)
        WHERE merchant_id = $1 AND shop_id = ANY($2)
        """,
        merchant_id,
        shop_ids,
    )
    return {row["shop_id"]: _plan(row) for row in rows}


async def list_due(connection: Connection, job: str, now: datetime, *, limit: int) -> list[RowKey]:
    """Usable shops whose token is to be refreshed and that this job is not to pass over."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id
        FROM token_refresh JOIN shop USING (merchant_id, shop_id, generation)
        WHERE due_at <= $1 AND connection = 'connected' AND is_eligible
            AND NOT is_held($2, merchant_id, shop_id, $1)
        ORDER BY due_at LIMIT $3
        """,
        now,
        job,
        limit,
    )
    return [RowKey(*row) for row in rows]


async def find_due(
    connection: Connection, merchant_id: str, shop_id: str, now: datetime
) -> tuple[RefreshPlan, SealedToken] | None:
    """The shop's plan and refresh token, if it is to be refreshed."""
    row = await connection.fetchrow(
        """
        SELECT merchant_id, shop_id, generation, usable_until, due_at, refusal,
            sealed_under, wrapped_key, nonce, ciphertext
        FROM token_refresh JOIN shop USING (merchant_id, shop_id, generation)
        WHERE merchant_id = $1 AND shop_id = $2
            AND due_at <= $3 AND connection = 'connected' AND is_eligible
        """,
        merchant_id,
        shop_id,
        now,
    )
    return None if row is None else (_plan(row), SealedToken(*tuple(row)[6:]))


async def postpone(connection: Connection, plan: RefreshPlan, due_at: datetime) -> None:
    """Try the plan's generation again then."""
    await connection.execute(
        """
        UPDATE token_refresh SET due_at = $4
        WHERE merchant_id = $1 AND shop_id = $2 AND generation = $3
        """,
        plan.merchant_id,
        plan.shop_id,
        plan.generation,
        due_at,
    )


async def give_up(connection: Connection, plan: RefreshPlan, refusal: str) -> None:
    """Never try the plan's generation again, for this reason."""
    await connection.execute(
        """
        UPDATE token_refresh SET due_at = NULL, refusal = $4
        WHERE merchant_id = $1 AND shop_id = $2 AND generation = $3
        """,
        plan.merchant_id,
        plan.shop_id,
        plan.generation,
        refusal,
    )
