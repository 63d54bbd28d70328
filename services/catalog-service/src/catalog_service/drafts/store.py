"""Drafts of configurations in Postgres, and what they would change, family by family."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import ARRAY, Text, any_, literal, select

from catalog_service.drafts.compare import FamilyChange
from catalog_service.drafts.tally import Tally
from catalog_service.feeds.compile import CompiledFeed
from catalog_service.tables import feed_draft as draft_table
from catalog_service.tables import feed_draft_family as family_table
from common import clock
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

EVALUATING = WorkKind()
"""Drafts with families to evaluate."""

State = Literal["evaluating", "ready"]
DraftKey = tuple[str, int]
"""(merchant, draft)"""


@dataclass(frozen=True)
class Draft:
    """A configuration that is tried. `based_on` is the feed's tag when it began, None: there was no
    feed; `families` is None until they are listed."""

    merchant_id: str
    draft_id: int
    feed_id: str
    body: str
    based_on: str | None
    author: str | None
    state: State
    families: int | None
    evaluated: int
    result: str
    warnings: str
    created_at: datetime
    waits_until: datetime | None
    finished_at: datetime | None

    @property
    def key(self) -> DraftKey:
        """(merchant, draft)"""
        return self.merchant_id, self.draft_id

    @property
    def tally(self) -> Tally:
        """What is counted so far."""
        return msgspec.json.decode(self.result, type=Tally)


_DRAFT = select(*(draft_table.c[part.name] for part in fields(Draft)))


async def add_draft(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    body: str,
    *,
    based_on: str | None,
    author: str,
    warnings: str,
) -> int:
    """Begin a draft; its number."""
    made_work(connection, EVALUATING)
    draft_id: int = await connection.fetchval(
        """
        INSERT INTO feed_draft (merchant_id, feed_id, body, based_on, author, state, warnings,
            created_at, turn_at)
        VALUES ($1, $2, $3, $4, $5, 'evaluating', $6, $7, $7) RETURNING draft_id
        """,
        merchant_id,
        feed_id,
        body,
        based_on,
        author,
        warnings,
        clock.now(),
    )
    return draft_id


async def count_drafts(connection: Connection, merchant_id: str) -> int:
    """How many drafts the merchant has; no other can be begun before the transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('drafts/' || $1, 0))", merchant_id
    )
    number: int = await connection.fetchval(
        "SELECT count(*) FROM feed_draft WHERE merchant_id = $1", merchant_id
    )
    return number


async def load_draft(
    connection: Connection, merchant_id: str, feed_id: str, draft_id: int, *, lock: bool = False
) -> Draft:
    """The feed's draft. Raises `NotFound`."""
    d = draft_table.c
    found = _DRAFT.where(d.merchant_id == merchant_id, d.draft_id == draft_id, d.feed_id == feed_id)
    row = await core.fetch_one(connection, found.with_for_update() if lock else found)
    if row is None:
        remedy = (
            "Drafts are kept for a time only. Begin one: POST /v1/merchants/{m}/feeds/{f}/drafts."
        )
        raise NotFound("draft", remedy=remedy)
    return Draft(**dict(row))


async def list_drafts(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    *,
    before: int | None = None,
    limit: int = 50,
) -> list[Draft]:
    """The feed's drafts, the newest first; those older than `before`."""
    d = draft_table.c
    found = _DRAFT.where(d.merchant_id == merchant_id, d.feed_id == feed_id)
    if before is not None:
        found = found.where(d.draft_id < before)
    rows = await core.fetch(connection, found.order_by(d.draft_id.desc()).limit(limit))
    return [Draft(**dict(row)) for row in rows]


async def remove_draft(connection: Connection, key: DraftKey) -> None:
    """Forget a draft and what it would change."""
    for statement in (
        "DELETE FROM feed_draft_family WHERE merchant_id = $1 AND draft_id = $2",
        "DELETE FROM feed_draft WHERE merchant_id = $1 AND draft_id = $2",
    ):
        await connection.execute(statement, *key)


# -- the job --------------------------------------------------------------------------------


async def list_expired(
    connection: Connection, job: str, *, begun_before: datetime, limit: int
) -> list[DraftKey]:
    """Drafts that were begun before then, without those that the job is to pass over."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, draft_id FROM feed_draft
        WHERE created_at < $1 AND NOT is_held($3, merchant_id, draft_id::text, $4)
        ORDER BY created_at LIMIT $2
        """,
        begun_before,
        limit,
        job,
        clock.now(),
    )
    return [(merchant, draft_id) for merchant, draft_id in rows]


async def find_due(connection: Connection, job: str) -> DraftKey | None:
    """The draft whose last turn is the longest ago: so each has its turn, whatever others need."""
    row = await connection.fetchrow(
        """
        SELECT merchant_id, draft_id FROM feed_draft
        WHERE state = 'evaluating' AND turn_at <= $2
            AND NOT is_held($1, merchant_id, draft_id::text, $2)
        ORDER BY turn_at LIMIT 1
        """,
        job,
        clock.now(),
    )
    return None if row is None else (row["merchant_id"], row["draft_id"])


async def claim_draft(connection: Connection, key: DraftKey) -> Draft | None:
    """The draft, locked; None where another replica has it, or where it is no longer evaluated."""
    d = draft_table.c
    found = _DRAFT.where(d.merchant_id == key[0], d.draft_id == key[1], d.state == "evaluating")
    row = await core.fetch_one(connection, found.with_for_update(skip_locked=True))
    return None if row is None else Draft(**dict(row))


async def list_families(connection: Connection, draft: Draft, feed: CompiledFeed) -> None:
    """Note which families are to be evaluated: those an applied configuration would mark."""
    families = await connection.fetchval(
        """
        WITH added AS (
            INSERT INTO feed_draft_family (merchant_id, draft_id, family_id, kind)
            SELECT $1, $2, family_id, 'pending' FROM (
                SELECT family_id FROM source_product
                WHERE merchant_id = $1 AND catalogue_id = $3 AND NOT is_deleted
                UNION
                SELECT family_id FROM normalized_product WHERE merchant_id = $1 AND feed_id = $4
            ) AS family
            RETURNING 1
        ) SELECT count(*) FROM added
        """,
        *draft.key,
        feed.form.catalogue,
        draft.feed_id,
    )
    await connection.execute(
        """
        UPDATE feed_draft SET families = $3, turn_at = $4 WHERE merchant_id = $1 AND draft_id = $2
        """,
        *draft.key,
        families,
        clock.now(),
    )


async def list_pending(connection: Connection, draft: Draft, *, limit: int) -> list[str]:
    """The next families to evaluate."""
    rows = await connection.fetch(
        """
        SELECT family_id FROM feed_draft_family
        WHERE merchant_id = $1 AND draft_id = $2 AND kind = 'pending'
        ORDER BY family_id LIMIT $3
        """,
        *draft.key,
        limit,
    )
    return [row["family_id"] for row in rows]


async def save_page(
    connection: Connection,
    draft: Draft,
    *,
    unchanged: Collection[str],
    changes: Mapping[str, tuple[FamilyChange, bytes]],
    waiting: Mapping[str, str],
    tally: Tally,
) -> None:
    """Note what would become of families: nothing, a change (with the digest of what would be
    sent), or that they wait for a category's schema."""
    await connection.execute(
        """
        DELETE FROM feed_draft_family
        WHERE merchant_id = $1 AND draft_id = $2 AND family_id = ANY($3::text[])
        """,
        *draft.key,
        list(unchanged),
    )
    await connection.executemany(
        """
        UPDATE feed_draft_family SET kind = $4, digest = $5, change = $6, waits_for = $7
        WHERE merchant_id = $1 AND draft_id = $2 AND family_id = $3
        """,
        [
            (*draft.key, family, change.kind, digest, msgspec.json.encode(change).decode(), None)
            for family, (change, digest) in changes.items()
        ]
        + [
            (*draft.key, family, "waiting", None, None, category)
            for family, category in waiting.items()
        ],
    )
    await connection.execute(
        """
        UPDATE feed_draft SET evaluated = evaluated + $3, result = $4, turn_at = $5
        WHERE merchant_id = $1 AND draft_id = $2
        """,
        *draft.key,
        len(unchanged) + len(changes),
        msgspec.json.encode(tally).decode(),
        clock.now(),
    )


async def list_awaited(connection: Connection, draft: Draft) -> list[str]:
    """The categories whose schema families wait for."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT waits_for FROM feed_draft_family
        WHERE merchant_id = $1 AND draft_id = $2 AND kind = 'waiting'
        """,
        *draft.key,
    )
    return [row["waits_for"] for row in rows]


async def end_waits(connection: Connection, draft: Draft, categories: Sequence[str]) -> None:
    """The schemas of these categories are there: their families are evaluated again."""
    await connection.execute(
        """
        UPDATE feed_draft_family SET kind = 'pending'
        WHERE merchant_id = $1 AND draft_id = $2 AND kind = 'waiting'
            AND waits_for = ANY($3::text[])
        """,
        *draft.key,
        list(categories),
    )


async def put_off(
    connection: Connection, draft: Draft, *, turn_at: datetime, waits_until: datetime
) -> None:
    """Look at the draft again then; what it waits for is given up at `waits_until`."""
    await connection.execute(
        """
        UPDATE feed_draft SET turn_at = $3, waits_until = $4
        WHERE merchant_id = $1 AND draft_id = $2
        """,
        *draft.key,
        turn_at,
        waits_until,
    )


async def finish_draft(connection: Connection, draft: Draft) -> None:
    """All that can be evaluated is; what still waits counts as such."""
    tally = draft.tally
    waiting = await connection.fetchval(
        """
        SELECT count(*) FROM feed_draft_family
        WHERE merchant_id = $1 AND draft_id = $2 AND kind = 'waiting'
        """,
        *draft.key,
    )
    if waiting:
        tally.kinds["waiting"] = waiting
    await connection.execute(
        """
        UPDATE feed_draft SET state = 'ready', result = $3, finished_at = $4
        WHERE merchant_id = $1 AND draft_id = $2
        """,
        *draft.key,
        msgspec.json.encode(tally).decode(),
        clock.now(),
    )


# -- for people -----------------------------------------------------------------------------


async def list_changes(
    connection: Connection,
    key: DraftKey,
    *,
    kinds: Sequence[str],
    after: str = "",
    limit: int = 50,
) -> list[tuple[str, FamilyChange | None]]:
    """The families of these kinds by id, each with its change; None while it waits."""
    f = family_table.c
    rows = await core.fetch(
        connection,
        select(f.family_id, f.change)
        .where(
            f.merchant_id == key[0],
            f.draft_id == key[1],
            f.kind == any_(literal(list(kinds), ARRAY(Text))),
            f.family_id > after,
        )
        .order_by(f.family_id)
        .limit(limit),
    )
    decode = msgspec.json.Decoder(FamilyChange).decode
    return [(family, None if change is None else decode(change)) for family, change in rows]
