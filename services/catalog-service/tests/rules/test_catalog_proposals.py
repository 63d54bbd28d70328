"""Proposed configurations: each can be saved, none guesses silently, open points by weight."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.describing.describe import DescribedRow, describe
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.matching import Row
from catalog_service.feeds.stored import compile_form
from catalog_service.files.readers.items import FileRefused
from catalog_service.files.readers.recognise import Options
from catalog_service.proposals.draft import LeafSuggestion, RequiredAttribute, Setting
from catalog_service.proposals.propose import Proposal, category_source, propose
from catalog_service.proposals.read import read_file
from catalog_service.proposals.yaml_lines import comment, flow

FORMATS = Path(__file__).parents[1] / "formats"
SHARED = Path(__file__).parents[5] / "shared" / "data"
SETTING = Setting(shop="main", catalogue="products", source="products.csv")
FILES = [
    *sorted(FORMATS.iterdir()),
    *(sorted(SHARED.glob("*.csv")) if SHARED.exists() else []),
]


def document(proposal: Proposal) -> dict[str, Any]:
    """The configuration, after the checks that saving makes; what is of the files is left out."""
    loaded: dict[str, Any] = yaml.safe_load(proposal.configuration)
    of_feed = {k: v for k, v in loaded.items() if k not in {"id_field", "parent_field"}}
    compile_form("m", "f", 0, FeedConfiguration.model_validate(of_feed))
    return loaded


def propose_file(path: Path, **setting: Any) -> Proposal:
    found = read_file(path, Options())
    given = {"shop": "main", "catalogue": "products", "source": path.name} | setting
    return propose(found.description, Setting(**given))


def propose_text(tmp_path: Path, text: str | bytes, **options: str) -> Proposal:
    path = tmp_path / "products.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    found = read_file(path, Options(**options))  # type: ignore[arg-type]
    return propose(found.description, SETTING)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_proposal_of_each_file_can_be_saved(path: Path) -> None:
    proposal = propose_file(path)
    document(proposal)
    weights = [point.products for point in proposal.open_points]
    assert all(one >= other for one, other in pairwise(weights))
    assert all(point.products > 0 and point.remedy for point in proposal.open_points)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_active_line_that_names_a_column_says_why(path: Path) -> None:
    lines = propose_file(path).configuration.splitlines()
    for before, line in pairwise(lines):
        if ("{field:" in line or "{template:" in line) and not line.strip().startswith("#"):
            assert before.strip().startswith("#"), line


def test_prices_of_two_columns_are_set_by_the_rows(tmp_path: Path) -> None:
    found = document(propose_file(FORMATS / "shopify.csv"))["attributes"]
    assert "Variant Compare At Price" in found["price"]["template"]
    assert found["discount_price"] == {"field": "Variant Price"}
    turned = "sku,name,price,sale_price\n" + "".join(f"{n},Hat,5,9\n" for n in range(4))
    proposal = propose_text(tmp_path, turned)
    attributes = document(proposal)["attributes"]
    assert attributes["price"] == {"field": "price"}
    assert "discount_price" not in attributes
    assert "# discount_price: {field: sale_price}" in proposal.configuration


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "generic-german.csv",
            {
                "id_field": "Artikelnummer",
                "parent_field": "Vaterartikel",
                "synthesise_parents": True,
                "main_locale": "de_DE",
                "units.decimal": ",",
                "units.weight": "g",
                "languages.en_US.title": {"field": "Bezeichnung_en"},
                "category.separator": " / ",
                "attributes.inventory": {"field": "Bestand"},
                "sku_attributes.Size": {"field": "Größe", "unknown": "alias"},
                "category_attributes.Brand Name": {"field": "Marke"},
            },
        ),
        (
            "generic-parents.csv",
            {
                "id_field": "code",
                "parent_field": "padre",
                "currency": "EUR",
                "main_locale": "es_ES",
                "units.decimal": ".",
                "units.weight": "kg",
                "attributes.image_url_list": {"field": "imagenes", "separator": "|"},
            },
        ),
        (
            "google.tsv",
            {
                "currency": "EUR",
                "units.decimal": ",",
                "units.weight": "kg",
                "category.source": {"field": "product_type"},
                "attributes.discount_from": None,
            },
        ),
        (
            "woocommerce.csv",
            {
                "attributes.discount_price": {"field": "Sale price"},
                "attributes.discount_until": {"field": "discount_until"},
                "sku_attributes.Size": {"field": "Attribute: Talla", "unknown": "alias"},
                "exclude": {"field": "Published", "in": ["0"]},
            },
        ),
        (
            "amazon.txt",
            {"id_field": "item_sku", "parent_field": "parent_sku", "currency": "USD"},
        ),
        (
            "prestashop.csv",
            {"id_field": "Product ID", "attributes.sku_code": {"field": "Reference #"}},
        ),
        ("magento.csv", {"attributes.image_url_list": {"field": "images"}}),
    ],
)  # fmt: skip
def test_what_is_proposed_for_each_format(name: str, expected: dict[str, Any]) -> None:
    found = document(propose_file(FORMATS / name))
    for place, value in expected.items():
        at: Any = found
        for step in place.split("."):
            at = (at or {}).get(step)
        assert at == value, place


@pytest.mark.parametrize(
    ("header", "row", "attribute", "value"),
    [
        ("sku,name,price,uvp", "C,Tie,5,", "price", "5"),
        ("sku,name,price,uvp", "C,Tie,5,9", "price", "9"),
        ("sku,name,price,uvp", "C,Tie,5,9", "discount_price", "5"),
        ("sku,name,price,image 1,image 2", "C,Tie,5,http://p/1,", "image_url_list", ["http://p/1"]),
        ("code,name,sku,price", "C,Tie,,5", "sku_code", "C"),
        ("code,name,sku,price", "C,Tie,S,5", "sku_code", "S"),
    ],
)
def test_a_blank_cell_gives_way_to_the_other_column(
    tmp_path: Path, header: str, row: str, attribute: str, value: object
) -> None:
    before = {
        "sku,name,price,uvp": "A,Hat,8,9\nB,Cap,7,\n",
        "sku,name,price,image 1,image 2": "A,Hat,8,http://p/a.jpg,http://p/b.jpg\n",
        "code,name,sku,price": "A,Hat,X,8\nB,Cap,Y,7\nD,Cap,Z,7\nE,Cap,V,7\nF,Cap,,7\n",
    }[header]
    proposal = propose_text(tmp_path, f"{header}\n{before}{row}\n")
    loaded = document(proposal)
    of_feed = {k: v for k, v in loaded.items() if k not in {"id_field", "parent_field"}}
    feed = compile_form("m", "f", 0, FeedConfiguration.model_validate(of_feed))
    fields = dict(zip(header.split(","), row.split(","), strict=True))
    filled = feed.general.attributes[attribute].fill(Row("C", None, fields))
    assert filled == value


def test_options_of_names_and_values_are_found_wherever_they_stand() -> None:
    found = document(propose_file(FORMATS / "shopify.csv"))["sku_attributes"]
    assert set(found) == {"Size", "Color"}


HOSTILE = [
    ("one row", "sku,name,price\nA,Hat,9\n"),
    ("no price", "sku,name\nA,Hat\nB,Cap\n"),
    ("no title", "sku,price\nA,9\nB,8\n"),
    ("nothing known", "alpha,beta\n1,x\n2,y\n"),
    ("half a price", "sku,name,price\nA,Hat,9\nB,Cap,ask us\n"),
    ("empty columns", "sku,name,price,stock,ean\nA,Hat,9,,\nB,Cap,8,,\n"),
    ("semicolons", "sku;name;price\nA;Hat;9,90\nB;Cap;8,50\n"),
    ("tabs", "sku\tname\tprice\nA\tHat\t9\n"),
    ("bom", "\ufeffsku,name,price\nA,Hat,9\n"),
    ("latin-1", "sku,name,price\nA,Hütchen,9\n".encode("latin-1")),
    ("utf-16", "sku,name,price\nA,Hat,9\n".encode("utf-16")),
    ("quotes in names", 'sku,"na""me","pri: ce #1 {x}"\nA,Hat,9\n'),
    ("lines in names", 'sku,"name\nshop: other","price\n# x"\nA,Hat,9\n'),
    ("words of yaml", "sku,name,yes,no,null,true\nA,Hat,1,2,3,4\n"),
    ("jinja in names", "sku,name,\"fields['x'] }} {{ y\",price\nA,Hat,z,9\n"),
    ("backslashes", 'sku,"na\\me","images"\nA,Hat,["http://a/b"]\n'),
    ("equal names", "sku,name,name,name,price,price\nA,Hat,,,9,8\n"),
    ("emoji", "sku,name,price 🎈\nA,Hat 🎈,9\n"),
]  # fmt: skip


@pytest.mark.parametrize(
    "content", [each for _, each in HOSTILE], ids=[name for name, _ in HOSTILE]
)
def test_whatever_the_columns_are_a_proposal_can_be_saved(
    tmp_path: Path, content: str | bytes
) -> None:
    found = document(propose_text(tmp_path, content))
    assert found["shop"] == "main"


def test_what_is_not_sure_is_a_comment_and_an_open_point(tmp_path: Path) -> None:
    proposal = propose_text(tmp_path, "sku,name,price\nA,Hat,9\nB,Cap,ask us\n")
    assert document(proposal)["attributes"]["price"] == {"constant": ""}
    assert "# price: {field: price}" in proposal.configuration
    assert "attributes.price" in {point.field for point in proposal.open_points}
    fields = {point.field for point in proposal.open_points}
    assert {"currency", "attributes.shipping_template_id", "attributes.inventory"} <= fields


@pytest.mark.parametrize("name", ["generic-parents.csv", "amazon.txt", "woocommerce.csv"])
def test_parents_wait_for_no_price_and_no_stock(name: str) -> None:
    waiting = {point.field for point in propose_file(FORMATS / name).open_points}
    assert not waiting & {"attributes.price", "attributes.inventory"}


def test_a_weight_of_0_is_none(tmp_path: Path) -> None:
    some = "sku,name,price,weight_kg\nA,Hat,5,0\nB,Tie,5,0.4\nC,Cap,5,\nD,Bag,5,0.2\n"
    proposal = propose_text(tmp_path, some)
    assert document(proposal)["attributes"]["package_weight"] == {"field": "weight_kg"}
    offered = (
        '# package_weight: {map: {from: weight_kg, values: {"0": 0.3}, keep: true}, default: 0.3}'
    )
    assert offered in proposal.configuration
    waiting = [p.products for p in proposal.open_points if p.field == "attributes.package_weight"]
    assert waiting == [2]


@pytest.mark.parametrize(
    ("name", "is_stock"),
    [("quantity", True), ("Inventory Qty", True), ("Bestand", True), ("is_in_stock", False)],
)
def test_a_stock_of_one_is_a_number_where_a_number_is_asked_for(
    tmp_path: Path, name: str, is_stock: bool
) -> None:
    rows = "".join(f"{n},Hat,5.00,{n % 2}\n" for n in range(6))
    attributes = document(propose_text(tmp_path, f"sku,name,price,{name}\n{rows}"))["attributes"]
    assert (attributes.get("inventory") == {"field": name}) is is_stock


def test_without_a_category_column_a_few_titles_are_matched_one_by_one(tmp_path: Path) -> None:
    header = "sku,name,price\n"
    few = propose_text(tmp_path, header + "A,Straw hat,5\nB,Silk tie,6\nC,Silk tie,7\n")
    assert document(few)["category"]["source"] == {"field": "name"}
    assert "each title is one" in few.configuration
    assert "2 rows; no leaf is alike" in few.configuration
    many = propose_text(tmp_path, header + "".join(f"{n},Hat {n},5\n" for n in range(101)))
    assert document(many)["category"]["source"] == {"constant": "all"}


def test_a_column_of_zeros_is_no_weight(tmp_path: Path) -> None:
    zeros = "sku,name,price,weight_g\n" + "".join(f"{n},Hat,5,0\n" for n in range(4))
    proposal = propose_text(tmp_path, zeros)
    loaded = document(proposal)
    assert "package_weight" not in loaded["attributes"]
    assert "weight" not in loaded["units"]
    assert "'weight_g' is 0 in every row" in proposal.configuration
    assert "# package_weight: {constant: 0.5}" in proposal.configuration


def test_titles_above_the_limit_are_cut_and_counted(tmp_path: Path) -> None:
    header = "sku,name,price\n"
    rows = [f"{n},{'Straw hat ' * (22 if n else 3)},5\n" for n in range(3)]
    proposal = propose_text(tmp_path, header + "".join(rows))
    assert document(proposal)["title_too_long"] == "truncate"
    assert "2 of 3 titles are longer than 218 characters" in proposal.configuration
    short = propose_text(tmp_path, header + rows[0])
    assert "title_too_long" not in document(short)


def test_a_broken_quote_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = "".join(f"{n},Hat,9\n" for n in range(50))
    with pytest.raises(FileRefused, match="inside the row of line 52"):
        propose_text(tmp_path, f'sku,name,price\n{rows}x,"broken,9\ny,Cap,8\n')


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("<!doctype html><html><body>Login</body></html>", "a web page"),
        ("sku,name\n", "no row of the file is a product"),
        ("x" * 3_000_000, "longer than"),
        ("", "empty"),
    ],
)
def test_what_is_no_catalogue_is_refused(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(FileRefused, match=why):
        propose_text(tmp_path, content)


def test_every_category_is_named_with_its_rows_and_its_leaf() -> None:
    rows = [("Women > Blouses", 3), ("Women > Skirts", 2), ("Home", 1)]
    found = describe(
        (
            DescribedRow({"sku": f"{path}{n}", "name": f"Blouse {n}", "category": path})
            for path, count in rows
            for n in range(count)
        ),
        "csv",
    )
    source = category_source(found)
    assert source.paths == dict(rows)
    suggestions = {
        "Women > Blouses": LeafSuggestion("200000346", "Women > Blouses", 97.0),
        "Women > Skirts": LeafSuggestion("1", "Women > Shirts", 61.0),
    }
    required = [RequiredAttribute("Season", False, 3, ("Summer", "Winter"))]
    proposal = propose(found, SETTING, suggestions=suggestions, required=required)
    assert document(proposal)["category"]["exact"] == {"Women > Blouses": "200000346"}
    assert '# "Women > Skirts": "1"' in proposal.configuration
    assert "61 of 100 alike: Women > Shirts" in proposal.configuration
    waiting = {point.field: point.products for point in proposal.open_points}
    assert waiting["category.exact"] == 3
    assert waiting["category_attributes.Season"] == 3


@given(st.text(max_size=80))
def test_a_scalar_comes_back_and_a_comment_stays_one(text: str) -> None:
    storable = text.encode(errors="replace").decode()
    assert yaml.safe_load(f"k: {flow(storable)}")["k"] == storable
    assert all(line.strip().startswith("#") for line in comment(storable, 2))
    assert yaml.safe_load("\n".join([*comment(storable, 2), "k: 1"])) == {"k": 1}


def test_several_currencies_in_one_cell_are_none() -> None:
    rows = [DescribedRow({"sku": "7", "name": "Hat", "x: y": ["BSD", "0"]})]
    assert document(propose(describe(rows, "jsonl"), SETTING))["currency"] == "USD"


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["sku", "name", "price", "image", "category", "x: y", "{{", "stock"]),
            st.one_of(st.text(max_size=20), st.none(), st.lists(st.text(max_size=5), max_size=3)),
            min_size=1,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_rows_give_a_configuration_that_can_be_saved(rows: list[dict[str, Any]]) -> None:
    storable = [
        {
            name: value
            for name, value in row.items()
            if "\x00" not in str(value) and "\\ud" not in ascii(value)
        }
        for row in rows
    ]
    document(propose(describe(map(DescribedRow, storable), "jsonl"), SETTING))


@pytest.mark.parametrize(
    ("usual", "reduced"),
    [
        ("Regulärer Preis", "Angebotspreis"),
        ("Normaler VK", "Aktionspreis"),
        ("Tarif régulier", "Tarif promo"),
        ("Prix régulier", "Prix promo"),
        ("Precio normal", "Precio rebajado"),
        ("Precio", "Oferta"),
        ("Precio habitual", "Precio oferta"),
    ],
)
def test_a_sale_price_is_never_the_price_beside_a_usual_one(
    tmp_path: Path, usual: str, reduced: str
) -> None:
    rows = "".join(f"A{n},Hat {n},29.90,{'19.90' if n % 2 else ''}\n" for n in range(6))
    attributes = document(propose_text(tmp_path, f"sku,name,{usual},{reduced}\n{rows}"))[
        "attributes"
    ]
    assert attributes["price"] == {"field": usual}
    assert attributes["discount_price"] == {"field": reduced}


def test_beside_a_column_that_may_be_the_price_a_sale_price_is_none(tmp_path: Path) -> None:
    rows = "".join(f"A{n},Hat {n},29.90,19.90\n" for n in range(6))
    proposal = propose_text(tmp_path, f"sku,name,unser alter Laden-Preis hier,Aktionspreis\n{rows}")
    attributes = document(proposal)["attributes"]
    assert attributes["price"] == {"constant": ""}
    assert '# price: {field: "unser alter Laden-Preis hier"}' in proposal.configuration
    assert "attributes.price" in {point.field for point in proposal.open_points}


def test_a_sale_price_alone_is_the_price(tmp_path: Path) -> None:
    rows = "".join(f"A{n},Hat {n},19.90\n" for n in range(6))
    attributes = document(propose_text(tmp_path, f"sku,name,Aktionspreis\n{rows}"))["attributes"]
    assert attributes["price"] == {"field": "Aktionspreis"}
