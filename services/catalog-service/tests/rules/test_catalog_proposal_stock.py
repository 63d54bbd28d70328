"""Proposed stock: what is not available has none, whatever number stands beside the word."""

from pathlib import Path

import pytest

from catalog_service.feeds.matching import Row

from ..drafting import draft, draft_rows


@pytest.mark.parametrize(
    ("header", "rows", "stock"),
    [
        (
            "id\ttitle\tprice\tavailability\tquantity\titem_group_id",
            ("A\tHat\t9 EUR\tout_of_stock\t6\t", "B\tCap\t9 EUR\tin stock\t7\t"),
            ["0", "7"],
        ),
        (
            "sku,product_type,name,price,is_in_stock,qty,attribute_set_code,product_websites",
            ("A,simple,Hat,9,0,10,Top,base", "B,simple,Cap,9,1,11,Top,base"),
            ["0", "11"],
        ),
        (
            "ID,Type,SKU,Name,Published,In stock?,Stock,Regular price",
            ("1,simple,A,Hat,1,0,7,9", "2,simple,B,Cap,1,1,8,9", "3,simple,C,Tie,1,1,,9"),
            ["0", "8", "None"],
        ),
        (
            "sku;name;preis;Verfügbarkeit;Bestand",
            ("A;Hut;9;Nicht auf Lager;6", "B;Kappe;9;auf Lager;7", "C;Schal;9;ausverkauft;5"),
            ["0", "7", "0"],
        ),
        (
            "sku,nombre,precio,disponibilidad,stock",
            ("A,Gorro,9,Agotado,6", "B,Gorra,9,Disponible,7", "C,Cinta,9,SIN EXISTENCIAS,5"),
            ["0", "7", "0"],
        ),
        (
            "sku,nom,prix,disponibilité,quantité",
            ("A,Bonnet,9,Rupture de stock,6", "B,Gant,9,en stock,7", "C,Robe,9,Épuisé,5"),
            ["0", "7", "0"],
        ),
        (
            "sku,name,price,in_stock,stock",
            ("A,Hat,9,No,6", "B,Cap,9,Yes,7", "C,Tie,9,yes,5"),
            ["0", "7", "5"],
        ),
    ],
    ids=["google", "magento", "woocommerce", "german", "spanish", "french", "yes and no"],
)
def test_what_is_not_available_has_no_stock(
    tmp_path: Path, header: str, rows: tuple[str, ...], stock: list[str]
) -> None:
    found = draft(tmp_path, header, *rows, name="products.tsv" if "\t" in header else "p.csv")
    assert [str(each) for each in found.column("inventory")] == stock
    assert "0 where" in found.text


def test_words_of_an_export_that_come_later_are_known_too(tmp_path: Path) -> None:
    found = draft(tmp_path, "sku,name,price,availability,stock", "A,Hat,9,in stock,6", "B,Cap,9,,7")
    match = found.feed.general.attributes["inventory"]
    for word in ("out of stock", "Out-of-stock", "OutOfStock", "sold out", "0", "FALSE"):
        assert match.quantity(Row("A", None, {"availability": word, "stock": "6"})) == 0, word
    for word in ("in stock", "normal", "noch 3", "unlimited", ""):
        assert match.quantity(Row("A", None, {"availability": word, "stock": "6"})) == "6", word
    assert match.quantity(Row("A", None, {"stock": "6"})) == "6"


@pytest.mark.parametrize(
    "word",
    ["Derzeit nicht lieferbar", "Temporarily out of stock", "currently unavailable", "NO", "0",
     "Actuellement indisponible", "Producto agotado", "Non disponibile", "нет в наличии", "FALSE",
     "Out-Of-Stock", "momentan ausverkauft", "Rupture", "sem estoque", "discontinued"],
)  # fmt: skip
def test_every_way_to_say_no_is_one(tmp_path: Path, word: str) -> None:
    rows = (f"A,Hat,9,{word},6", "B,Cap,9,yes,7", "C,Tie,9,yes,8")
    found = draft(tmp_path, "sku,name,price,availability,stock", *rows)
    assert [str(each) for each in found.column("inventory")] == ["0", "7", "8"]
    assert not found.open("inventory")


def test_the_day_from_which_something_is_available_says_nothing_of_stock(tmp_path: Path) -> None:
    rows = ("A,Hat,9,2025-01-01,6", "B,Cap,9,2025-01-01,7")
    found = draft(tmp_path, "sku,name,price,availability date,stock", *rows)
    assert found.column("inventory") == ["6", "7"]
    assert not found.open("inventory")


def test_numbers_and_truth_of_json_are_read_as_well() -> None:
    found = draft_rows(
        {"sku": "A", "name": "Hat", "price": 9, "in_stock": False, "stock": 6},
        {"sku": "B", "name": "Cap", "price": 9, "in_stock": True, "stock": 7},
        {"sku": "C", "name": "Tie", "price": 9, "in_stock": None, "stock": 8},
    )
    assert found.column("inventory") == [0, 7, 8]


def test_a_word_of_availability_that_is_neither_yes_nor_no_is_open(tmp_path: Path) -> None:
    found = draft(
        tmp_path,
        "id\ttitle\tprice\tavailability\tquantity",
        *("A\tHat\t9 EUR\tin_stock\t6", "B\tCap\t9 EUR\tpreorder\t7", "C\tTie\t9 EUR\tpreorder\t7"),
        name="products.tsv",
    )
    assert found.column("inventory") == ["6", "7", "7"]
    [point] = found.open("inventory")
    assert point.products == 2
    assert "preorder" in point.message


def test_a_column_that_says_what_is_sold_out_is_not_taken_for_the_contrary(tmp_path: Path) -> None:
    rows = ("A,Hut,9,1,6", "B,Kappe,9,0,7", "C,Schal,9,0,8")
    found = draft(tmp_path, "sku,name,preis,nicht lieferbar,bestand", *rows)
    assert found.column("inventory") == ["6", "7", "8"]
    [point] = found.open("inventory")
    assert "nicht lieferbar" in point.message
    assert point.products == 3


def test_many_different_words_of_availability_are_read_too(tmp_path: Path) -> None:
    rows = [f"A{n},Hut,9,lieferbar in {n} Tagen,6" for n in range(1, 9)]
    found = draft(
        tmp_path, "sku,name,preis,Verfügbarkeit,bestand", *rows, "B,Hut,9,zur Zeit nicht da,6",
        "C,Hut,9,Nicht lieferbar,6",
    )  # fmt: skip
    assert found.column("inventory") == [*["6"] * 9, 0]
    [point] = found.open("inventory")
    assert (point.products, "zur Zeit nicht da" in point.message) == (1, True)


def test_without_numbers_each_word_is_one_or_none(tmp_path: Path) -> None:
    rows = ("A,Hat,9,noch lieferbar", "B,Cap,9,nicht lieferbar", "C,Tie,9,noch lieferbar")
    found = draft(tmp_path, "sku,name,preis,Verfügbarkeit", *rows)
    assert "values: {noch lieferbar: 1, nicht lieferbar: 0}" in found.text


def test_strange_words_of_availability_give_a_configuration_that_can_be_saved() -> None:
    strange = ("not {% x", "not '\\ }} {{", "no longer " * 30, "nicht\nhier")
    rows = [
        {"sku": f"A{n}", "name": "Hat", "price": 9, "availability": strange[n % 4], "stock": 6}
        for n in range(8)
    ]
    assert draft_rows(*rows).column("inventory")[1] in {0, 6}
