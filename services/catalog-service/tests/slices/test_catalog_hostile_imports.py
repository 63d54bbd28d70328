"""One merchant's file never holds another's: it ends its own import, with the reason."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from catalog_service.files import turns
from catalog_service.files.import_file import Importer
from catalog_service.files.problems.store import list_problems
from catalog_service.files.readers.items import Entry, Item
from catalog_service.files.readers.recognise import CatalogueFile, Options, open_catalogue
from catalog_service.files.store import (
    Import,
    NewImport,
    add_chunk,
    add_import,
    find_import,
    finish_upload,
)
from catalog_service.sources.record_source import record_sources
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common import clock
from common.errors import Outage
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

HOSTILE, HONEST = "a-hostile", "b-honest"
GOOD = b"id,title\n1,Clock\n"
Upload = Callable[..., Awaitable[int]]


@pytest.fixture
def upload(pool: Pool) -> Upload:
    """Uploads a file; the number of its import."""

    async def run(
        merchant: str, content: bytes = GOOD, *, catalogue: str = "c", **options: Any
    ) -> int:
        new = NewImport(
            merchant, catalogue, "file", Options(**options), is_full=True, is_dry_run=False
        )
        async with unit_of_work(pool) as connection:
            await add_catalogue(connection, Catalogue(merchant, catalogue, "arrival", "files"))
            import_id = await add_import(connection, new)
            await add_chunk(connection, merchant, import_id, 0, content)
            await finish_upload(connection, merchant, import_id, len(content))
        return import_id

    return run


@pytest.fixture
def importer(pool: Pool) -> Importer:
    return Importer(pool, holder="test", deletion_share=0.2)


async def load(pool: Pool, merchant: str, import_id: int) -> Import:
    async with reading(pool) as connection:
        found = await find_import(connection, merchant, import_id)
    assert found is not None
    return found


async def settle(importer: Importer) -> None:
    while await importer.run():
        pass


BAD_OPTIONS: dict[str, dict[str, Any]] = {
    "zlib": {"encoding": "zlib"},
    "hex": {"encoding": "hex"},
    "undefined": {"encoding": "undefined"},
    "idna": {"encoding": "idna"},
    "punycode": {"encoding": "punycode"},
    "rot13": {"encoding": "rot13"},
    "utf-16 of another": {"encoding": "utf-16"},
    "no name": {"encoding": "\x00"},
    "a delimiter that is none": {"delimiter": "\n"},
    "woocommerce": {"format": "woocommerce"},
}


@pytest.mark.parametrize("options", BAD_OPTIONS.values(), ids=BAD_OPTIONS)
async def test_options_that_cannot_be_ends_the_import_with_the_reason(
    pool: Pool, upload: Upload, importer: Importer, options: dict[str, Any]
) -> None:
    bad, good = await upload(HOSTILE, **options), await upload(HONEST)
    with capture_logs() as logs:
        await settle(importer)
    assert (await load(pool, HONEST, good)).state == "completed"
    failed = await load(pool, HOSTILE, bad)
    assert (failed.state, failed.accepted) == ("failed", 0)
    reason, _, remedy = (failed.failure or "").partition(". ")
    assert reason
    assert remedy
    assert "channel failed" not in reason
    assert not [log for log in logs if log["log_level"] == "error"]
    assert await pool.fetchval("SELECT count(*) FROM import_chunk") == 0


BAD_FILES: dict[str, bytes] = {
    "declared hex": b'<?xml version="1.0" encoding="hex"?><r><item><id>1</id></item></r>',
    "declared utf-16": b'<?xml version="1.0" encoding="utf-16"?><r><item/></r>',
    "NUL in the header": b"na\x00me,ti\x00tle\n1,t\n",
    "foreign bytes in the header": b"name,ti\xc3\xa9\xff\xc3\xa9tle\n1,t\n",
    "one long line": b"x" * 3_000_000,
    "broken XML": b"<r><item><id>1</id></item><item>",
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
async def test_a_file_that_cannot_be_read_ends_its_import(
    pool: Pool, upload: Upload, importer: Importer, content: bytes
) -> None:
    bad, good = await upload(HOSTILE, content), await upload(HONEST)
    await settle(importer)
    assert (await load(pool, HONEST, good)).state == "completed"
    failed = await load(pool, HOSTILE, bad)
    assert (failed.state, failed.failure is None) == ("failed", False)


async def test_rows_that_cannot_be_stored_are_reported_and_their_neighbours_taken(
    pool: Pool, upload: Upload, importer: Importer
) -> None:
    rows = [
        '{"id": "1", "t": "caf\u00e9 brod\u00e9"}'.encode(),
        rb'{"id": "2", "t": "\u0000"}',
        rb'{"id": "a\u0000", "t": "x"}',
        rb'{"id": "3", "t": "\ud800"}',
        b'{"id": "4", "t": "\xff"}',
        b'{"id": "5", "n": ' + b"9" * 400 + b"}",
        b'{"id": "6", "n": ' + b"9" * 5_000 + b"}",
        b'{"id": "7", "n": 1e999}',
    ]
    import_id = await upload(HOSTILE, b"\n".join(rows), encoding=None, format="jsonl")
    await settle(importer)
    done = await load(pool, HOSTILE, import_id)
    assert (done.state, done.accepted) == ("completed_with_problems", 2)
    async with reading(pool) as connection:
        problems = await list_problems(connection, HOSTILE, import_id, after=0, limit=10)
    assert sorted(problem.line for _, problem in problems) == [2, 3, 4, 5, 7, 8]
    assert all(problem.remedy for _, problem in problems)


FAULTS = [
    ValueError("Exceeds the limit (4300 digits) for integer string conversion"),
    RecursionError("maximum recursion depth exceeded"),
    MemoryError(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    UnicodeError("UTF-16 stream does not start with BOM"),
    LookupError("'zlib' is not a text encoding"),
    OSError("Error reading file"),  # lxml's, not the disk's
    TimeoutError(),
    AssertionError(),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("after_rows", [None, 3], ids=["at once", "after three rows"])
async def test_a_reader_that_fails_ends_its_import_with_an_alarm(
    pool: Pool,
    upload: Upload,
    importer: Importer,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    after_rows: int | None,
) -> None:
    def failing(rows: int) -> Iterator[Entry]:
        yield from (Item(n, f"p{n}", None, {}) for n in range(rows))
        raise fault

    def open_or_fail(path: Path, options: Options, parents: Mapping[str, str]) -> CatalogueFile:
        if options.id_field != "poison":
            return open_catalogue(path, options, parents)
        if after_rows is None:
            raise fault
        return CatalogueFile("csv", failing(after_rows))

    monkeypatch.setattr("catalog_service.files.import_file.open_catalogue", open_or_fail)
    bad, good = await upload(HOSTILE, id_field="poison"), await upload(HONEST)
    with capture_logs() as logs:
        assert await importer.run()
        assert await importer.run()
    assert not await importer.run()
    assert (await load(pool, HONEST, good)).state == "completed"
    failed = await load(pool, HOSTILE, bad)
    assert failed.state == "failed"
    assert type(fault).__name__ in (failed.failure or "")
    assert f"import {bad}" in (failed.failure or "")
    alarms = [log for log in logs if log["event"] == "import.failed"]
    assert [(log["log_level"], log["import_id"]) for log in alarms] == [("error", bad)]


@pytest.fixture
def fail_recording(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Makes the hostile merchant's rows fail in the database; what is raised is the database's."""
    raised: list[Exception] = []

    async def record(connection: Any, rows: Any) -> Any:
        if raised and rows[0].merchant_id == HOSTILE:
            raise raised[-1]
        return await record_sources(connection, rows)

    monkeypatch.setattr("catalog_service.files.import_file.record_sources", record)
    return raised.append


async def test_rows_the_database_refuses_end_their_import(
    pool: Pool,
    upload: Upload,
    importer: Importer,
    fail_recording: Callable[[Exception], None],
) -> None:
    fail_recording(asyncpg.CharacterNotInRepertoireError("invalid byte sequence"))
    bad, good = await upload(HOSTILE), await upload(HONEST)
    await settle(importer)
    assert (await load(pool, HOSTILE, bad)).state == "failed"
    assert (await load(pool, HONEST, good)).state == "completed"


OUTAGES = [
    asyncpg.ConnectionDoesNotExistError("connection was closed"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.DeadlockDetectedError("deadlock detected"),
    ConnectionResetError(),
    TimeoutError(),
    Outage("not now"),
]


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: type(outage).__name__)
async def test_an_outage_is_tried_again_and_holds_nobody(
    pool: Pool,
    upload: Upload,
    importer: Importer,
    monkeypatch: pytest.MonkeyPatch,
    fail_recording: Callable[[Exception], None],
    outage: Exception,
) -> None:
    fail_recording(outage)
    monkeypatch.setattr(turns, "FIRST_WAIT_SECONDS", 300.0)  # none is over before all have begun
    bad = [await upload(HOSTILE, catalogue=f"c{n}") for n in range(20)]
    good = await upload(HONEST)
    assert await importer.run()  # meets the hostile merchant's, then reads the honest one's
    assert (await load(pool, HONEST, good)).state == "completed"
    for _ in range(19):
        with pytest.raises(type(outage)):
            await importer.run()
    assert not await importer.run()  # all wait
    assert {(await load(pool, HOSTILE, number)).state for number in bad} == {"reading"}
    monkeypatch.undo()
    monkeypatch.setattr(turns, "FIRST_WAIT_SECONDS", 0.0)
    recovered = Importer(pool, holder="test", deletion_share=0.2)
    await settle(recovered)
    assert {(await load(pool, HOSTILE, number)).state for number in bad} == {"completed"}


async def test_what_failed_for_a_time_waits_longer_each_time() -> None:
    waiting = _import(1, HOSTILE)
    known = turns.Turns()
    assert known.postponed() == []
    for _ in range(20):
        known.postpone(waiting)
    assert known.postponed() == [1]
    with known.take(waiting) as is_free:
        assert is_free
    assert known.postponed() == []


def _import(import_id: int, merchant: str) -> Import:
    return Import(
        merchant, import_id, "c", "f", "{}", True, False, "waiting", None, None,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, False, False, clock.now(), None,
    )  # fmt: skip


async def test_merchants_take_turns(pool: Pool, upload: Upload, importer: Importer) -> None:
    for n in range(20):
        await upload(HOSTILE, catalogue=f"c{n}")
    good = [await upload(HONEST), await upload(HONEST, catalogue="d")]
    for _ in range(4):
        assert await importer.run()
    assert {(await load(pool, HONEST, number)).state for number in good} == {"completed"}
    counts = await pool.fetch("SELECT state, count(*) FROM catalogue_import GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in counts] == [("completed", 4), ("waiting", 18)]


async def test_a_merchant_has_one_file_read_at_a_time(
    pool: Pool, upload: Upload, importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def record(connection: Any, rows: Any) -> Any:
        if rows[0].merchant_id == HOSTILE:
            begun.set()
            await may_end.wait()
        return await record_sources(connection, rows)

    monkeypatch.setattr("catalog_service.files.import_file.record_sources", record)
    first, second = [await upload(HOSTILE, catalogue=name) for name in ("c1", "c2")]
    long_one = asyncio.create_task(importer.run())
    await begun.wait()
    assert not await importer.run()  # the second waits for the first
    good = await upload(HONEST)
    assert await importer.run()
    assert (await load(pool, HONEST, good)).state == "completed"
    assert (await load(pool, HOSTILE, second)).state == "waiting"
    may_end.set()
    assert await long_one
    await settle(importer)
    states = [(await load(pool, HOSTILE, number)).state for number in (first, second)]
    assert states == ["completed", "completed"]


async def test_a_file_of_bad_rows_only_is_given_up(
    pool: Pool, upload: Upload, importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog_service.files.import_file.MOST_REJECTED", 1_000)
    import_id = await upload(HOSTILE, b"id,title\n" + b",\nx\n" * 5_000)
    await settle(importer)
    failed = await load(pool, HOSTILE, import_id)
    assert failed.state == "failed"
    assert failed.rejected < 3_000
