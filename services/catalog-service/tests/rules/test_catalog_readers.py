"""Readers: what each kind of file gives, and what none of them swallows."""

import codecs
from pathlib import Path

import pytest

from catalog_service.files.deletion_guard import must_withhold
from catalog_service.files.readers.encoding import find_encoding
from catalog_service.files.readers.items import BadLine, FileRefused, FileTruncated, Item
from catalog_service.files.readers.recognise import Options, open_catalogue


def read(
    tmp_path: Path, content: str | bytes, **options: str
) -> tuple[str, list[Item], list[BadLine]]:
    path = tmp_path / "catalogue"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = open_catalogue(path, Options(**options))  # type: ignore[arg-type]
    entries = list(found.entries)
    return (
        found.format,
        [entry for entry in entries if isinstance(entry, Item)],
        [entry for entry in entries if isinstance(entry, BadLine)],
    )


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (codecs.BOM_UTF8 + b"id", "utf-8-sig"),
        ("id".encode("utf-16"), "utf-16"),
        ("id,\u00e9".encode(), "utf-8"),
        ("id,\u00e9\u20ac".encode("cp1252"), "cp1252"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "iso8859-1"),
    ],
    ids=["utf-8 mark", "utf-16 mark", "utf-8", "cp1252", "declared"],
)
def test_the_encoding_is_found(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert find_encoding(path, None) == name


def test_the_merchant_may_name_the_encoding(tmp_path: Path) -> None:
    _, items, _ = read(tmp_path, "id,title\n1,\u0142\n".encode("cp1250"), encoding="cp1250")
    assert items[0].fields["title"] == "\u0142"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = ["id{0}title{0}price", 'a{0}"one{0} two"{0}1']
    _, items, bad = read(tmp_path, "\n".join(rows).format(delimiter))
    assert bad == []
    assert items[0].fields["title"] == f"one{delimiter} two"


def test_a_cell_may_span_lines_and_lines_are_counted(tmp_path: Path) -> None:
    _, items, bad = read(tmp_path, 'id,title\na,"two\nlines"\nb\nc,x\n')
    assert [(item.product_id, item.line) for item in items] == [("a", 2), ("c", 5)]
    assert [problem.line for problem in bad] == [4]


def test_json_lines_keep_values_and_name_bad_lines(tmp_path: Path) -> None:
    found, items, bad = read(
        tmp_path,
        '{"sku": "a", "n": 1, "deep": {"x": [1]}, "list": ["p", "q"]}\n'
        '[1]\n{"sku": "b"\n\n{"x": 1}\n',
    )
    assert found == "jsonl"
    assert items[0].fields == {"sku": "a", "n": 1, "deep": '{"x": [1]}', "list": ["p", "q"]}
    assert [problem.line for problem in bad] == [2, 3, 5]


def test_google_groups_get_a_parent(tmp_path: Path) -> None:
    feed = """<?xml version="1.0"?>
    <rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>
    <item><g:id>1</g:id><title>Shirt S</title><link>l</link><g:image_link>i</g:image_link>
      <g:price>10 USD</g:price><g:item_group_id>G</g:item_group_id>
      <g:additional_image_link>x</g:additional_image_link>
      <g:additional_image_link>y</g:additional_image_link></item>
    <item><g:id>2</g:id><title>Hat</title><link>l</link><g:image_link>i</g:image_link>
      <g:price>5 USD</g:price></item>
    </channel></rss>"""
    found, items, bad = read(tmp_path, feed)
    assert (found, bad) == ("google", [])
    assert [(i.product_id, i.parent_id) for i in items] == [
        ("group:G", None),
        ("1", "group:G"),
        ("2", None),
    ]
    assert "price" not in items[0].fields
    assert items[1].fields["additional_image_link"] == ["x", "y"]


def test_a_google_table_is_recognised(tmp_path: Path) -> None:
    found, items, _ = read(tmp_path, "id\ttitle\tlink\timage link\tprice\n1\tHat\tl\ti\t5 USD\n")
    assert (found, items[0].product_id) == ("google", "1")


def test_woocommerce_variations_find_their_parent(tmp_path: Path) -> None:
    header = "ID,Type,SKU,Name,Regular price,Parent,Images,Attribute 1 name,Attribute 1 value(s)\n"
    rows = (
        '10,variable,SHIRT,Shirt,,,"a.jpg, b.jpg",Size,"S, M"\n'
        "11,variation,SHIRT-S,Shirt S,9,SHIRT,,Size,S\n"
        "12,variation,SHIRT-M,Shirt M,9,id:10,,Size,M\n"
        "13,simple,HAT,Hat,5,,,,\n"
    )
    found, items, _ = read(tmp_path, header + rows)
    assert found == "woocommerce"
    assert [(i.product_id, i.parent_id) for i in items] == [
        ("10", None),
        ("11", "10"),
        ("12", "10"),
        ("13", None),
    ]
    assert items[0].fields["Images"] == ["a.jpg", "b.jpg"]
    assert items[1].fields["Attribute: Size"] == "S"


@pytest.mark.parametrize(
    "chosen",
    ["Name,Regular price,Sale price", "Published,In stock?", "Name,Regular price,Parent"],
)
def test_a_woocommerce_export_of_chosen_columns_is_one(tmp_path: Path, chosen: str) -> None:
    header = f"ID,Type,SKU,{chosen},Date sale price ends"
    empty = "," * chosen.count(",")
    rows = f"7,simple,HAT,{empty},2026-01-31\n8,variation,HAT-S,{empty},\n"
    found, [item], [bad] = read(tmp_path, f"{header}\n{rows}")
    assert (found, item.product_id, item.parent_id) == ("woocommerce", "7", None)
    assert item.fields["discount_until"] == "2026-01-31"
    assert bad.line == 3


def test_a_table_with_some_of_woocommerces_columns_is_no_export_of_it(tmp_path: Path) -> None:
    found, items, _ = read(tmp_path, "ID,Type,SKU,Name\n7,hat,HAT,Hat\n")
    assert (found, items[0].product_id) == ("csv", "7")


def test_shopify_pictures_of_further_rows_join_the_product(tmp_path: Path) -> None:
    header = (
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,"
        "Image Src,Image Position\n"
    )
    rows = (
        "hat,Hat,Title,Default Title,H1,5,https://p/2.jpg,2\nhat,,,,,,https://p/1.jpg,1\n"
        "shirt,Shirt,Size,S,S1,9,https://p/3.jpg,1\nshirt,,,M,S2,9,,\n"
    )
    found, items, bad = read(tmp_path, header + rows)
    assert (found, bad) == ("shopify", [])
    assert [item.product_id for item in items] == ["hat", "shirt", "shirt:S", "shirt:M"]
    assert items[0].fields["Images"] == ["https://p/1.jpg", "https://p/2.jpg"]
    assert items[3].fields["Title"] == "Shirt"
    assert (items[3].fields["Variant SKU"], items[3].fields["Option1 Name"]) == ("S2", "Size")
    assert "Variant SKU" not in items[1].fields


BOMB = "<!DOCTYPE a [" + "".join(
    f'<!ENTITY e{n} "{("&e" + str(n - 1) + ";") * 10 if n else "x" * 10}">' for n in range(10)
)


@pytest.mark.parametrize(
    "content",
    [
        BOMB + "]><r><item><id>&e9;</id></item></r>",
        f'<!DOCTYPE a [<!ENTITY q "{"x" * 50_000}">]><r><item><id>{"&q;" * 5_000}</id></item></r>',
        '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><r><item><id>&f;</id></item></r>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><r><item><id>1</id></item></r>',
        "<r><item><id>1</id>",
        "<r></r>",
        "<r>" + "<d>" * 3_000 + "</d>" * 3_000 + "</r>",
        "<<<",
    ],
    ids=["billion laughs", "quadratic", "external", "dtd", "cut", "empty", "deep", "no xml"],
)
def test_hostile_xml_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises((FileRefused, FileTruncated)):
        read(tmp_path, content, format="xml")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("x" * 256 + ",t", "id"),
        ('a,"t\x00t"', "NUL"),
        ("a," + "t" * 200_001, "long"),
        (" ,t", "id"),
    ],
    ids=["long id", "nul", "long text", "blank id"],
)
def test_a_value_out_of_bounds_is_a_bad_line(tmp_path: Path, line: str, word: str) -> None:
    _, items, bad = read(tmp_path, f"id,title\n{line}\nb,fine\n")
    assert [item.product_id for item in items] == ["b"]
    assert word in bad[0].message


@pytest.mark.parametrize(
    ("deletions", "products", "is_withheld"),
    [(0, 0, False), (2, 3, False), (3, 3, True), (20, 100, False), (21, 100, True)],
)
def test_the_guard_counts_over_at_least_ten_products(
    deletions: int, products: int, is_withheld: bool
) -> None:
    assert must_withhold(deletions, products, 0.2, more_unnamed=0) is is_withheld
    assert must_withhold(deletions, products, 0.2, more_unnamed=1) is (deletions > 0)


TRANSLATED = {
    "de": (
        "ID,Typ,Artikelnummer,Name,Veröffentlicht,Kurzbeschreibung,Beschreibung,"
        '"Datum, an dem Angebotspreis beginnt","Datum, an dem Angebotspreis endet",Lager,'
        "Angebotspreis,Regulärer Preis,Kategorien,Bilder,Übergeordnetes Produkt,"
        "Attribut 1 Name,Attribut 1 Wert(e),Attribut 1 Sichtbar,Attribut 1 Global"
    ),
    "fr": (
        "ID,Type,UGS,Nom,Publié,Description courte,Description,Date de début de promo,"
        "Date de fin de promo,Stock,Tarif promo,Tarif régulier,Catégories,Images,Parent,"
        "Nom de l’attribut 1,Valeur(s) de l’attribut 1 ,Attribut 1 visible,Attribut 1 global"
    ),
    "es": (
        "ID,Tipo,SKU,Nombre,Publicado,Descripción corta,Descripción,"
        "Día en que empieza el precio rebajado,Día en que termina el precio rebajado,Inventario,"
        "Precio rebajado,Precio normal,Categorías,Imágenes,Superior,"
        "Nombre del atributo 1,Valor(es) del atributo 1,Atributo visible 1,Atributo global 1"
    ),
}
TRANSLATED_ROWS = r"""
10,variable,SHIRT,Shirt,1,,Long\nand wide,,,,,,Shirts,"a.jpg, b.jpg",,Color,"Red, Blue",1,1
11,variation,SHIRT-R,Shirt - Red,1,,,2026-11-01,2026-12-31,4,19.90,29.90,,,SHIRT,Color,Red,,1
12,variation,SHIRT-B,Shirt - Blue,1,,,,,6,,29.90,,,id:10,Color,Blue,,1
13,variation,SHIRT-X,Shirt - lost,1,,,,,6,,29.90,,,,Color,Blue,,1
"""


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_woocommerce_export_of_a_shop_in_another_language(tmp_path: Path, language: str) -> None:
    """Recognised and read as the English one is; fields keep the file's own names."""
    header = TRANSLATED[language]
    found, items, [bad] = read(tmp_path, header + TRANSLATED_ROWS)
    assert found == "woocommerce"
    assert [(i.product_id, i.parent_id) for i in items] == [
        ("10", None),
        ("11", "10"),
        ("12", "10"),
    ]
    pictures = {"de": "Bilder", "fr": "Images", "es": "Imágenes"}[language]
    assert items[0].fields[pictures] == ["a.jpg", "b.jpg"]
    assert items[1].fields["Attribute: Color"] == "Red"
    assert items[1].fields["discount_from"] == "2026-11-01"
    assert items[1].fields["discount_until"] == "2026-12-31"
    assert bad.message == "the variation names no parent"
    parent = {"de": "Übergeordnetes Produkt", "fr": "Parent", "es": "Superior"}[language]
    assert parent in bad.remedy


@pytest.mark.parametrize("header", ["attribut 1 name", "ATTRIBUT 1 NAME", "Attribut 1 Name"])
def test_translated_headers_are_known_however_they_are_written(tmp_path: Path, header: str) -> None:
    text = (
        f"ID,TYP,artikelnummer,Veröffentlicht,{header},Attribut 1 Wert(e)\n7,simple,HAT,1,Größe,S\n"
    )
    found, [item], _ = read(tmp_path, text)
    assert found == "woocommerce"
    assert item.fields["Attribute: Größe"] == "S"


def test_rows_that_the_merchant_named_stay_his_own(tmp_path: Path) -> None:
    """A catalogue whose ids are another column's keeps them when its file is recognised later."""
    content = TRANSLATED["de"] + TRANSLATED_ROWS
    found, items, _ = read(tmp_path, content, id_field="Artikelnummer")
    assert (found, items[0].product_id) == ("csv", "SHIRT")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (r"One\nTwo\nThree", "One\nTwo\nThree"),
        (r"C:\\new", r"C:\\new"),
        (r"One\\nTwo\nThree", "One\\\\nTwo\nThree"),
        ("plain", "plain"),
        (r"\,", r"\,"),
    ],
)
@pytest.mark.parametrize("name", ["Description", "Short description"])
def test_woocommerces_line_breaks_are_line_breaks(
    tmp_path: Path, name: str, cell: str, text: str
) -> None:
    header = f"ID,Type,SKU,Published,In stock?,Name,{name}"
    _, [item], _ = read(tmp_path, f'{header}\n7,simple,HAT,1,1,Hat\\now,"{cell}"\n')
    assert item.fields[name] == text
    assert item.fields["Name"] == r"Hat\now"
