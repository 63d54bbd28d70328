"""Read an uploaded file into its catalogue: the same rows as events, with flat memory.

The import's number is the version of its rows. Rows, counts and problems of a batch are one
transaction, so that a restart goes on after the last one, and a cancellation ends between two. A
full file deletes what it lacks, but only once it was read to its end, and not more than the guard
lets pass without a person (M7.4).

Whatever a file makes fail ends its own import, with the reason; only an outage is tried again,
later each time. Merchants take turns, and each has one file read at a time by a process.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog

from catalog_service.arrivals.note_arrivals import note_arrivals
from catalog_service.fields.store import request_summary
from catalog_service.files.deletion_guard import must_withhold
from catalog_service.files.problems.store import add_problems, count_more_unnamed, list_bad_products
from catalog_service.files.readers.items import BadLine, Entry, FileRefused, FileTruncated, Item
from catalog_service.files.readers.recognise import open_catalogue
from catalog_service.files.store import (
    Import,
    ImportCancelled,
    State,
    Step,
    add_deleted,
    add_step,
    find_import,
    finish_import,
    forget_chunks,
    list_ready_imports,
    lock_unended,
    read_chunks,
    set_format,
    set_read,
)
from catalog_service.files.turns import Turns
from catalog_service.sources.record_source import record_sources
from catalog_service.sources.store import (
    count_lacking,
    delete_lacking,
    find_catalogue,
    load_parents,
)
from catalog_service.sources.versions import Catalogue, SourceRow, Version, content_of, source_row
from catalog_service.texts import storable
from common.errors import Outage
from common.failpoints import FailpointError, reach
from common.postgres.leases import Lease, LeaseLost, check_lease, hold_lease
from common.postgres.pool import OUTAGE_ERRORS, Connection, Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import reading, unit_of_work
from common.telemetry.names import CATALOG_FAULTS
from common.telemetry.setup import counter
from common.telemetry.tracing import Attribute, step

log = structlog.get_logger()

JOB = "imports"
FOLDER_PREFIX = "catalogue-import-"
READY_LIMIT = 1_000
BATCH_ROWS = 500
BATCH_CHARACTERS = 8_000_000
DELETED_AT_ONCE = 2_000
MOST_REJECTED = 50_000
LONGEST_FAILURE = 1_000
OUTAGES: tuple[type[BaseException], ...] = (*OUTAGE_ERRORS, Outage)
RETRIED: tuple[type[BaseException], ...] = (*OUTAGES, LeaseLost, FailpointError)
"""What is around the file, not in it."""

P = ParamSpec("P")
R = TypeVar("R")
_faults = counter(CATALOG_FAULTS)


def _failure(running: Import, error: Exception) -> str:
    """What was wrong, and the remedy, in words for a shopkeeper."""
    if isinstance(error, FileRefused | FileTruncated):
        reason = str(error)
        remedy = error.remedy
    else:
        kind = error.kind if isinstance(error, ReadingFailed) else type(error).__name__
        reason = f"the channel failed on this file ({kind}) after {running.rows_read} rows"
        remedy = (
            "Its operator has been alerted. Send the file in another format or encoding, or ask"
            f" the operator about import {running.import_id}."
        )
    return storable(f"{reason[0].upper()}{reason[1:]}. {remedy}", limit=LONGEST_FAILURE)


class _DryRun(Exception):
    """Rolls a batch back: it was only to be counted."""


class Importer:
    """The job that reads uploaded files, one per catalogue at a time."""

    def __init__(self, pool: Pool, *, holder: str, deletion_share: float) -> None:
        self._pool = pool
        self._holder = holder
        self._share = deletion_share
        self._turns = Turns()

    async def run(self) -> bool:
        """Read one waiting file to its end; whether there was one free."""
        async with reading(self._pool) as connection:
            ready = await list_ready_imports(
                connection,
                job=JOB,
                without_merchants=self._turns.busy,
                without_imports=self._turns.postponed(),
                limit=READY_LIMIT,
            )
        outage: BaseException | None = None
        for waiting in self._turns.in_order(ready):
            try:
                if await self._take(waiting):
                    return True
            except LeaseLost:
                log.warning("import.lease_lost", import_id=waiting.import_id)
            except OUTAGES as error:
                log.warning("import.outage", import_id=waiting.import_id, reason=repr(error))
                self._turns.postpone(waiting)
                outage = error
        if outage is not None:
            raise outage
        return False

    async def _take(self, waiting: Import) -> bool:
        """Import the file unless another job or process does; whether this one did."""
        name = f"catalog.import:{waiting.merchant_id}/{waiting.catalogue_id}"
        with self._turns.take(waiting) as is_free:
            if not is_free:
                return False
            async with hold_lease(self._pool, name, self._holder) as lease:
                if lease is None:
                    return False
                row = RowKey(waiting.merchant_id, str(waiting.import_id))
                await alone(self._pool, JOB, row, partial(self._import, lease, waiting))
        return True

    async def _import(self, lease: Lease, waiting: Import) -> None:
        async with reading(self._pool) as connection:
            running = await find_import(connection, waiting.merchant_id, waiting.import_id)
        if running is None or running.state not in {"waiting", "reading"}:
            return  # another replica finished it meanwhile
        try:
            if not running.is_read:
                await _Reading(self._pool, lease, running).run(self._share)
            reach("files.after-read")
            await self._end(lease, running)
        except RETRIED:
            raise
        except ImportCancelled:
            log.info("import.cancelled", import_id=running.import_id)
        except Exception as error:
            with suppress(ImportCancelled):
                await self._fail(lease, running, error)

    async def _fail(self, lease: Lease, running: Import, error: Exception) -> None:
        failure = _failure(running, error)
        if not isinstance(error, FileRefused | FileTruncated):
            _faults.add(1, {"kind": "import"})
            log.error(
                "import.failed",
                merchant=running.merchant_id,
                catalogue=running.catalogue_id,
                import_id=running.import_id,
                exc_info=error,
            )
        await self._finish(lease, running, "failed", failure=failure)

    async def _end(self, lease: Lease, running: Import) -> None:
        async with reading(self._pool) as connection:
            read = await find_import(connection, running.merchant_id, running.import_id)
        assert read is not None  # noqa: S101 - imports are never deleted
        if read.withheld and not read.is_confirmed and not read.is_dry_run:
            await self._finish(lease, read, "awaiting_confirmation")
            return
        if read.is_full and not read.is_dry_run:
            await self._delete_lacking(lease, read)
        state: State = "completed_with_problems" if read.rejected else "completed"
        await self._finish(lease, read, state)

    async def _delete_lacking(self, lease: Lease, read: Import) -> None:
        deleted = DELETED_AT_ONCE
        while deleted:
            async with unit_of_work(self._pool) as connection:
                await _check(connection, lease, read)
                deleted = await delete_lacking(
                    connection,
                    read.merchant_id,
                    read.catalogue_id,
                    read.import_id,
                    kept=await list_bad_products(connection, read),
                    limit=DELETED_AT_ONCE,
                )
                await add_deleted(connection, read, deleted)

    async def _finish(
        self, lease: Lease, running: Import, state: State, *, failure: str | None = None
    ) -> None:
        async with unit_of_work(self._pool) as connection:
            await _check(connection, lease, running)
            await finish_import(connection, running, state, failure=failure)
            if not running.is_dry_run:
                note_arrivals([(running.merchant_id, running.catalogue_id)])
                await request_summary(connection, running.merchant_id, running.catalogue_id)
            await forget_chunks(connection, running.merchant_id, running.import_id)


class _Reading:
    """One file being read, batch by batch."""

    def __init__(self, pool: Pool, lease: Lease, running: Import) -> None:
        self._pool = pool
        self._lease = lease
        self._running = running
        self._taken = 0
        self._rejected = 0
        self._ends_badly = False

    async def run(self, share: float) -> None:
        """Read to the end. Raises `FileRefused` and `FileTruncated`."""
        running = self._running
        with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as folder:
            path = Path(folder) / "catalogue"
            lines = await self._fetch(path)
            catalogue = await self._catalogue()
            parents = await self._known_parents()
            found = await _in_reader(open_catalogue, path, running.reading_options(), parents)
            async with unit_of_work(self._pool) as connection:
                await _check(connection, self._lease, running)
                await set_format(connection, running, found.format, lines=found.lines or lines)
            entries = islice(found.entries, running.rows_read, None)
            await self._read(entries, catalogue)
        if not self._taken and not running.accepted and not running.unchanged:
            raise FileRefused(
                "no row of the file is a product",
                "Read the import's problems; check format, delimiter and id_field.",
            )
        await self._close(share)

    async def _fetch(self, path: Path) -> int:
        """Lay the file down at `path`; its number of lines."""
        lines = 0
        with path.open("wb") as file:
            async for piece in read_chunks(
                self._pool, self._running.merchant_id, self._running.import_id
            ):
                lines += piece.count(b"\n")
                await asyncio.to_thread(file.write, piece)
        return lines

    async def _catalogue(self) -> Catalogue:
        running = self._running
        async with reading(self._pool) as connection:
            found = await find_catalogue(connection, running.merchant_id, running.catalogue_id)
        assert found is not None  # noqa: S101 - catalogues are never deleted
        return found

    async def _known_parents(self) -> dict[str, str]:
        """The parents that rows may name without their being in the file: a full one has all."""
        running = self._running
        if running.is_full:
            return {}
        async with reading(self._pool) as connection:
            return await load_parents(connection, running.merchant_id, running.catalogue_id)

    async def _read(self, entries: Iterator[Entry], catalogue: Catalogue) -> None:
        truncated: FileTruncated | None = None
        while truncated is None:
            batch, truncated = await _in_reader(_take, entries)
            if not batch:
                break
            self._ends_badly = isinstance(batch[-1], BadLine)
            if self._running.is_dry_run:
                with suppress(_DryRun):
                    async with unit_of_work(self._pool) as connection:
                        taken, problems = await self._record(connection, catalogue, batch)
                        raise _DryRun
                async with unit_of_work(self._pool) as connection:
                    await self._count(connection, taken, problems)
            else:
                async with unit_of_work(self._pool) as connection:
                    taken, problems = await self._record(connection, catalogue, batch)
                    await self._count(connection, taken, problems)
                    reach("files.before-commit")
            self._taken += taken.accepted + taken.unchanged + taken.repeated
            self._rejected += taken.rejected
            if self._rejected > max(MOST_REJECTED, self._taken):
                raise FileRefused(
                    f"more than {MOST_REJECTED} rows, and most of them, are no products",
                    "Read the import's problems; check format, delimiter and encoding.",
                )
        if truncated is not None:
            raise truncated

    async def _record(
        self, connection: Connection, catalogue: Catalogue, batch: list[Entry]
    ) -> tuple[Step, list[BadLine]]:
        problems = [entry for entry in batch if isinstance(entry, BadLine)]
        rows: dict[str, SourceRow] = {}
        lines: dict[str, int] = {}
        repeated = 0
        for item in batch:
            if not isinstance(item, Item):
                continue
            row = source_row(
                catalogue,
                item.product_id,
                Version(self._running.import_id),
                item.parent_id,
                content_of(item.parent_id, item.fields),
                self._begin_trace(item),
            )
            known = rows.setdefault(item.product_id, row)
            if known is row:
                lines[item.product_id] = item.line
            elif known.content_hash == row.content_hash:
                repeated += 1
            else:
                problems.append(_twice(item.product_id, item.line))
        recorded = await record_sources(connection, list(rows.values()))
        problems += [_twice(product, lines[product]) for _, _, product in recorded.conflicts]
        step = Step(
            rows=len(batch),
            accepted=recorded.changed,
            unchanged=recorded.unchanged,
            repeated=repeated + recorded.stale,
            rejected=len(problems),
            line=batch[-1].line,
        )
        return step, problems

    def _begin_trace(self, item: Item) -> str | None:
        """A trace of the product's own, if one may begin now."""
        running = self._running
        attributes: dict[str, Attribute] = {
            "channel.merchant": running.merchant_id,
            "channel.catalogue": running.catalogue_id,
            "channel.product": item.product_id,
            "channel.import": running.import_id,
            "channel.line": item.line,
        }
        return (
            None
            if running.is_dry_run
            else step("read line", None, attributes=attributes, may_begin=True)
        )

    async def _count(self, connection: Connection, step: Step, problems: list[BadLine]) -> None:
        await _check(connection, self._lease, self._running)
        await add_problems(connection, self._running, problems)
        await add_step(connection, self._running, step)

    async def _close(self, share: float) -> None:
        """Note that the end was reached, and how many deletions the guard withholds."""
        running = self._running
        async with unit_of_work(self._pool) as connection:
            await _check(connection, self._lease, running)
            withheld = 0
            if running.is_full:
                lacking, products = await count_lacking(
                    connection,
                    running.merchant_id,
                    running.catalogue_id,
                    running.import_id,
                    kept=await list_bad_products(connection, running),
                )
                more_unnamed = await count_more_unnamed(connection, running)
                is_suspect = self._ends_badly or must_withhold(
                    lacking, products, share, more_unnamed=more_unnamed
                )
                withheld = lacking if is_suspect else 0
            await set_read(connection, running, withheld=withheld)


async def _check(connection: Connection, lease: Lease, running: Import) -> None:
    """The import is still this process's, and still wanted. Raises `LeaseLost`, or
    `ImportCancelled`."""
    await check_lease(connection, lease)
    await lock_unended(connection, running)


class ReadingFailed(Exception):
    """A reader failed on the file otherwise than by refusing it; `kind` is how."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


async def _in_reader(function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """Run a reader in a thread. Whatever it raises is about the file, even what looks like an
    outage elsewhere: raises `ReadingFailed`, `FileRefused` or `FileTruncated`."""
    try:
        return await asyncio.to_thread(function, *args, **named)
    except (FileRefused, FileTruncated):
        raise
    except Exception as error:
        raise ReadingFailed(type(error).__name__) from error


def _take(entries: Iterator[Entry]) -> tuple[list[Entry], FileTruncated | None]:
    """The next batch; what comes before a break in the file is still taken."""
    batch: list[Entry] = []
    characters = 0
    try:
        for entry in islice(entries, BATCH_ROWS):
            batch.append(entry)
            characters += entry.size if isinstance(entry, Item) else 0
            if characters > BATCH_CHARACTERS:
                break
    except FileTruncated as truncated:
        return batch, truncated
    return batch, None


def _twice(product_id: str, line: int) -> BadLine:
    return BadLine(
        line,
        f"the product {product_id} stands in the file twice with different content",
        "Keep one row per product; its first one was taken.",
        product_id=product_id,
    )
