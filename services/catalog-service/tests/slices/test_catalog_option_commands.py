"""`channel categories` and `channel shops options` on the service itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from catalog_service.categories.marketplace import Marketplace
from common.postgres.pool import Pool

from ..commands import Run, commands_of
from ..trees import TREE, keep_tree
from ..wall_clocks import WALL_CLOCKS


@pytest.fixture
async def run(
    pool: Pool,
    database_url: str,
    connected_shop: None,
    marketplace: Marketplace,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Run]:
    """Types a command, with the job that fetches schemas running."""

    async def fetch() -> None:
        while True:
            await marketplace.fetch_schemas()
            await asyncio.sleep(0.05)

    async with commands_of(pool, database_url, monkeypatch) as type_in:
        fetching = asyncio.create_task(fetch())
        yield type_in
        fetching.cancel()
        with suppress(asyncio.CancelledError):
            await fetching


async def test_categories_and_options_by_their_commands(run: Run, pool: Pool) -> None:
    assert json.loads(await run("categories", "tree", "--json"))["fetched_at"] is None
    await keep_tree(pool, TREE)
    roots = json.loads(await run("categories", "tree", "--json"))["items"]
    assert [one["category_id"] for one in roots] == ["1", "2"]
    found = json.loads(await run("categories", "find", "relojes", "--json"))["items"]
    assert [one["category_id"] for one in found] == [WALL_CLOCKS]
    assert "Home > Wall Clocks" in await run("categories", "find", "wall", "clocks")
    first = json.loads(await run("categories", "find", "o", "--limit", "1", "--json"))
    assert first["next_cursor"]
    await run("categories", "find", "o", "--limit", "1", "--cursor", first["next_cursor"])

    assert "Wall Clocks" in await run("categories", "show", "1")
    shown = await run("categories", "show", WALL_CLOCKS, "--required")
    assert "Brand Name" in shown
    assert "required" in shown
    names = json.loads(
        await run(
            "categories", "show", WALL_CLOCKS, "--values", "Material", "--find", "plast", "--json"
        )
    )
    assert [one["name"] for one in names] == ["Plastic"]
    await run("categories", "show", "77", code=1)

    options = json.loads(await run("shops", "options", "s", "--json"))
    assert "free shipping" in [one["name"] for one in options["shipping_templates"]]
    assert "shipping_template_id" in await run("shops", "options", "s")
    assert "piece/pieces" in await run("shops", "options", "s", "--only", "product_units")
    await run("shops", "options", "s", "--only", "nonsense", code=2)


async def test_a_photo_bank_by_its_command(run: Run) -> None:
    counts = json.loads(await run("shops", "photo-bank", "s", "--json"))
    assert (counts["uploaded"], counts["waiting"], counts["total_megabytes"]) == (0, 0, None)
    assert "uploaded" in await run("shops", "photo-bank", "s")
    await run("shops", "photo-bank", "unheard-of", code=1)
