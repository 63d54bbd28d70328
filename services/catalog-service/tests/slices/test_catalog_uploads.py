"""What one merchant uploads is bounded, and its imports can be cancelled (issue: closed)."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from catalog_service.files import import_file, uploads
from catalog_service.files.import_file import FOLDER_PREFIX, Importer
from catalog_service.files.leftovers import remove_folders
from catalog_service.sources.record_source import record_sources
from common.postgres.pool import Pool

from ..rest import Open

FILE = b"id,title\n" + b"".join(b"%d,Clock\n" % n for n in range(2_000))
BOUNDARY = "parts"


def path_of(merchant: str) -> str:
    return f"/v1/merchants/{merchant}/catalogues/c/imports"


async def declare(api: httpx2.AsyncClient, merchant: str) -> None:
    form = {"versioning": "arrival", "fed_by": "files"}
    declared = await api.put(f"/v1/merchants/{merchant}/catalogues/c", json=form)
    assert declared.status_code == 200, declared.text


async def upload(
    api: httpx2.AsyncClient, merchant: str, content: bytes = FILE, **query: Any
) -> httpx2.Response:
    return await api.post(path_of(merchant), files={"file": ("f.csv", content)}, params=query)


async def taken(api: httpx2.AsyncClient, merchant: str, content: bytes = FILE) -> int:
    answer = await upload(api, merchant, content)
    assert answer.status_code == 202, answer.text
    return int(answer.json()["import_id"])


async def cancel(api: httpx2.AsyncClient, merchant: str, import_id: int) -> httpx2.Response:
    return await api.post(f"{path_of(merchant)}/{import_id}/cancel")


@pytest.fixture
def importer(pool: Pool) -> Importer:
    return Importer(pool, holder="test", deletion_share=0.2)


# -- cancelling ---------------------------------------------------------------------------------


async def test_a_waiting_import_is_cancelled_once_and_twice(
    open_api: Open, pool: Pool, importer: Importer
) -> None:
    async with open_api() as as_merchant:
        api = as_merchant("m")
        await declare(api, "m")
        import_id = await taken(api, "m")

        first, second = [await cancel(api, "m", import_id) for _ in range(2)]

        assert (first.status_code, first.json()["state"]) == (200, "cancelled")
        assert second.json() == first.json()
        assert first.json()["finished_at"] is not None
        assert not await importer.run()
        assert await pool.fetchval("SELECT count(*) FROM import_chunk") == 0


async def test_a_running_import_stops_between_two_batches_and_keeps_what_it_took(
    open_api: Open, pool: Pool, importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()
    batches = 0

    async def record(connection: Any, rows: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches == 2:
            begun.set()
            await may_go_on.wait()
        return await record_sources(connection, rows)

    monkeypatch.setattr(import_file, "record_sources", record)
    async with open_api() as as_merchant:
        api = as_merchant("m")
        await declare(api, "m")
        await taken(api, "m", b"id,title\nonline,Clock\n")
        await importer.run()
        batches = 0
        import_id = await taken(api, "m")
        reading = asyncio.create_task(importer.run())
        await begun.wait()

        answer = await cancel(api, "m", import_id)
        may_go_on.set()
        await reading

        assert answer.status_code == 200
        shown = (await api.get(f"{path_of('m')}/{import_id}")).json()
        assert (shown["state"], shown["accepted"], shown["deleted"]) == ("cancelled", 500, 0)
        assert batches == 2
        assert not await importer.run()
        products = "SELECT count(*) FROM source_product WHERE NOT is_deleted"
        assert await pool.fetchval(products) == 501
        again = await taken(api, "m")
        await importer.run()
        assert (await api.get(f"{path_of('m')}/{again}")).json()["accepted"] == 1_500


async def test_withheld_deletions_are_dropped_by_a_cancellation(
    open_api: Open, pool: Pool, importer: Importer
) -> None:
    async with open_api() as as_merchant:
        api = as_merchant("m")
        await declare(api, "m")
        await taken(api, "m")
        await importer.run()
        import_id = await taken(api, "m", b"id,title\n1,Clock\n")
        await importer.run()
        held = (await api.get(f"{path_of('m')}/{import_id}")).json()
        assert held["state"] == "awaiting_confirmation"

        assert (await cancel(api, "m", import_id)).json()["state"] == "cancelled"

        confirmed = await api.post(f"{path_of('m')}/{import_id}/confirm-deletions")
        assert confirmed.status_code == 409
        assert not await importer.run()
        assert await pool.fetchval("SELECT count(*) FROM source_product WHERE is_deleted") == 0


@pytest.mark.parametrize("content", [b"id,title\n1,Clock\n", b"id,title\n1,\n,x\n", b"\x00"])
async def test_an_ended_import_is_not_cancelled(
    open_api: Open, importer: Importer, content: bytes
) -> None:
    async with open_api() as as_merchant:
        api = as_merchant("m")
        await declare(api, "m")
        import_id = await taken(api, "m", content)
        await importer.run()
        before = (await api.get(f"{path_of('m')}/{import_id}")).json()

        refused = await cancel(api, "m", import_id)

        assert refused.status_code == 409
        problem = refused.json()
        assert problem["type"].endswith("import-ended")
        assert before["state"] in problem["title"]
        assert (await api.get(f"{path_of('m')}/{import_id}")).json() == before


async def test_a_foreign_import_is_not_there_to_be_cancelled(open_api: Open) -> None:
    async with open_api() as as_merchant:
        api, other = as_merchant("m"), as_merchant("n")
        for client, merchant in ((api, "m"), (other, "n")):
            await declare(client, merchant)
        import_id = await taken(api, "m")
        assert (await cancel(other, "m", import_id)).status_code == 404
        assert (await cancel(other, "n", import_id)).status_code == 404
        assert (await cancel(api, "m", import_id + 1)).status_code == 404
        assert (await cancel(api, "m", 2**63)).status_code == 422


async def test_a_thousand_waiting_imports_delay_a_neighbour_by_one(
    open_api: Open, pool: Pool, importer: Importer
) -> None:
    async with open_api(unread_imports=2_000) as as_merchant:
        api, other = as_merchant("a-many"), as_merchant("b-one")
        for client, merchant in ((api, "a-many"), (other, "b-one")):
            await declare(client, merchant)
        first = await taken(api, "a-many", b"id,title\n1,Clock\n")
        await pool.execute(
            """
            INSERT INTO catalogue_import (merchant_id, catalogue_id, file_name, options, is_full,
                is_dry_run, state, created_at)
            SELECT merchant_id, catalogue_id, file_name, options, is_full, is_dry_run, state,
                created_at
            FROM catalogue_import, generate_series(1, 999) WHERE import_id = $1
            """,
            first,
        )
        import_id = await taken(other, "b-one", b"id,title\n1,Clock\n")
        for _ in range(2):
            assert await importer.run()
        assert (await other.get(f"{path_of('b-one')}/{import_id}")).json()["state"] == "completed"


# -- what a merchant may upload -----------------------------------------------------------------


class SlowUpload:
    """An upload whose file is sent piece by piece, as far as the test lets it."""

    def __init__(self, api: httpx2.AsyncClient, merchant: str) -> None:
        self.has_begun, self.may_end = asyncio.Event(), asyncio.Event()
        headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        self.answer: asyncio.Task[httpx2.Response] = asyncio.create_task(
            api.post(path_of(merchant), content=self._body(), headers=headers)
        )

    async def _body(self) -> AsyncIterator[bytes]:
        named = b'Content-Disposition: form-data; name="file"; filename="f.csv"'
        yield b"--parts\r\n" + named + b"\r\n\r\nid,title\n"
        self.has_begun.set()
        await self.may_end.wait()
        yield b"1,Clock\n\r\n--parts--\r\n"


def assert_told_to_wait(answer: httpx2.Response) -> None:
    assert answer.status_code == 429, answer.text
    assert int(answer.headers["retry-after"]) > 0
    problem = answer.json()
    assert problem["remedy"]
    assert problem["type"].endswith("too-many-uploads")


async def test_a_merchants_uploads_at_once_are_bounded_and_a_neighbours_pass(
    open_api: Open,
) -> None:
    async with open_api(uploads_at_once=2) as as_merchant:
        api, other = as_merchant("m"), as_merchant("n")
        for client, merchant in ((api, "m"), (other, "n")):
            await declare(client, merchant)
        slow = [SlowUpload(api, "m") for _ in range(2)]
        for each in slow:
            await each.has_begun.wait()

        assert_told_to_wait(await upload(api, "m"))
        assert (await upload(other, "n")).status_code == 202
        # a stranger at its path takes none of its places
        assert (await upload(other, "m")).status_code == 404

        for each in slow:
            each.may_end.set()
        answers = [await each.answer for each in slow]
        assert [answer.status_code for answer in answers] == [202, 202], answers[0].text
        assert (await upload(api, "m")).status_code == 202


@pytest.mark.parametrize("limit", [{"unread_imports": 2}, {"unread_bytes": 3 * len(FILE)}])
async def test_what_waits_of_a_merchant_is_bounded_until_it_is_read_or_cancelled(
    open_api: Open, importer: Importer, limit: dict[str, int]
) -> None:
    async with open_api(**limit) as as_merchant:
        api, other = as_merchant("m"), as_merchant("n")
        for client, merchant in ((api, "m"), (other, "n")):
            await declare(client, merchant)
        first, _ = [await taken(api, "m") for _ in range(2)]

        assert_told_to_wait(await upload(api, "m"))
        assert (await upload(other, "n")).status_code == 202

        await cancel(api, "m", first)
        assert (await upload(api, "m")).status_code == 202
        assert_told_to_wait(await upload(api, "m"))
        while await importer.run():
            pass
        assert (await upload(api, "m")).status_code == 202


async def test_no_file_is_taken_when_the_disk_is_nearly_full(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_api(spool_free_bytes=1_000_000) as as_merchant:
        api = as_merchant("m")
        await declare(api, "m")
        monkeypatch.setattr(uploads, "_free_bytes", lambda: 1_000_000 + len(FILE))
        refused = await upload(api, "m")
        assert refused.status_code == 507
        assert refused.json()["type"].endswith("no-room-for-uploads")
        assert int(refused.headers["retry-after"]) > 0
        monkeypatch.setattr(uploads, "_free_bytes", lambda: 1_000_000 + 2 * len(FILE))
        assert (await upload(api, "m")).status_code == 202


def test_only_own_and_old_folders_are_removed(tmp_path: Path) -> None:
    old = time.time() - 2 * 86_400

    def make(name: str, *, is_old: bool) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "catalogue").write_bytes(b"x")
        if is_old:
            os.utime(folder, (old, old))
        return folder

    left_over = make(f"{FOLDER_PREFIX}abc", is_old=True)
    kept = [
        make(f"{FOLDER_PREFIX}new", is_old=False),
        make("another-program", is_old=True),
        make("target", is_old=True),
    ]
    link = tmp_path / f"{FOLDER_PREFIX}link"
    link.symlink_to(tmp_path / "target")
    os.utime(link, (old, old), follow_symlinks=False)
    file = tmp_path / f"{FOLDER_PREFIX}file"
    file.write_bytes(b"")
    os.utime(file, (old, old))

    remove_folders(tmp_path)

    assert not left_over.exists()
    assert all(folder.exists() for folder in [*kept, link, file])
    assert (tmp_path / "target" / "catalogue").exists()
