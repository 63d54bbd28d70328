"""Imports of catalogue files in Postgres: the file in pieces, and its progress."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg
import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    all_,
    bindparam,
    cast,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on

from catalog_service.files.readers.recognise import Options
from catalog_service.tables import IS_UNREAD, catalogue_import
from catalog_service.texts import storable
from common import clock
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import WorkKind, made_work, reading

IMPORTING = WorkKind()
"""Files that are here whole and unread."""

State = Literal[
    "uploading",
    "waiting",
    "reading",
    "completed",
    "completed_with_problems",
    "awaiting_confirmation",
    "failed",
    "cancelled",
]
LONGEST_FILE_NAME = 200
CANCELLABLE: frozenset[State] = frozenset(
    {"uploading", "waiting", "reading", "awaiting_confirmation"}
)
"""Imports that have not ended."""


class ImportCancelled(Exception):
    """Somebody has cancelled the import since it began."""


class Import(msgspec.Struct, frozen=True):
    """One import of a file and how far it is; `rows_read` counts products and bad lines."""

    merchant_id: str
    import_id: int
    catalogue_id: str
    file_name: str
    options: str
    is_full: bool
    is_dry_run: bool
    state: State
    failure: str | None
    format: str | None
    size_bytes: int
    lines: int
    lines_read: int
    rows_read: int
    accepted: int
    unchanged: int
    repeated: int
    rejected: int
    deleted: int
    withheld: int
    is_read: bool
    is_confirmed: bool
    created_at: datetime
    finished_at: datetime | None

    def reading_options(self) -> Options:
        """How the merchant asked for the file to be read."""
        return msgspec.json.decode(self.options, type=Options)


_COLUMNS = [catalogue_import.c[name] for name in Import.__struct_fields__]


@dataclass(frozen=True)
class NewImport:
    """What an upload says of itself."""

    merchant_id: str
    catalogue_id: str
    file_name: str
    options: Options
    is_full: bool
    is_dry_run: bool


async def add_import(connection: Connection, new: NewImport) -> int:
    """Begin an import; its file follows in pieces. Returns its number."""
    import_id: int = await connection.fetchval(
        """
        INSERT INTO catalogue_import
            (merchant_id, catalogue_id, file_name, options, is_full, is_dry_run, state, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'uploading', $7) RETURNING import_id
        """,
        new.merchant_id,
        new.catalogue_id,
        storable(new.file_name, limit=LONGEST_FILE_NAME),
        msgspec.json.encode(new.options).decode(),
        new.is_full,
        new.is_dry_run,
        clock.now(),
    )
    return import_id


async def add_chunk(
    connection: Connection, merchant_id: str, import_id: int, place: int, content: bytes
) -> None:
    """Keep a piece of the file."""
    await connection.execute(
        """
        INSERT INTO import_chunk (merchant_id, import_id, place, content) VALUES ($1, $2, $3, $4)
        """,
        merchant_id,
        import_id,
        place,
        content,
    )


async def finish_upload(
    connection: Connection, merchant_id: str, import_id: int, size_bytes: int
) -> Import | None:
    """The file is here whole: let it be read. None for an import that was cancelled meanwhile."""
    row = await core.fetch_one(
        connection,
        update(catalogue_import)
        .where(*_is(merchant_id, import_id), catalogue_import.c.state == "uploading")
        .values(state="waiting", size_bytes=size_bytes)
        .returning(*_COLUMNS),
    )
    if row is None:
        await forget_chunks(connection, merchant_id, import_id)
        return None
    made_work(connection, IMPORTING)
    return _import(row)


async def lock_unended(connection: Connection, running: Import) -> None:
    """Lock the row of the import being read. Raises `ImportCancelled`."""
    found = await find_import(connection, running.merchant_id, running.import_id, is_locked=True)
    if found is None or found.state not in {"waiting", "reading"}:
        raise ImportCancelled


async def cancel_import(connection: Connection, running: Import) -> None:
    """End the locked import: what was taken of its file stays, with its counts."""
    await finish_import(connection, running, "cancelled")
    await forget_chunks(connection, running.merchant_id, running.import_id)


@dataclass(frozen=True)
class Unread:
    """What of a merchant's files is here and not read to its end."""

    imports: int
    size_bytes: int


async def count_unread(connection: Connection, merchant_id: str) -> Unread:
    """How many of the merchant's imports are to be read, and how large their files are."""
    row = await connection.fetchrow(
        """
        SELECT count(*) AS imports, coalesce(sum(size_bytes), 0)::bigint AS size_bytes
        FROM catalogue_import
        WHERE merchant_id = $1 AND state IN ('waiting', 'reading')
        """,
        merchant_id,
    )
    assert row is not None  # noqa: S101 - an aggregate has one row
    return Unread(**dict(row))


async def list_abandoned(
    connection: Connection, job: str, *, before: datetime, limit: int
) -> list[tuple[str, int]]:
    """Uploads begun before then whose file never came whole: merchant and number."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, import_id FROM catalogue_import
        WHERE state = 'uploading' AND created_at < $1
            AND NOT is_held($2, merchant_id, import_id::text, $3)
        ORDER BY import_id LIMIT $4
        """,
        before,
        job,
        clock.now(),
        limit,
    )
    return [(merchant, import_id) for merchant, import_id in rows]


async def read_chunks(pool: Pool, merchant_id: str, import_id: int) -> AsyncIterator[bytes]:
    """The file's pieces in order, one in memory at a time."""
    place = 0
    while True:
        async with reading(pool) as connection:
            content: bytes | None = await connection.fetchval(
                """
                SELECT content FROM import_chunk
                WHERE merchant_id = $1 AND import_id = $2 AND place = $3
                """,
                merchant_id,
                import_id,
                place,
            )
        if content is None:
            return
        yield content
        place += 1


async def forget_chunks(connection: Connection, merchant_id: str, import_id: int) -> None:
    """Drop the file itself; what was found stays."""
    await connection.execute(
        "DELETE FROM import_chunk WHERE merchant_id = $1 AND import_id = $2",
        merchant_id,
        import_id,
    )


async def forget_import(connection: Connection, merchant_id: str, import_id: int) -> None:
    """Drop an import whose file never came whole."""
    await forget_chunks(connection, merchant_id, import_id)
    await connection.execute(
        "DELETE FROM catalogue_import WHERE merchant_id = $1 AND import_id = $2",
        merchant_id,
        import_id,
    )


async def list_ready_imports(
    connection: Connection,
    *,
    job: str,
    limit: int,
    without_merchants: Collection[str] = (),
    without_imports: Collection[int] = (),
) -> list[Import]:
    """Of each merchant the first unfinished import that this job is not to pass over, the oldest
    first.

    The files of a catalogue are read one after the other; `without_imports` holds back only their
    own catalogues.
    """
    rows = await core.fetch(
        connection,
        _READY,
        job=job,
        now=clock.now(),
        at_most=limit,
        without_merchants=list(without_merchants),
        without_imports=list(without_imports),
    )
    return [_import(row) for row in rows]


def _ready_imports() -> Select[Any]:
    c = catalogue_import.c
    without_merchants = bindparam("without_merchants", type_=ARRAY(Text))
    without_imports = bindparam("without_imports", type_=ARRAY(BigInteger))
    of_catalogue = (
        select(*_COLUMNS)
        .where(IS_UNREAD, c.merchant_id != all_(without_merchants))
        .ext(distinct_on(c.merchant_id, c.catalogue_id))
        .order_by(c.merchant_id, c.catalogue_id, c.import_id)
        .subquery("of_catalogue")
    )
    is_held = func.is_held(
        bindparam("job", type_=Text),
        of_catalogue.c.merchant_id,
        cast(of_catalogue.c.import_id, Text),
        bindparam("now", type_=c.created_at.type),
    )
    of_merchant = (
        select(of_catalogue)
        .where(of_catalogue.c.import_id != all_(without_imports), ~is_held)
        .ext(distinct_on(of_catalogue.c.merchant_id))
        .order_by(of_catalogue.c.merchant_id, of_catalogue.c.import_id)
        .subquery("of_merchant")
    )
    at_most = bindparam("at_most", type_=Integer)
    return select(of_merchant).order_by(of_merchant.c.import_id).limit(at_most)


_READY = _ready_imports()
"""Built once: it is asked every second."""


def _is(merchant_id: str, import_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    c = catalogue_import.c
    return c.merchant_id == merchant_id, c.import_id == import_id


async def find_oldest_unread(connection: Connection) -> datetime | None:
    """Since when the import that has waited longest to be read is here; None when none waits."""
    c = catalogue_import.c
    oldest = select(c.created_at).where(IS_UNREAD).order_by(c.import_id).limit(1)
    row = await core.fetch_one(connection, oldest)
    return None if row is None else row["created_at"]


async def find_import(
    connection: Connection, merchant_id: str, import_id: int, *, is_locked: bool = False
) -> Import | None:
    """One import, or None; `is_locked` locks it for this transaction."""
    found = select(*_COLUMNS).where(*_is(merchant_id, import_id))
    row = await core.fetch_one(connection, found.with_for_update() if is_locked else found)
    return None if row is None else _import(row)


async def load_import(
    connection: Connection,
    merchant_id: str,
    catalogue_id: str,
    import_id: int,
    *,
    is_locked: bool = False,
) -> Import:
    """One import of the catalogue; `is_locked` as in `find_import`. Raises `NotFound`."""
    found = await find_import(connection, merchant_id, import_id, is_locked=is_locked)
    if found is None or found.catalogue_id != catalogue_id:
        raise NotFound("import", remedy="List the catalogue's imports.")
    return found


async def list_imports(
    connection: Connection,
    merchant_id: str,
    catalogue_id: str,
    *,
    before: int | None,
    limit: int,
) -> list[Import]:
    """A catalogue's imports, the newest first."""
    c = catalogue_import.c
    found = select(*_COLUMNS).where(c.merchant_id == merchant_id, c.catalogue_id == catalogue_id)
    if before is not None:
        found = found.where(c.import_id < before)
    rows = await core.fetch(connection, found.order_by(c.import_id.desc()).limit(limit))
    return [_import(row) for row in rows]


@dataclass(frozen=True)
class Step:
    """What one batch of a file added to the import's numbers."""

    rows: int
    accepted: int
    unchanged: int
    repeated: int
    rejected: int
    line: int


async def add_step(connection: Connection, running: Import, step: Step) -> None:
    """Count a batch, in the transaction that recorded it: a restart goes on after it."""
    await connection.execute(
        """
        UPDATE catalogue_import SET state = 'reading', rows_read = rows_read + $3,
            accepted = accepted + $4, unchanged = unchanged + $5, repeated = repeated + $6,
            rejected = rejected + $7, lines_read = greatest(lines_read, $8)
        WHERE merchant_id = $1 AND import_id = $2
        """,
        running.merchant_id,
        running.import_id,
        step.rows,
        step.accepted,
        step.unchanged,
        step.repeated,
        step.rejected,
        step.line,
    )


async def set_format(connection: Connection, running: Import, found: str, *, lines: int) -> None:
    """Note as what the file was recognised, and how many lines it has."""
    await connection.execute(
        """
        UPDATE catalogue_import SET state = 'reading', format = $3, lines = $4
        WHERE merchant_id = $1 AND import_id = $2
        """,
        running.merchant_id,
        running.import_id,
        found,
        lines,
    )


async def set_read(connection: Connection, running: Import, *, withheld: int) -> None:
    """The file was read to its end; `withheld` deletions wait for confirmation."""
    await connection.execute(
        """
        UPDATE catalogue_import SET is_read = true, lines_read = lines, withheld = $3
        WHERE merchant_id = $1 AND import_id = $2
        """,
        running.merchant_id,
        running.import_id,
        withheld,
    )


async def finish_import(
    connection: Connection, running: Import, state: State, *, failure: str | None = None
) -> None:
    """The import is over, or waits for confirmation."""
    await connection.execute(
        """
        UPDATE catalogue_import SET state = $3, failure = $4, finished_at = $5
        WHERE merchant_id = $1 AND import_id = $2
        """,
        running.merchant_id,
        running.import_id,
        state,
        failure,
        clock.now(),
    )


async def confirm_import(connection: Connection, running: Import) -> None:
    """Let the withheld deletions be done."""
    await connection.execute(
        """
        UPDATE catalogue_import SET is_confirmed = true, state = 'waiting', finished_at = NULL
        WHERE merchant_id = $1 AND import_id = $2
        """,
        running.merchant_id,
        running.import_id,
    )


async def add_deleted(connection: Connection, running: Import, deleted: int) -> None:
    """Count products that the import deleted because its file lacked them."""
    await connection.execute(
        """
        UPDATE catalogue_import SET deleted = deleted + $3
        WHERE merchant_id = $1 AND import_id = $2
        """,
        running.merchant_id,
        running.import_id,
        deleted,
    )


def _import(row: asyncpg.Record | None) -> Import:
    assert row is not None  # noqa: S101 - selected by a key that exists
    return Import(**dict(row))
