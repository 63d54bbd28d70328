"""The catalogues of real shops through the readers: no row lost, no placeholder, ids kept."""

import csv
from pathlib import Path

import pytest

from catalog_service.files.readers.items import Item
from catalog_service.files.readers.recognise import Options, open_catalogue

DATA = Path(__file__).parents[5] / "shared" / "data"
PLACEHOLDERS = {"default title", "n/a"}

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared data is not here")


def rows_of(file: str) -> list[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def items_of(file: str, **options: str) -> list[Item]:
    entries = list(open_catalogue(DATA / file, Options(**options)).entries)  # type: ignore[arg-type]
    items = [entry for entry in entries if isinstance(entry, Item)]
    assert len(items) == len(entries)
    return items


@pytest.mark.parametrize("file", ["shopify-apparel.csv", "shopify-home-and-garden.csv"])
def test_every_variant_of_a_shopify_export_is_there_once(file: str) -> None:
    rows, items = rows_of(file), items_of(file)
    by_id = {item.product_id: item for item in items}
    assert len(by_id) == len(items)
    assert {row["Handle"] for row in rows} == {item.parent_id or item.product_id for item in items}
    parents = {item.parent_id for item in items}
    sold = [item for item in items if item.product_id not in parents]
    variants = [row for row in rows if row["Option1 Value"]]
    assert len(sold) == len(variants)
    for row in variants:
        own = f"{row['Handle']}:{row['Option1 Value']}"
        item = by_id.get(own) or by_id[row["Handle"]]
        assert item.fields["Variant Price"] == row["Variant Price"]
        assert item.fields["Title"]
    texts = {str(value).casefold() for item in items for value in item.fields.values()}
    assert not texts & PLACEHOLDERS


def test_every_row_of_a_scraped_catalogue_is_there_once() -> None:
    rows = rows_of("shein-products.csv")
    items = items_of("shein-products.csv")
    assert [item.product_id for item in items] == [row["product_id"] for row in rows]
    for row, item in zip(rows, items, strict=True):
        changed = {name for name, value in row.items() if item.fields[name] != value}
        assert all(row[name].casefold() in PLACEHOLDERS for name in changed)
        assert changed <= {"color", "size"}
    assert not {"N/A"} & {item.fields["color"] for item in items}
