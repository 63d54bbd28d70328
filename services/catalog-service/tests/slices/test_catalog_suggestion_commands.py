"""`channel feeds suggest` and `accept` on the service itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from catalog_service.categories.marketplace import Marketplace
from catalog_service.suggestions.ask_platform import PlatformSuggestions
from common.messaging.records import NotApplied
from common.postgres.pool import Pool

from ..commands import Run, commands_of
from ..trees import TREE, keep_tree
from ..trying import apply, body_of
from ..wall_clocks import CATEGORY_ATTRIBUTES, WALL_CLOCKS, form, row

Ingest = Callable[..., Awaitable[list[NotApplied]]]
Settle = Callable[[], Awaitable[None]]


@pytest.fixture
async def run(
    pool: Pool, database_url: str, marketplace: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """Types a command, with the job that asks AliExpress running."""
    platform = PlatformSuggestions(pool, marketplace._client, marketplace._tokens, holder="test")

    async def ask() -> None:
        while True:
            await platform.run()
            await asyncio.sleep(0.05)

    async with commands_of(pool, database_url, monkeypatch) as type_in:
        asking = asyncio.create_task(ask())
        yield type_in
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


async def test_suggestions_are_shown_and_taken_one_command_each(
    run: Run, pool: Pool, merchants: object, ingest: Ingest, settle: Settle, tmp_path: Path
) -> None:
    await keep_tree(pool, TREE)
    matched = {**CATEGORY_ATTRIBUTES, "Material": {"field": "stuff"}}
    del matched["Shape"]
    configuration = form(category_attributes=matched)
    await apply(pool, configuration)
    file = tmp_path / "feed.yaml"
    comment = "# by hand\n"
    file.write_text(comment + yaml.safe_dump(body_of(configuration)))
    await ingest(
        row("a", 1, stuff="plastik", outline="Round"),
        row("b", 1, stuff="plastik", outline="Square"),
        row("c", 1, category="Home > Wall clock", stuff="Wood", outline="Round"),
    )
    await settle()

    found = json.loads(await run("feeds", "suggest", "f", "--json"))
    assert [(one["kind"], one["of"]) for one in found] == [
        ("categories", "Home > Wall clock"),
        ("attributes", "Shape"),
        ("values", "plastik"),
    ]
    assert not found[0]["is_awaited"]
    shown = await run("feeds", "suggest", "f", "--kind", "categories")
    assert WALL_CLOCKS in shown

    of_file = ("--file", str(file))
    await run("feeds", "accept", "category", "Home > Wall clock", WALL_CLOCKS, *of_file)
    await run("feeds", "accept", "attribute", "Shape", "outline", *of_file)
    await run("feeds", "accept", "value", "Material", "plastik", "Plastic", *of_file)
    await run("feeds", "accept", "value", "Style", "x", "Modern", *of_file, code=1)
    text = file.read_text()
    assert text.startswith(comment)
    written = yaml.safe_load(text)
    assert written["category"]["exact"] == {"Home > Wall clock": WALL_CLOCKS}
    await run("feeds", "validate", str(file))

    await run("feeds", "accept", "category", "Home > Wall clock", WALL_CLOCKS)
    await run("feeds", "accept", "attribute", "Shape", "outline", "--if-version", "1", code=1)
    await run("feeds", "accept", "best", "--kind", "attributes", "--from", "1", code=1)
    await run("feeds", "accept", "best", "--from", "0.5", "--note", "the best")
    stored = yaml.safe_load(await run("feeds", "show", "f"))
    assert stored == written
    history = json.loads(await run("feeds", "history", "f", "--json"))
    assert history[0]["note"] == "the best"
    await settle()
    assert json.loads(await run("feeds", "suggest", "f", "--json")) == []
