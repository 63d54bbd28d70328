"""Proposals over REST: from a file and from a catalogue; what comes passes the product's check."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from catalog_service.files.import_file import Importer
from catalog_service.shops.store import keep_shops
from common.contracts.shop import ShopState
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

from ..workbook_files import xlsx

FORMATS = Path(__file__).parents[1] / "formats"
SHARED = Path(__file__).parents[5] / "shared" / "data"
FILES = [*sorted(FORMATS.iterdir()), *(sorted(SHARED.glob("*.csv")) if SHARED.exists() else [])]
PLACE = "/v1/merchants/m/feed-proposals"
PLAIN = b"code,name,price\nA,Hat,9.50\nB,Cap,8.00\n"


async def proposed(client: Any, name: str, content: bytes, **form: str) -> dict[str, Any]:
    answer = await client.post(
        PLACE, files={"file": (name, content)}, data={"shop": "s", "catalogue": "c", **form}
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def configuration(body: dict[str, Any]) -> dict[str, Any]:
    """As the command line sends it: without what is of the catalogue's files."""
    loaded = yaml.safe_load(body["configuration"])
    return {k: v for k, v in loaded.items() if k not in {"id_field", "parent_field"}}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_a_proposal_passes_the_check(
    pool: Pool, open_api: Any, shop_state: ShopState, path: Path
) -> None:
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [shop_state])
    async with open_api() as as_merchant:
        client = as_merchant("m")
        body = await proposed(client, path.name, path.read_bytes())
        assert body["rows"] > 0
        assert body["columns"]
        answer = await client.post("/v1/merchants/m/feeds/f/check", json=configuration(body))
    assert answer.status_code == 200, answer.text


async def test_a_workbook_is_taken_and_its_sheet_named(open_api: Any) -> None:
    book = xlsx(
        [("Notes",)], [("sku", "name", "price"), ("A", "Hat", 9.5)], names=("Notes", "Products")
    )
    async with open_api() as as_merchant:
        body = await proposed(as_merchant("m"), "book.xlsx", book, sheet="Products")
    assert (body["read_as"], body["rows"]) == ("xlsx", 1)
    assert "id_field: sku" in body["configuration"]


async def test_an_imported_catalogue_is_described(pool: Pool, open_api: Any) -> None:
    async with open_api() as as_merchant:
        client = as_merchant("m")
        assert (await client.post(PLACE, params={"shop": "s", "catalogue": "c"})).status_code == 404
        await client.put("/v1/merchants/m/catalogues/c", json={"fed_by": "files"})
        empty = await client.post(PLACE, params={"shop": "s", "catalogue": "c"})
        assert (empty.status_code, empty.json()["type"].rsplit(":", 1)[-1]) == (
            409,
            "catalogue-empty",
        )
        await client.post(
            "/v1/merchants/m/catalogues/c/imports?id_field=code", files={"file": ("f.csv", PLAIN)}
        )
        importer = Importer(pool, holder="test", deletion_share=0.2)
        while await importer.run():
            pass
        answer = await client.post(PLACE, params={"shop": "s", "catalogue": "c"})
    body = answer.json()
    assert (answer.status_code, body["rows"]) == (200, 2)
    assert [column["name"] for column in body["columns"]] == ["code", "name", "price"]
    assert "id_field" not in body["configuration"]


@pytest.mark.parametrize(
    ("content", "form", "status", "field"),
    [
        (b"<html><body>Login</body></html>", {}, 422, "file"),
        (PLAIN, {"shop": "no blank"}, 422, "shop"),
        (PLAIN, {"encoding": "nonsense"}, 422, "encoding"),
        (PLAIN, {"merchant_id": "other"}, 422, "merchant_id"),
        (PLAIN, {"delimiter": "a"}, 422, "delimiter"),
        (PLAIN, {"main_locale": "english"}, 422, "main_locale"),
        (b"PK\x03\x04 no archive", {}, 422, "file"),
    ],
)
async def test_what_cannot_be_proposed_from_names_its_place(
    open_api: Any, content: bytes, form: dict[str, str], status: int, field: str
) -> None:
    async with open_api() as as_merchant:
        answer = await as_merchant("m").post(
            PLACE, files={"file": ("f.csv", content)}, data={"shop": "s", **form}
        )
    assert answer.status_code == status
    assert field in answer.text


async def test_a_file_over_the_limit_and_a_foreign_merchant_are_refused(open_api: Any) -> None:
    async with open_api(upload_limit_bytes=1_000) as as_merchant:
        large = PLAIN + b"x,Hat,1\n" * 500
        answer = await as_merchant("m").post(
            PLACE, files={"file": ("f.csv", large)}, data={"shop": "s"}
        )
        assert answer.status_code == 413
        foreign = await as_merchant("other").post(
            PLACE, files={"file": ("f.csv", PLAIN)}, data={"shop": "s"}
        )
        assert foreign.status_code in {403, 404}


async def test_nothing_is_stored_and_no_folder_stays(
    pool: Pool, open_api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with open_api() as as_merchant:
        await proposed(as_merchant("m"), "f.csv", PLAIN)
    assert await pool.fetchval("SELECT count(*) FROM catalogue_import") == 0
    assert await pool.fetchval("SELECT count(*) FROM feed") == 0
    assert list(tmp_path.iterdir()) == []


CATEGORISED = b"sku,name,category,price\nA,Hat,Hats,9.50\nB,Cap,Caps,8.00\n"


async def test_without_the_shops_categories_it_says_so(
    pool: Pool, open_api: Any, shop_state: ShopState
) -> None:
    """Not connected, connected a moment ago, and no longer connected: never "no leaf is alike"."""
    said: list[tuple[str, str]] = []
    async with open_api() as as_merchant:
        for state in (
            None,
            shop_state,
            msgspec.structs.replace(shop_state, revision=2, connection="expired"),
        ):
            if state is not None:
                async with unit_of_work(pool) as connection:
                    await keep_shops(connection, [state])
            body = await proposed(as_merchant("m"), "f.csv", CATEGORISED)
            assert "no leaf is alike" not in body["configuration"]
            [point] = [each for each in body["open_points"] if each["field"] == "category.exact"]
            assert point["products"] == 2
            said.append((point["message"], point["remedy"]))
    unconnected, fetching, expired = said
    assert unconnected[0] == "the categories of the shop s are not known: it is not connected"
    assert "channel shops connect s" in unconnected[1]
    assert fetching[0] == "the categories of the shop s are not fetched yet"
    assert "after a minute" in fetching[1]
    assert expired == unconnected


async def test_a_shop_that_is_not_there_is_refused_with_the_nearest(
    pool: Pool, open_api: Any, shop_state: ShopState
) -> None:
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [msgspec.structs.replace(shop_state, shop_id="main")])
    async with open_api() as as_merchant:
        answer = await as_merchant("m").post(
            PLACE, files={"file": ("f.csv", PLAIN)}, data={"shop": "mian", "catalogue": "c"}
        )
        far = await as_merchant("m").post(
            PLACE, files={"file": ("f.csv", PLAIN)}, data={"shop": "nowhere", "catalogue": "c"}
        )
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (409, "shop")
    assert problem["title"] == "the merchant has no shop mian"
    assert "main" in problem["remedy"]
    assert far.status_code == 409
    assert "main" in far.json()["remedy"]
