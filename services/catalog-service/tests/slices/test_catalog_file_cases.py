"""Files as shops export them, from the upload to what should be on AliExpress."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.files.import_file import Importer
from catalog_service.files.problems.store import list_problems
from catalog_service.files.readers.recognise import Options
from catalog_service.files.store import (
    Import,
    NewImport,
    add_chunk,
    add_import,
    find_import,
    finish_upload,
)
from catalog_service.sources.store import add_catalogue, list_products
from catalog_service.sources.versions import Catalogue
from common.contracts.product import ProductNormalized
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

SHOPIFY_FEED = Path(__file__).parents[4] / "examples" / "feeds" / "shopify.yaml"
TEXT = "A woven blouse of washed cotton with mother-of-pearl buttons, washable at 40 degrees."
Settle = Callable[[], Awaitable[None]]
Emitted = Callable[[], Awaitable[list[ProductNormalized]]]
Bring = Callable[..., Awaitable[Import]]


@pytest.fixture
def bring(pool: Pool) -> Bring:
    """Reads a file into m's catalogue c; the import as it ended."""

    async def run(content: str | bytes, *, is_full: bool = True) -> Import:
        body = content.encode() if isinstance(content, str) else content
        new = NewImport("m", "c", "file", Options(), is_full=is_full, is_dry_run=False)
        async with unit_of_work(pool) as connection:
            await add_catalogue(connection, Catalogue("m", "c", "arrival", "files"))
            import_id = await add_import(connection, new)
            await add_chunk(connection, "m", import_id, 0, body)
            await finish_upload(connection, "m", import_id, len(body))
        while await Importer(pool, holder="test", deletion_share=1).run():
            pass
        async with reading(pool) as connection:
            found = await find_import(connection, "m", import_id)
        assert found is not None
        return found

    return run


async def fields_of(pool: Pool) -> dict[str, dict[str, Any]]:
    async with reading(pool) as connection:
        return {p.product_id: p.fields for p in await list_products(connection, "m", "c")}


async def configure(pool: Pool, changes: dict[str, Any]) -> None:
    """Save the example's configuration for Shopify exports with these changes."""
    body = yaml.safe_load(SHOPIFY_FEED.read_text()) | {"shop": "s", "catalogue": "c"} | changes
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "arrival", "files"))
        await apply_configuration(connection, "m", "f", FeedConfiguration.model_validate(body))


GOOGLE: dict[str, Any] = {
    "category": {"source": {"field": "product_type"}, "exact": {"Blouses": "200000346"}},
    "languages": {"en_US": {"title": {"field": "title"}, "description": {"field": "description"}}},
    "attributes": yaml.safe_load(SHOPIFY_FEED.read_text())["attributes"]
    | {
        "sku_code": {"field": "id"},
        "price": {"field": "price"},
        "discount_price": {"field": "sale_price"},
        "inventory": {"field": "quantity"},
        "image_url_list": {"field": "image_link"},
        "package_weight": {"constant": 500},
    },
    "user_defined_attributes": {},
    "sku_attributes": {"Size": {"field": "size"}},
}


def google_feed(*items: dict[str, str]) -> str:
    def element(item: dict[str, str]) -> str:
        whole = {
            "title": f"Blouse {item['id']}",
            "description": TEXT,
            "link": "https://s.example/",
            "image_link": "https://s.example/a.jpg",
            "price": "29.90 USD",
            "product_type": "Blouses",
            "quantity": "4",
        } | item
        return "<item>" + "".join(f"<g:{n}>{v}</g:{n}>" for n, v in whole.items()) + "</item>"

    return (
        '<rss xmlns:g="http://base.google.com/ns/1.0"><channel>'
        + "".join(map(element, items))
        + "</channel></rss>"
    )


@pytest.mark.parametrize("group", ["", "G"], ids=["without a group", "in its own group"])
@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "between", "last"])
@pytest.mark.usefixtures("connected_shop")
async def test_a_listed_parent_gives_the_content_of_one_product_and_is_no_sku(
    pool: Pool, bring: Bring, settle: Settle, emitted: Emitted, group: str, place: int
) -> None:
    await configure(pool, GOOGLE)
    items = [
        {"id": "G-S", "item_group_id": "G", "size": "S"},
        {"id": "G-M", "item_group_id": "G", "size": "M"},
    ]
    items.insert(
        place, {"id": "G", "title": "Cotton blouse"} | ({"item_group_id": group} if group else {})
    )
    done = await bring(google_feed(*items))
    assert (done.state, done.accepted) == ("completed", 3)
    await settle()
    [product] = [event for event in await emitted() if event.presence == "present"]
    assert (product.family_id, sorted(product.sku_codes)) == ("G", ["G-M", "G-S"])
    assert product.content is not None, product.content_part
    assert product.content.titles[0].text == "Cotton blouse"
    assert {sku.sku_code for sku in product.content.skus} == {"G-M", "G-S"}


async def test_a_part_of_a_file_leaves_its_products_in_their_families(
    pool: Pool, bring: Bring
) -> None:
    small, medium = ({"id": f"G-{size}", "item_group_id": "G", "size": size} for size in "SM")
    lone = {"id": "L-S", "item_group_id": "L", "size": "S"}
    variation = "11,variation,SHIRT-S,Shirt S,{},SHIRT\n"
    woocommerce = "ID,Type,SKU,Name,Regular price,Parent\n"
    await bring(google_feed({"id": "G"}, small, medium, lone))
    await bring(f"{woocommerce}10,variable,SHIRT,Shirt,,\n{variation.format(9)}", is_full=False)
    await bring(google_feed(small | {"price": "19.90 USD"}, lone), is_full=False)
    await bring(woocommerce + variation.format(8), is_full=False)
    rows = await pool.fetch("SELECT product_id, parent_id FROM source_product")
    assert {row["product_id"]: row["parent_id"] for row in rows} == {
        "G": None, "G-S": "G", "G-M": "G", "group:L": None, "L-S": "group:L",
        "10": None, "11": "10",
    }  # fmt: skip
    fields = await fields_of(pool)
    assert (fields["G-S"]["price"], fields["11"]["Regular price"]) == ("19.90 USD", "8")


async def test_a_row_of_another_encoding_harms_no_other(pool: Pool, bring: Bring) -> None:
    rows = "".join(f"M{n};Coussin caf\u00e9 brod\u00e9 n\u00b0 {n};19,90\n" for n in range(5))
    done = await bring(f"id;title;price\n{rows}".encode() + b"M5;Coussin brod\xe9;19,90\n")
    assert (done.state, done.rejected) == ("completed_with_problems", 1)
    titles = {name: fields["title"] for name, fields in (await fields_of(pool)).items()}
    assert titles == {f"M{n}": f"Coussin caf\u00e9 brod\u00e9 n\u00b0 {n}" for n in range(5)}
    async with reading(pool) as connection:
        [(_, problem)] = await list_problems(connection, "m", done.import_id, after=0, limit=9)
    assert (problem.line, problem.product_id) == (7, "M5")


async def test_sale_dates_reach_the_products_fields(pool: Pool, bring: Bring) -> None:
    dates = "2026-01-01T00:00+0000/2026-01-31T23:59+0000"
    await bring(google_feed({"id": "D", "sale_price_effective_date": dates}, {"id": "N"}))
    fields = await fields_of(pool)
    assert fields["D"]["discount_from"] == "2026-01-01T00:00+0000"
    assert fields["D"]["discount_until"] == "2026-01-31T23:59+0000"
    assert not {"discount_from", "discount_until"} & fields["N"].keys()
    await bring(
        "ID,Type,SKU,Name,Date sale price starts,Date sale price ends,Regular price,Parent\n"
        "901,simple,W,Sale,2026-01-01 00:00:00,2026-01-31 23:59:59,9,\n"
    )
    fields = await fields_of(pool)
    assert fields["901"]["discount_from"] == "2026-01-01 00:00:00"
    assert fields["901"]["discount_until"] == "2026-01-31 23:59:59"


@pytest.mark.usefixtures("connected_shop")
async def test_an_export_with_handles_of_255_characters_is_valid_whole(
    pool: Pool, bring: Bring, settle: Settle, emitted: Emitted
) -> None:
    await configure(pool, {})
    header = (
        "Handle,Title,Body (HTML),Vendor,Tags,Option1 Name,Option1 Value,"
        "Variant SKU,Variant Inventory Qty,Variant Price,Image Src\n"
    )
    handles = [f"{n}-".ljust(length, "x") for n, length in enumerate((9, 128, 129, 200, 255))]
    rows = "".join(
        f'{handle},Shirt {n},"{TEXT}",Acme,women,Title,Default Title,,4,9,https://s.example/a.jpg\n'
        for n, handle in enumerate(handles)
    )
    long = "f".ljust(255, "y")
    rows += f'{long},Family,"{TEXT}",Acme,women,Size,Small,,4,9,https://s.example/a.jpg\n'
    rows += "".join(f"{long},,,,,,{size},,4,9,\n" for size in ("Medium", "Large"))
    done = await bring(header + rows)
    assert (done.state, done.accepted) == ("completed", 9)
    await settle()
    events = [event for event in await emitted() if event.presence == "present"]
    assert {event.family_id for event in events} == {*handles, long}
    for event in events:
        assert event.content is not None, event.content_part
        assert event.offers is not None, event.offers_part
        assert "Default Title" not in str(event.content)
    [family] = [event for event in events if event.family_id == long]
    assert len(set(family.sku_codes)) == 3
