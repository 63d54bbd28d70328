"""Sealed values of any table, one a row, for wrapping them under another master key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from auth_service.sealing.token_vault import SealedToken
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.set_aside import RowKey

_Text = sa.ColumnElement[str]


@dataclass(frozen=True)
class SealedRows:
    """Where a table's store keeps its sealed values.

    `job` wraps them anew. `key` names a row: merchant and subject, or a subject that is nobody's.
    `sealed` are the columns of a `SealedToken`, in its order.
    """

    job: str
    table: sa.Table
    key: tuple[str, ...]
    sealed: tuple[str, str, str, str] = ("sealed_under", "wrapped_key", "nonce", "ciphertext")

    async def list_under_other_key(
        self, connection: Connection, key_id: str, now: datetime, *, limit: int
    ) -> list[RowKey]:
        """Rows under another master key than this one, and that the job is not to pass over."""
        key = self._key
        whose = key if len(key) > 1 else [sa.literal(""), *key]
        query = (
            sa.select(*key)
            .where(self._under != key_id, ~sa.func.is_held(self.job, *whose, now))
            .order_by(*key)
            .limit(limit)
        )
        return [self._row([*row]) for row in await core.fetch(connection, query)]

    async def claim_under_other_key(
        self, connection: Connection, rows: Sequence[RowKey], key_id: str
    ) -> list[tuple[RowKey, SealedToken]]:
        """Of these rows, those under another master key than this one, locked."""
        key = self._key
        named = [(row.merchant_id, row.subject)[-len(key) :] for row in rows]
        query = (
            sa.select(*key, *(self.table.c[name] for name in self.sealed))
            .where(self._under != key_id, core.is_among(key, named))
            .order_by(*key)
            .with_for_update(skip_locked=True)
        )
        found = [[*row] for row in await core.fetch(connection, query)]
        return [(self._row(row), SealedToken(*row[len(key) :])) for row in found]

    async def save_wrapping(self, connection: Connection, row: RowKey, sealed: SealedToken) -> None:
        """The row's data key is wrapped under another master key now."""
        under, wrapped = self.sealed[:2]
        names = (row.merchant_id, row.subject)[-len(self.key) :]
        await core.execute(
            connection,
            sa.update(self.table)
            .where(*(column == name for column, name in zip(self._key, names, strict=True)))
            .values({under: sealed.key_id, wrapped: sealed.wrapped_key}),
        )

    @property
    def _key(self) -> Sequence[_Text]:
        return [self.table.c[name] for name in self.key]

    @property
    def _under(self) -> _Text:
        return self.table.c[self.sealed[0]]

    def _row(self, values: Sequence[str]) -> RowKey:
        """A row that is nobody's has no merchant."""
        return RowKey(*["", *values[: len(self.key)]][-2:])
