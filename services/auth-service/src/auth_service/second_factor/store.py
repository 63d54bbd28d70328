"""Second factors, their secrets sealed, and the hashes of recovery codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from auth_service.sealing.store import SealedRows
from auth_service.sealing.token_vault import SealedToken
from auth_service.tables import second_factor
from common import clock
from common.postgres.pool import Connection

SEALED = SealedRows("rotate-second-factors", second_factor, ("person_id",))
"""The table's sealed values."""


@dataclass(frozen=True)
class FactorOwner:
    """Whose factor it is: what its seal is bound to."""

    person_id: str

    def __str__(self) -> str:
        return f"second factor of {self.person_id}"

    def additional_data(self) -> bytes:
        """The same bytes for the same person, and for nothing else that is sealed."""
        return msgspec.json.encode(["second-factor", self.person_id])


@dataclass(frozen=True)
class Factor:
    """A person's factor; it is asked for once it is confirmed."""

    sealed: SealedToken
    confirmed_at: datetime | None
    last_step: int | None


async def lock_factor(connection: Connection, person_id: str) -> Factor | None:
    """The person's factor, its row locked, so that no code is taken twice."""
    row = await connection.fetchrow(
        """
        SELECT sealed_under, wrapped_key, nonce, ciphertext, confirmed_at, last_step
        FROM second_factor WHERE person_id = $1 FOR UPDATE
        """,
        person_id,
    )
    if row is None:
        return None
    return Factor(SealedToken(row[0], row[1], row[2], row[3]), row[4], row[5])


async def is_confirmed(connection: Connection, person_id: str) -> bool:
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM second_factor WHERE person_id = $1"
        " AND confirmed_at IS NOT NULL)",
        person_id,
    )
    return found


async def save_factor(connection: Connection, person_id: str, sealed: SealedToken) -> bool:
    """Store a factor that is not confirmed yet, in the place of one that never was; False where
    one is confirmed already."""
    saved = await connection.fetchval(
        """
        INSERT INTO second_factor AS f
            (person_id, sealed_under, wrapped_key, nonce, ciphertext, made_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (person_id) DO UPDATE SET sealed_under = $2, wrapped_key = $3, nonce = $4,
            ciphertext = $5, made_at = $6, last_step = NULL
        WHERE f.confirmed_at IS NULL
        RETURNING 1
        """,
        person_id,
        sealed.key_id,
        sealed.wrapped_key,
        sealed.nonce,
        sealed.ciphertext,
        clock.now(),
    )
    return saved is not None


async def take_step(connection: Connection, person_id: str, step: int) -> None:
    """The code of this step was taken; the first one confirms the factor."""
    await connection.execute(
        """
        UPDATE second_factor SET last_step = $2, confirmed_at = coalesce(confirmed_at, $3)
        WHERE person_id = $1
        """,
        person_id,
        step,
        clock.now(),
    )


async def replace_codes(connection: Connection, person_id: str, hashes: Sequence[bytes]) -> None:
    """These are the person's recovery codes from now on."""
    await connection.execute("DELETE FROM recovery_code WHERE person_id = $1", person_id)
    await connection.execute(
        "INSERT INTO recovery_code (person_id, code_hash) SELECT $1, unnest($2::bytea[])",
        person_id,
        hashes,
    )


async def use_code(connection: Connection, person_id: str, code_hash: bytes) -> bool:
    """Use up a recovery code; False for one unknown or used."""
    used = await connection.fetchval(
        """
        UPDATE recovery_code SET used_at = $3
        WHERE person_id = $1 AND code_hash = $2 AND used_at IS NULL RETURNING 1
        """,
        person_id,
        code_hash,
        clock.now(),
    )
    return used is not None


async def count_unused_codes(connection: Connection, person_id: str) -> int:
    unused: int = await connection.fetchval(
        "SELECT count(*) FROM recovery_code WHERE person_id = $1 AND used_at IS NULL", person_id
    )
    return unused


async def delete_factor(connection: Connection, person_id: str) -> bool:
    """Forget the factor and its codes; whether there was one."""
    await connection.execute("DELETE FROM recovery_code WHERE person_id = $1", person_id)
    deleted = await connection.fetchval(
        "DELETE FROM second_factor WHERE person_id = $1 RETURNING 1", person_id
    )
    return deleted is not None
