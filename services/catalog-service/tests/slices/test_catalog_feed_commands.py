"""The commands of feeds on the service itself: each as it is typed, one after the other."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog_service.drafts.evaluate_draft import DraftEvaluator
from common.messaging.records import NotApplied
from common.postgres.pool import Pool

from ..commands import Run, commands_of
from ..trying import CHEAPER, body_of
from ..wall_clocks import form, row

Ingest = Callable[..., Awaitable[list[NotApplied]]]


@pytest.fixture
async def run(
    pool: Pool,
    database_url: str,
    connected_shop: None,
    evaluator: DraftEvaluator,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Run]:
    """Types a command below `channel feeds`, with the service and its job of drafts running."""

    async def evaluate() -> None:
        while True:
            await evaluator.run()
            await asyncio.sleep(0.05)

    async with commands_of(pool, database_url, monkeypatch) as type_in:

        async def of_feeds(*words: str, code: int = 0) -> str:
            return await type_in("feeds", *words, code=code)

        evaluating = asyncio.create_task(evaluate())
        yield of_feeds
        evaluating.cancel()
        with suppress(asyncio.CancelledError):
            await evaluating


def kept(folder: Path, name: str, **changes: Any) -> str:
    file = folder / name
    file.write_text(yaml.safe_dump(body_of(form(**changes)) | {"feed": "f"}))
    return str(file)


async def test_a_feed_s_life_by_its_commands(
    run: Run, ingest: Ingest, tmp_path: Path, pool: Pool
) -> None:
    await pool.execute(
        "INSERT INTO catalogue (merchant_id, catalogue_id, versioning, fed_by, created_at)"
        " VALUES ('m', 'c', 'explicit', 'events', '2026-11-26Z')"
    )
    await ingest(row("a", 1, category="Else"), row("b", 1, category="Else"))
    first = kept(tmp_path, "first.yaml")
    second = kept(tmp_path, "second.yaml", attributes=CHEAPER, exclude={"field": "b", "equals": 1})
    await run("validate", first)
    await run("apply", first, "--note", "the first")

    tried = json.loads(await run("try", second, "--changes", "--json"))
    assert tried["draft"]["result"]["kinds"] == {"not_sent": 2}
    assert [change["family_id"] for change in tried["changes"]] == ["a", "b"]
    number = str(tried["draft"]["draft_id"])
    await run("try", "--draft", number, "--changes")
    assert number in await run("drafts")
    await run("try", "--draft", number, "--apply", "--note", "lower")
    await run("try", "--draft", number, code=1)
    await run("try", second, "--apply")  # it says nothing new

    versions = json.loads(await run("history", "--json"))
    assert [(v["version"], v["note"]) for v in versions] == [(2, "lower"), (1, "the first")]
    words = await run("diff", "f")
    assert "attributes.price: field price -> field new_price, default 9" in words
    assert "exclude: added" in words
    assert json.loads(await run("diff", "f", "1", "2", "--patch"))
    await run("apply", first, "--if-version", "1", code=1)
    await run("rollback", "1", "--if-version", "2")
    shown = await run("show")
    assert yaml.safe_load(shown) | {"feed": "f"} == yaml.safe_load(Path(first).read_text())
    assert yaml.safe_load(await run("show", "--version", "2"))["exclude"]

    dropped = json.loads(await run("try", second, "--json"))["draft"]["draft_id"]
    await run("drop", str(dropped))
    await run("delete", "f", "--yes")
    assert json.loads(await run("show", "--json"))["lifecycle"] == "removed"
