"""Catalogue files: read whole, in order, restartable, and never deleting by accident."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from catalog_service.files.import_file import Importer
from catalog_service.files.problems.store import list_problems
from catalog_service.files.readers.recognise import Options
from catalog_service.files.store import (
    Import,
    NewImport,
    add_chunk,
    add_import,
    confirm_import,
    find_import,
    finish_upload,
)
from catalog_service.sources.record_source import record_sources
from catalog_service.sources.store import add_catalogue, list_products
from catalog_service.sources.versions import Catalogue
from common.failpoints import FailpointError
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

DATA = Path(__file__).parents[5] / "shared" / "data"
Upload = Callable[..., Awaitable[Import]]


@pytest.fixture
async def upload(pool: Pool) -> Upload:
    """Uploads a file into m's catalogue c and reads it; the import as it ended."""
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "arrival", "files"))

    async def run(
        content: str | bytes, *, is_full: bool = True, is_dry_run: bool = False
    ) -> Import:
        body = content.encode() if isinstance(content, str) else content
        new = NewImport("m", "c", "file", Options(), is_full=is_full, is_dry_run=is_dry_run)
        async with unit_of_work(pool) as connection:
            import_id = await add_import(connection, new)
            pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
            for place, piece in enumerate(pieces):
                await add_chunk(connection, "m", import_id, place, piece)
            await finish_upload(connection, "m", import_id, len(body))
        return await finish(pool, import_id)

    return run


async def finish(pool: Pool, import_id: int) -> Import:
    importer = Importer(pool, holder="test", deletion_share=0.2)
    while await importer.run():
        pass
    async with pool.acquire() as connection:
        found = await find_import(connection, "m", import_id)
    assert found is not None
    return found


async def ids(pool: Pool) -> list[str]:
    async with pool.acquire() as connection:
        return [p.product_id for p in await list_products(connection, "m", "c", limit=2_000)]


def table(*names: str, title: str = "t") -> str:
    return "id,title\n" + "".join(f"{name},{title} {name}\n" for name in names)


NAMES = [f"p{n:03}" for n in range(40)]


async def test_an_unchanged_file_changes_nothing(pool: Pool, upload: Upload) -> None:
    first = await upload(table(*NAMES))
    assert (first.state, first.accepted, first.unchanged) == ("completed", 40, 0)
    await pool.execute("DELETE FROM family_mark")
    second = await upload(table(*NAMES))
    assert (second.state, second.accepted, second.unchanged) == ("completed", 0, 40)
    assert await pool.fetchval("SELECT count(*) FROM family_mark") == 0


async def test_a_full_file_deletes_what_it_lacks_and_a_partial_one_does_not(
    pool: Pool, upload: Upload
) -> None:
    await upload(table(*NAMES))
    partial = await upload(table("new"), is_full=False)
    assert partial.deleted == 0
    full = await upload(table("new", *NAMES[2:]))
    assert (full.state, full.deleted) == ("completed", 2)
    assert await ids(pool) == ["new", *NAMES[2:]]


async def test_too_many_deletions_wait_for_confirmation(pool: Pool, upload: Upload) -> None:
    await upload(table(*NAMES))
    half = await upload(table(*NAMES[:20]))
    assert (half.state, half.withheld, half.deleted) == ("awaiting_confirmation", 20, 0)
    assert len(await ids(pool)) == 40
    async with unit_of_work(pool) as connection:
        await confirm_import(connection, half)
    done = await finish(pool, half.import_id)
    assert (done.state, done.deleted) == ("completed", 20)
    assert await ids(pool) == NAMES[:20]


@pytest.mark.parametrize(
    "cut",
    [',"broken', ""],
    ids=["inside a quoted cell", "inside a row"],
)
async def test_a_truncated_file_deletes_nothing(pool: Pool, upload: Upload, cut: str) -> None:
    await upload(table(*NAMES))
    broken = await upload(table(*NAMES[:38]) + f"{NAMES[38]}{cut}")
    assert broken.deleted == 0
    assert broken.state in {"failed", "awaiting_confirmation"}
    assert len(await ids(pool)) == 40


@pytest.mark.parametrize(
    ("spoilt", "rejected"),
    [
        pytest.param([f"{NAMES[1]},Sofa, bed", f"{NAMES[2]},t"], 1, id="a cell too many"),
        pytest.param([f'{NAMES[1]},"Sofa', f'{NAMES[2]},"t"'], 1, id="a quote that takes the next"),
        pytest.param([",no id", f"{NAMES[2]},t"], 1, id="an id that is lost"),
    ],
)
async def test_what_a_line_that_cannot_be_read_may_hold_is_not_deleted(
    pool: Pool, upload: Upload, spoilt: list[str], rejected: int
) -> None:
    await upload(table(*NAMES))
    lines = table(*NAMES).splitlines()
    lines[2:4] = spoilt
    done = await upload("\n".join(lines) + "\n")
    assert (done.state, done.rejected) == ("awaiting_confirmation", rejected)
    assert len(await ids(pool)) == 40
    again = await upload("\n".join(lines) + "\n")
    assert again.state == "awaiting_confirmation"  # the next file lacks them just so
    async with unit_of_work(pool) as connection:
        await confirm_import(connection, again)
    assert (await finish(pool, again.import_id)).state == "completed_with_problems"
    # what could not be read before either says nothing new: deletions go on
    later = await upload("\n".join([*lines[:-1], ""]))
    assert (later.state, later.deleted) == ("completed_with_problems", 1)


async def test_a_product_whose_row_is_bad_stays_as_it_was(pool: Pool, upload: Upload) -> None:
    await upload(table(*NAMES))
    lines = ["id,parent_id,title", *(f"{name},,t {name}" for name in NAMES[1:])]
    lines[5:5] = [f"{NAMES[0]},{'x' * 300},t"]
    done = await upload("\n".join([*lines, ""]))
    assert (done.state, done.rejected, done.deleted) == ("completed_with_problems", 1, 0)
    assert len(await ids(pool)) == 40


async def test_bad_lines_are_named_and_their_neighbours_taken(pool: Pool, upload: Upload) -> None:
    done = await upload("id,title\na,one\n,nameless\nb,two,three\nc,four\na,other\n")
    assert (done.state, done.accepted, done.rejected) == ("completed_with_problems", 2, 3)
    async with pool.acquire() as connection:
        problems = await list_problems(connection, "m", done.import_id, after=0, limit=10)
    assert sorted(problem.line for _, problem in problems) == [3, 4, 6]
    assert await ids(pool) == ["a", "c"]


@pytest.mark.parametrize("between", [0, 600], ids=["near", "in another batch"])
async def test_the_same_row_again_is_one_product_and_no_problem(
    pool: Pool, upload: Upload, between: int
) -> None:
    others = "".join(f"o{n},other\n" for n in range(between))
    done = await upload(f"id,title\na,A\nb,B\n{others}a,A\na,changed\na,A\nb,B\n")
    assert (done.accepted, done.repeated, done.rejected) == (2 + between, 3, 1)
    assert (done.state, done.rows_read) == ("completed_with_problems", 6 + between)
    async with pool.acquire() as connection:
        [(_, problem)] = await list_problems(connection, "m", done.import_id, after=0, limit=10)
    assert (problem.line, problem.product_id) == (5 + between, "a")
    again = await upload("id,title\n" + "a,A\n" * 2_000, is_full=False)
    assert (again.state, again.unchanged, again.repeated) == ("completed", 1, 1_999)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"PK\x03\x04rest", "ZIP"),
        (b"\x00\x01\x02\x03" * 500, "binary"),
        ("<!DOCTYPE html><html><body>Error</body></html>", "web page"),
        ('[{"id": 1}]', "JSON list"),
        ("", "empty"),
        ("just some words\nand more\n", "column"),
        ("name,price\na,1\n", "column id"),
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><r><item><id>&b;</id></item></r>', ""),
    ],
    ids=["zip", "binary", "html", "json list", "empty", "words", "no id", "entities"],
)
async def test_a_file_that_is_no_catalogue_is_refused(
    pool: Pool, upload: Upload, content: str | bytes, word: str
) -> None:
    await upload(table(*NAMES))
    refused = await upload(content)
    assert refused.state == "failed"
    assert word in (refused.failure or "")
    assert len(await ids(pool)) == 40


async def test_a_dry_run_counts_and_changes_nothing(pool: Pool, upload: Upload) -> None:
    done = await upload(table(*NAMES), is_dry_run=True)
    assert (done.state, done.accepted) == ("completed", 40)
    assert await ids(pool) == []
    assert await pool.fetchval("SELECT count(*) FROM family_mark") == 0


async def test_a_restarted_import_goes_on_with_exact_numbers(
    pool: Pool, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog_service.files import import_file  # noqa: PLC0415 - patched below

    monkeypatch.setattr(import_file, "BATCH_ROWS", 10)
    calls = 0
    original = record_sources

    async def dies_in_the_third_batch(*given: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise FailpointError("third batch")
        return await original(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(import_file, "record_sources", dies_in_the_third_batch)
    with pytest.raises(FailpointError):
        await upload(table(*NAMES))
    import_id = await pool.fetchval("SELECT max(import_id) FROM catalogue_import")
    done = await finish(pool, import_id)
    assert (done.state, done.rows_read, done.accepted, done.unchanged) == ("completed", 40, 40, 0)


@pytest.mark.skipif(not DATA.exists(), reason="the shared data is not here")
async def test_a_shopify_export_becomes_products_and_families(pool: Pool, upload: Upload) -> None:
    done = await upload((DATA / "shopify-apparel.csv").read_bytes())
    assert (done.format, done.rejected) == ("shopify", 0)
    rows = await pool.fetch("SELECT family_id, count(*) FROM source_product GROUP BY 1")
    families = {row["family_id"]: row["count"] for row in rows}
    assert len(families) == 20
    assert families["classic-varsity-top"] == 4
