"""Families of every format as its systems export them: one table of rows and what they become."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog_service.files.readers.items import MAX_ID, BadLine, FileTruncated, Item
from catalog_service.files.readers.recognise import Options, open_catalogue

GOOGLE = "id\titem_group_id\ttitle\tlink\timage_link\tprice\tcolor\tsize"
WOO = (
    "ID,Type,SKU,Name,Regular price,Parent,Categories,Images,Attribute 1 name,Attribute 1 value(s)"
)
SHOPIFY = (
    "Handle,Title,Vendor,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Variant SKU,Variant Price,Image Src,Image Position"
)


def entries_of(path: Path, text: str | bytes, **options: str) -> list[Item | BadLine]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(open_catalogue(path, Options(**options)).entries)  # type: ignore[arg-type]


def families_of(entries: list[Item | BadLine]) -> dict[str, str | None]:
    """Each product's parent."""
    products = [entry for entry in entries if isinstance(entry, Item)]
    assert len({item.product_id for item in products}) == len(products)
    return {item.product_id: item.parent_id for item in products}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue"


@dataclass(frozen=True)
class Family:
    """Rows of a file, in any order, and the parent of each product they become."""

    header: str
    rows: tuple[str, ...]
    parents: dict[str, str | None]


def google(item_id: str, group: str = "", color: str = "", size: str = "") -> str:
    title = f"Blouse {item_id}"
    return f"{item_id}\t{group}\t{title}\thttps://s/{item_id}\ti\t9 USD\t{color}\t{size}"


FAMILIES = {
    "google: a parent that is named by others": Family(
        GOOGLE,
        (google("GA"), google("GA-S", "GA", "White", "S"), google("GA-M", "GA", "White", "M")),
        {"GA": None, "GA-S": "GA", "GA-M": "GA"},
    ),
    "google: a parent in its own group": Family(
        GOOGLE,
        (google("GB", "GB"), google("GB-S", "GB", "White", "S"), google("GB-M", "GB", "", "M")),
        {"GB": None, "GB-S": "GB", "GB-M": "GB"},
    ),
    "google: a parent with a colour, of one child": Family(
        GOOGLE,
        (google("P", "P", "White"), google("C", "P", "White", "S")),
        {"P": None, "C": "P"},
    ),
    "google: a parent that repeats one of its variants": Family(
        GOOGLE,
        (
            google("P", "P", "white", "S"),
            google("1", "P", "White", "S"),
            google("2", "P", "Red", "S"),
        ),
        {"P": None, "1": "P", "2": "P"},
    ),
    "google: a parent of children without attributes": Family(
        GOOGLE,
        (google("P", "P"), google("1", "P"), google("2", "P")),
        {"P": None, "1": "P", "2": "P"},
    ),
    "google: a group named like its first variant": Family(
        GOOGLE,
        (google("1", "1", "Red", "S"), google("2", "1", "Red", "M"), google("3", "1", "Blue", "M")),
        {"group:1": None, "1": "group:1", "2": "group:1", "3": "group:1"},
    ),
    "google: a group that lists no parent": Family(
        GOOGLE,
        (google("1", "G", "Red", "S"), google("2", "G", "Red", "M"), google("3")),
        {"group:G": None, "1": "group:G", "2": "group:G", "3": None},
    ),
    "google: simple products in groups of their own": Family(
        GOOGLE, (google("1", "1"), google("2", "2", "Red")), {"1": None, "2": None}
    ),
    "google: kinds beside each other": Family(
        GOOGLE,
        (google("GA"), google("GA-S", "GA", "", "S"), google("X", "Y", "", "S"), google("Z")),
        {"GA": None, "GA-S": "GA", "group:Y": None, "X": "group:Y", "Z": None},
    ),
    "woocommerce: parents by SKU and by id": Family(
        WOO,
        (
            '10,variable,SHIRT,Shirt,,,Shirts,,Size,"S, M"',
            "11,variation,SHIRT-S,Shirt S,9,SHIRT,,,Size,S",
            '12,"variation, virtual",SHIRT-M,Shirt M,9,id:10,,,Size,M',
            "13,simple,HAT,Hat,5,,Hats,,,",
            "20,variable,,Coat,,,Coats,,Size,S",
            "21,variation,,Coat S,9,id:20,,,Size,S",
        ),
        {"10": None, "11": "10", "12": "10", "13": None, "20": None, "21": "20"},
    ),
    "woocommerce: a parent that is not in the file": Family(
        WOO, ("11,variation,S,Shirt S,9,SHIRT,,,Size,S",), {"11": "SHIRT"}
    ),
    "shopify: several variants, pictures and a simple product": Family(
        SHOPIFY,
        (
            "hat,Hat,V,Title,Default Title,,,H1,5,https://p/2.jpg,2",
            "hat,,,,,,,,,https://p/1.jpg,1",
            "shirt,Shirt,V,Size,S,Colour,Red,S1,9,https://p/3.jpg,1",
            "shirt,,,,M,,Red,S2,9,,",
            "shirt,,,,L,,N/A,S3,9,https://p/4.jpg,2",
        ),
        {"hat": None, "shirt": None} | {f"shirt:{o}": "shirt" for o in ("S/Red", "M/Red", "L/N/A")},
    ),
    "shopify: a first row that describes only": Family(
        SHOPIFY,
        ("mug,Mug,V,Size,,,,,,https://p/1.jpg,1", "mug,,,,S,,,M1,3,,", "mug,,,,L,,,M2,4,,"),
        {"mug": None, "mug:S": "mug", "mug:L": "mug"},
    ),
    "csv: parents by column": Family(
        "id,parent_id,title",
        ("p,,Parent", "c,p,Child", "s,s,Own parent"),
        {"p": None, "c": "p", "s": None},
    ),
}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_order_of_the_rows_makes_no_difference(path: Path, family: Family) -> None:
    orders = list(itertools.permutations(family.rows))
    contents: dict[str, object] = {}
    for order in Random(11).sample(orders, k=min(len(orders), 24)):
        entries = entries_of(path, "\n".join((family.header, *order)) + "\n")
        assert not [entry for entry in entries if isinstance(entry, BadLine)]
        assert families_of(entries) == family.parents
        for item in entries:
            if isinstance(item, Item) and not item.product_id.startswith("group:"):
                assert contents.setdefault(item.product_id, item.fields) == item.fields


@pytest.mark.parametrize("plain", [True, False], ids=["GA", "GB"])
def test_a_parent_that_an_xml_feed_lists_is_the_parent(path: Path, plain: bool) -> None:
    def item(name: str, group: str, size: str = "") -> str:
        parts = {"id": name, "title": name, "link": "l", "image_link": "i", "price": "9 USD"}
        parts |= {"item_group_id": group} if group else {}
        parts |= {"size": size} if size else {}
        return "<item>" + "".join(f"<g:{k}>{v}</g:{k}>" for k, v in parts.items()) + "</item>"

    items = [item("P-S", "P", "S"), item("P", "" if plain else "P"), item("P-M", "P", "M")]
    feed = '<rss xmlns:g="http://base.google.com/ns/1.0"><channel>{}</channel></rss>'
    entries = entries_of(path, feed.format("".join(items)))
    assert families_of(entries) == {"P-S": "P", "P": None, "P-M": "P"}


@pytest.mark.parametrize("lacking", ["link", "image_link", "price"])
def test_an_xml_feed_in_googles_namespace_is_one_whatever_its_first_item_lacks(
    path: Path, lacking: str
) -> None:
    parts = {"title": "t", "link": "l", "image_link": "i", "price": "9 USD"}
    del parts[lacking]
    shared = "".join(f"<g:{key}>{value}</g:{key}>" for key, value in parts.items())
    items = (
        f"<item><g:id>{name}</g:id><g:item_group_id>P</g:item_group_id>{shared}</item>"
        for name in ("P-S", "P-M", "P")
    )
    feed = "<rss xmlns:g='http://base.google.com/ns/1.0'><channel>{}</channel></rss>"
    entries = entries_of(path, feed.format("".join(items)))
    assert families_of(entries) == {"P-S": "P", "P": None, "P-M": "P"}


def test_rows_that_stand_apart_take_what_their_handles_first_row_says(path: Path) -> None:
    rows = [
        "shirt,,,,M,,,S2,9,,",
        "hat,Hat,V,Title,Default Title,,,H1,5,,",
        "shirt,Shirt,Acme,Size,S,,,S1,9,https://p/2.jpg,2",
        "mug,Mug,V,Title,Default Title,,,M1,5,,",
        "shirt,,,,,,,,,https://p/1.jpg,1",
        "shirt,too,few",
        "shirt,,,,L,,,S3,9,,",
    ]
    entries = entries_of(path, "\n".join((SHOPIFY, *rows)) + "\n")
    items = {entry.product_id: entry for entry in entries if isinstance(entry, Item)}
    assert list(items) == ["hat", "mug", "shirt", "shirt:M", "shirt:S", "shirt:L"]
    assert items["shirt"].fields["Images"] == ["https://p/1.jpg", "https://p/2.jpg"]
    assert items["shirt:M"].fields["Vendor"] == "Acme"
    assert items["shirt:M"].fields["Option1 Name"] == "Size"
    assert [item.line for item in items.values()] == [3, 5, 4, 2, 4, 8]
    assert [entry.line for entry in entries if isinstance(entry, BadLine)] == [7]


@given(order=st.permutations(range(60)))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_shuffled_export_is_the_same_export(path: Path, order: list[int]) -> None:
    rows = [
        f"h{n // 3},{'T' if n % 3 == 0 else ''},V,Size,{'SML'[n % 3]},,,S{n},{n},,"
        for n in range(60)
    ]
    entries = entries_of(path, "\n".join((SHOPIFY, *(rows[place] for place in order))) + "\n")
    children = {f"h{n // 3}:{'SML'[n % 3]}": f"h{n // 3}" for n in range(60)}
    assert families_of(entries) == children | {f"h{n}": None for n in range(20)}


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (GOOGLE, [google("1", "G", "", "S"), google("2", "G", "", "M")]),
        (WOO, ["11,variation,S,Shirt S,9,SHIRT,,,Size,S"]),
        (SHOPIFY, ["shirt,Shirt,V,Size,S,,,S1,9,,", "shirt,,,,M,,,S2,9,,"]),
    ],
    ids=["google", "woocommerce", "shopify"],
)
def test_a_file_that_breaks_off_gives_no_family_torn_apart(
    path: Path, header: str, rows: list[str]
) -> None:
    path.write_text("\n".join((header, *rows, '"cut off')))
    with pytest.raises(FileTruncated):
        next(open_catalogue(path, Options()).entries)


def test_a_variation_without_a_parent_is_no_simple_product(path: Path) -> None:
    [entry] = entries_of(path, f"{WOO}\n11,variation,S,Shirt S,9,,,,Size,S\n")
    assert isinstance(entry, BadLine)
    assert (entry.line, entry.product_id) == (2, "11")
    assert "Parent" in entry.remedy


HANDLE = "h" * MAX_ID


def test_handles_of_255_characters_keep_their_variants_apart(path: Path) -> None:
    rows = [f"{HANDLE},Shirt,V,Size,S,,,S1,9,,", *(f"{HANDLE},,,,{o},,,,9,," for o in "ML")]
    once, again = (families_of(entries_of(path, "\n".join((SHOPIFY, *rows)))) for _ in range(2))
    assert once == again
    assert len(once) == 4
    assert list(once.values()) == [None, HANDLE, HANDLE, HANDLE]
    assert {len(product_id) for product_id in once} == {MAX_ID}


def test_a_group_of_255_characters_gets_a_parent_of_its_own(path: Path) -> None:
    groups = [HANDLE, HANDLE[:-1] + "x"]
    rows = [google(f"{n}", group, "", "S") for n, group in enumerate(groups)]
    families = families_of(entries_of(path, "\n".join((GOOGLE, *rows))))
    assert len(families) == 4
    assert all(len(parent) <= MAX_ID for parent in families.values() if parent)


@pytest.mark.parametrize(
    "text", ["N/A", "n/a", "#N/A", " - ", "null", "Undefined", "Not applicable"]
)
def test_a_placeholder_is_no_value_of_an_option(path: Path, text: str) -> None:
    files = {
        "Option2 Value": f"{SHOPIFY}\na,A,V,Size,S,Colour,{text},1,9,,\na,,,,M,,{text},2,9,,\n",
        "color": f"{GOOGLE}\n{google('1', 'G', text, 'S')}\n",
        "Attribute 1 value(s)": f"{WOO}\n1,simple,S,Shirt,9,,,,Colour,{text}\n",
        "Colour": f"id,Colour\n1,{text}\n",
        "size": f'{{"id": "1", "size": "{text}"}}\n',
    }
    for column, content in files.items():
        for entry in entries_of(path, content):
            assert isinstance(entry, Item)
            assert not entry.fields.get(column)
            assert "Option2 Name" not in entry.fields
            assert "Attribute: Colour" not in entry.fields


@pytest.mark.parametrize("text", ["N/A", "-"])
def test_what_is_no_option_is_seen_as_it_is_written(path: Path, text: str) -> None:
    [entry] = entries_of(path, f"id,price,title\n1,{text},{text}\n")
    assert isinstance(entry, Item)
    assert entry.fields["price"] == entry.fields["title"] == text


def test_a_product_without_options_has_none(path: Path) -> None:
    [entry] = entries_of(path, f"{SHOPIFY}\nhat,Hat,V,Title,Default Title,,,H1,5,,\n")
    assert isinstance(entry, Item)
    assert not {"Option1 Name", "Option1 Value"} & entry.fields.keys()
    assert entry.fields["Variant SKU"] == "H1"


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("Images", "https://p/a.jpg, https://p/b.jpg", ["https://p/a.jpg", "https://p/b.jpg"]),
        (
            "Images",
            r"https://p/w_1\,h_2.jpg, https://p/b.jpg",
            ["https://p/w_1,h_2.jpg", "https://p/b.jpg"],
        ),
        ("Categories", "Women > Blouses", "Women > Blouses"),
        ("Categories", "Women, Women > Blouses", "Women, Women > Blouses"),
        ("Categories", r"Home\, Garden > Pots", "Home, Garden > Pots"),
        ("Categories", r"Home\, Garden, Sale", ["Home, Garden", "Sale"]),
        ("Attribute 1 value(s)", r"Red\, dark", "Red, dark"),
        ("Attribute 1 value(s)", r"Red\, dark, Blue", ["Red, dark", "Blue"]),
        ("Attribute 1 value(s)", "S, M", "S, M"),
        ("Name", r"Ends with \, a comma", r"Ends with \, a comma"),
        ("Name", "'-10 degrees", "-10 degrees"),
        ("Name", "'s Hertogenbosch", "'s Hertogenbosch"),
    ],
)
def test_woocommerce_lists_are_cut_where_a_comma_divides(
    path: Path, column: str, cell: str, value: object
) -> None:
    cells = dict.fromkeys(WOO.split(","), "") | {"ID": "1", "Type": "simple", column: cell}
    row = ",".join(f'"{text}"' for text in cells.values())
    [entry] = entries_of(path, f"{WOO}\n{row}\n")
    assert isinstance(entry, Item)
    assert entry.fields[column] == value


@pytest.mark.parametrize(
    ("dates", "start", "end"),
    [
        (
            "2026-01-01T00:00+0100/2026-01-31T23:59+0100",
            "2026-01-01T00:00+0100",
            "2026-01-31T23:59+0100",
        ),
        (" 2026-01-01 / 2026-01-31 ", "2026-01-01", "2026-01-31"),
        ("2026-01-01/", "2026-01-01", None),
        ("/2026-01-31", None, "2026-01-31"),
        ("2026-01-01", "2026-01-01", "2026-01-01"),
        ("soon", "soon", "soon"),
        ("a/b/c", "a", "b/c"),
        ("", None, None),
    ],
)
def test_google_sale_dates_are_passed_on_as_written(
    path: Path, dates: str, start: str | None, end: str | None
) -> None:
    content = f"{GOOGLE}\tsale price effective date\n{google('1')}\t{dates}\n"
    [entry] = entries_of(path, content)
    assert isinstance(entry, Item)
    assert (entry.fields.get("discount_from"), entry.fields.get("discount_until")) == (start, end)


@pytest.mark.parametrize(
    ("start", "end"),
    [("2026-01-01 00:00:00", "2026-01-31 23:59:59"), ("", "2026-01-31"), ("", ""), ("soon", "")],
)
def test_woocommerce_sale_dates_are_passed_on_as_written(path: Path, start: str, end: str) -> None:
    header = f"{WOO},Date sale price starts,Date sale price ends"
    [entry] = entries_of(path, f"{header}\n901,simple,S,Sale,9,,,,,,{start},{end}\n")
    assert isinstance(entry, Item)
    found = (entry.fields.get("discount_from", ""), entry.fields.get("discount_until", ""))
    assert found == (start, end)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "~"])
@pytest.mark.parametrize(
    "line", ["sep={}", "SEP={}", '"sep={}"', "\ufeffsep={}", "\nsep={}", "sep={0}{0}{0}"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_sep_line_names_the_delimiter(path: Path, delimiter: str, line: str, end: str) -> None:
    row = f'1{delimiter}"a,b;c{delimiter}d"'
    lines = [*line.format(delimiter).split("\n"), f"id{delimiter}title", row]
    [entry] = entries_of(path, end.join(lines) + end)
    assert isinstance(entry, Item)
    assert entry.fields == {"id": "1", "title": f"a,b;c{delimiter}d"}
    assert entry.line == len(lines)


def test_a_column_that_begins_like_a_sep_line_is_a_column(path: Path) -> None:
    [entry] = entries_of(path, "sep=x,id\n1,2\n")
    assert isinstance(entry, Item)
    assert entry.fields == {"sep=x": "1", "id": "2"}
