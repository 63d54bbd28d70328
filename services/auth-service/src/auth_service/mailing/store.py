"""Mails that wait, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth_service.sealing.store import SealedRows
from auth_service.sealing.token_vault import SealedToken
from auth_service.tables import mail
from common import clock
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

SEALED = SealedRows("rotate-mail-keys", mail, ("mail_id",))
"""The table's sealed values."""

SENDING = WorkKind()
"""Mails that are due."""


@dataclass(frozen=True)
class Mail:
    """A claimed mail; `attempts` counts this one."""

    mail_id: str
    recipient: str
    template: str
    language: str
    attempts: int
    queued_at: datetime
    sealed: SealedToken


async def insert_mail(
    connection: Connection,
    mail_id: str,
    sealed: SealedToken,
    *,
    merchant_id: str | None,
    recipient: str,
    template: str,
    language: str,
) -> None:
    """Queue the mail in this transaction."""
    await connection.execute(
        """
        INSERT INTO mail (mail_id, merchant_id, recipient, template, language, state, queued_at,
            next_at, sealed_under, wrapped_key, nonce, ciphertext)
        VALUES ($1, $2, $3, $4, $5, 'due', $6, $6, $7, $8, $9, $10)
        """,
        mail_id,
        merchant_id,
        recipient,
        template,
        language,
        clock.now(),
        sealed.key_id,
        sealed.wrapped_key,
        sealed.nonce,
        sealed.ciphertext,
    )
    made_work(connection, SENDING)


async def claim_due(
    connection: Connection, job: str, holder: str, *, lasts: timedelta, limit: int
) -> list[Mail]:
    """The next mails, claimed for so long by the system's clock and noted as being sent: whoever
    finds them so later knows that they may have been."""
    wall = clock.wall_now()
    rows = await connection.fetch(
        """
        UPDATE mail SET state = 'sending', attempts = attempts + 1, claimed_until = $3,
            claimed_by = $5
        WHERE mail_id IN (
            SELECT mail_id FROM mail
            WHERE next_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $2)
                AND NOT is_held($6, '', mail_id, $1)
            ORDER BY next_at, mail_id LIMIT $4 FOR UPDATE SKIP LOCKED)
        RETURNING mail_id, recipient, template, language, attempts, queued_at,
            sealed_under, wrapped_key, nonce, ciphertext
        """,
        clock.now(),
        wall,
        wall + lasts,
        limit,
        holder,
        job,
    )
    mails = [
        Mail(
            row["mail_id"],
            row["recipient"],
            row["template"],
            row["language"],
            row["attempts"],
            row["queued_at"],
            SealedToken(row["sealed_under"], row["wrapped_key"], row["nonce"], row["ciphertext"]),
        )
        for row in rows
    ]
    return sorted(mails, key=lambda mail: (mail.queued_at, mail.mail_id))


async def release_claims(connection: Connection, holder: str) -> None:
    """End what an earlier process of this name had claimed."""
    await connection.execute(
        "UPDATE mail SET claimed_until = NULL WHERE claimed_by = $1 AND next_at IS NOT NULL", holder
    )


async def note_sent(connection: Connection, mail_id: str) -> None:
    """The mail server has it: its parameters, which may hold a link, are forgotten."""
    await _end(connection, mail_id, "sent", None)


async def note_given_up(connection: Connection, mail_id: str, error: str) -> None:
    """It is not tried again."""
    await _end(connection, mail_id, "given_up", error)


async def _end(connection: Connection, mail_id: str, state: str, error: str | None) -> None:
    await connection.execute(
        """
        UPDATE mail SET state = $2, last_error = $3, ended_at = $4, next_at = NULL,
            claimed_until = NULL, claimed_by = NULL, sealed_under = NULL, wrapped_key = NULL,
            nonce = NULL, ciphertext = NULL
        WHERE mail_id = $1
        """,
        mail_id,
        state,
        error,
        clock.now(),
    )


async def postpone(connection: Connection, mail_id: str, until: datetime, error: str) -> None:
    """It was not taken; try again then."""
    await connection.execute(
        """
        UPDATE mail SET state = 'due', next_at = $2, claimed_until = NULL, claimed_by = NULL,
            last_error = $3
        WHERE mail_id = $1
        """,
        mail_id,
        until,
        error,
    )


async def give_back(connection: Connection, mail_ids: Sequence[str]) -> None:
    """Claimed and not tried: they are due as before."""
    await connection.execute(
        """
        UPDATE mail SET state = 'due', attempts = attempts - 1, claimed_until = NULL,
            claimed_by = NULL
        WHERE mail_id = ANY($1) AND state = 'sending'
        """,
        list(mail_ids),
    )


async def forget_mails(
    connection: Connection, *, ended_before: datetime, queued_before: datetime, limit: int
) -> int:
    """Delete mails that ended before then, or wait since before then; how many there were."""
    rows = await connection.fetch(
        """
        DELETE FROM mail WHERE mail_id IN (
            SELECT mail_id FROM mail
            WHERE ended_at < $1 OR (next_at IS NOT NULL AND queued_at < $2) LIMIT $3)
        RETURNING 1
        """,
        ended_before,
        queued_before,
        limit,
    )
    return len(rows)
