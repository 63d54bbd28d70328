"""What columns seem to be: by names in many languages, by values, and never by a name alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.describing.describe import DescribedRow, Description, describe
from catalog_service.describing.names import meanings_of
from catalog_service.describing.shapes import decimal_sign, number_of, path_sign
from catalog_service.files.readers.recognise import Options
from catalog_service.proposals.read import read_file
from common.contracts.catalog import FieldValue

FORMATS = Path(__file__).parents[1] / "formats"
SHARED = Path(__file__).parents[5] / "shared" / "data"


def of(**columns: list[FieldValue]) -> Description:
    """A generic catalogue of these columns."""
    rows = zip(*columns.values(), strict=True)
    return describe((DescribedRow(dict(zip(columns, row, strict=True))) for row in rows), "csv")


def role_of(found: Description, name: str, least: float = 0.6) -> str | None:
    guesses = found.guesses[name]
    return guesses[0].role if guesses and guesses[0].sure >= least else None


@pytest.mark.parametrize(
    ("name", "role", "locale", "unit"),
    [
        ("Title", "title", None, None),
        ("product_name", "title", None, None),
        ("productName", "title", None, None),
        ("Bezeichnung", "title", None, None),
        ("título", "title", None, None),
        ("Nom du produit", "title", None, None),
        ("Название", "title", None, None),
        ("商品名称", "title", None, None),
        ("title_es", "title", "es_ES", None),
        ("name-de", "title", "de_DE", None),
        ("title[fr]", "title", "fr_FR", None),
        ("title (it)", "title", "it_IT", None),
        ("title_pt_BR", "title", "pt_BR", None),
        ("es_title", "title", "es_ES", None),
        ("Descripción larga", "description", None, None),
        ("description-english", "description", "en_US", None),
        ("Preis", "price", None, None),
        ("PVP", "price", None, None),
        ("Prix TTC", "price", None, None),
        ("цена", "price", None, None),
        ("Price (EUR)", "price", None, None),
        ("UVP", "compare_price", None, None),
        ("compare_at_price", "compare_price", None, None),
        ("Angebotspreis", "sale_price", None, None),
        ("precio_oferta", "sale_price", None, None),
        ("Lagerbestand", "stock", None, None),
        ("existencias", "stock", None, None),
        ("Quantité", "stock", None, None),
        ("EAN-13", "ean", None, None),
        ("Código de barras", "ean", None, None),
        ("Artikelnummer", "sku", None, None),
        ("артикул", "sku", None, None),
        ("product_id", "product_id", None, None),
        ("Vaterartikel", "parent_id", None, None),
        ("parent_sku", "parent_id", None, None),
        ("item_group_id", "parent_id", None, None),
        ("Farbe", "color", None, None),
        ("talla", "size", None, None),
        ("Größe", "size", None, None),
        ("marca", "brand", None, None),
        ("weight_kg", "weight", None, "kg"),
        ("Gewicht (g)", "weight", None, "g"),
        ("peso", "weight", None, None),
        ("Breite in mm", "width", None, "mm"),
        ("Warengruppe", "category", None, None),
        ("Image 2", "pictures", None, None),
        ("image_url_1", "pictures", None, None),
        ("Einkaufspreis", "cost", None, None),
        ("item_name[marketplace_id=A1][language_tag=it_IT]#1.value", "title", "it_IT", None),
    ],
)
def test_names_of_many_languages_and_spellings(
    name: str, role: str, locale: str | None, unit: str | None
) -> None:
    best = meanings_of(name)[0]
    assert (best.role, best.locale, best.unit) == (role, locale, unit)


@pytest.mark.parametrize("name", ["xyz", "", "   ", "9", "customs tariff", "🎈"])
def test_a_name_that_says_nothing(name: str) -> None:
    assert [meaning for meaning in meanings_of(name) if meaning.score > 0.6] == []


@given(st.text(max_size=60))
def test_any_name_is_read(name: str) -> None:
    assert all(0 < meaning.score <= 1 for meaning in meanings_of(name))


def test_a_column_named_price_of_which_half_is_text_is_no_price() -> None:
    found = of(id=["1", "2", "3", "4"], price=["9.90", "on request", "12.00", "call us"])
    [guess] = [each for each in found.guesses["price"] if each.role == "price"]
    assert guess.sure < 0.3
    assert "50% of 4 values are amounts" in guess.why


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("image", ["a.jpg", "b.jpg", "c.jpg"], None),
        ("ean", ["5901234123450", "4006381333930", "123"], None),
        ("stock", ["many", "few", "none"], None),
        ("title", ["1", "2", "3"], None),
        ("price", ["https://a.example/1", "https://a.example/2", "https://a.example/3"], None),
        ("x1", ["5901234123457", "4006381333931", "9780306406157"], "ean"),
        ("x2", [f"https://p.example/{n}.jpg" for n in range(3)], "pictures"),
        ("x3", ["USD", "USD", "USD"], "currency"),
        ("title", [f"https://p.example/{n}.png" for n in range(3)], "pictures"),
        ("in_stock", ["true", "false", "true"], "availability"),
    ],
)
def test_values_decide_where_names_mislead(
    name: str, values: list[FieldValue], role: str | None
) -> None:
    assert role_of(of(**{name: values}), name) == role


def test_an_empty_column_is_named_and_used_for_nothing() -> None:
    found = of(id=["1", "2"], price=["", ""], title=["Hat", "Cap"])
    assert found.fill_rate("price") == 0.0
    assert found.best("price") is None


def test_one_row_is_enough_to_describe() -> None:
    found = of(sku=["A"], name=["Hat"], price=["9.90"])
    assert [role_of(found, name) for name in found.columns] == ["sku", "title", "price"]


@pytest.mark.parametrize(
    ("prices", "sign"),
    [
        (["12,90", "8,5", "100"], ","),
        (["1.299,00 €", "12,90 €"], ","),
        (["12.90", "1,299.00"], "."),
        (["1 299,00", "5,00"], ","),
        (["1'299.00", "5.00"], "."),
        (["12", "13"], "."),
        (["1.299", "2.499"], ","),
    ],
)
def test_the_decimal_sign_is_found_in_the_data(prices: list[FieldValue], sign: str) -> None:
    assert of(price=prices).decimal.sign == sign


def test_an_ambiguous_decimal_sign_is_not_sure_and_a_mixed_one_is_counted() -> None:
    assert of(price=["1.299", "2.499"]).decimal.sure < 0.6
    mixed = of(price=["12,90", "8,50", "9.90"]).decimal
    assert (mixed.sign, mixed.against) == (",", 1)
    assert mixed.sure < 0.7


@pytest.mark.parametrize(
    ("digits", "sign"),
    [
        ("12,90", ","),
        ("12.9", "."),
        ("1.299", None),
        ("0.299", "."),
        ("1.299,00", ","),
        ("1,299,000", "."),
        ("1299", None),
        (",5", ","),
    ],
)
def test_what_one_number_says_of_the_sign(digits: str, sign: str | None) -> None:
    assert decimal_sign(digits) == sign


@pytest.mark.parametrize(
    ("text", "sign", "number"),
    [("1.299,00 €", ",", 1299.0), ("$ 12.90", ".", 12.9), ("0,2 kg", ",", 0.2), ("x", ".", None)],
)
def test_a_number_beside_its_mark(text: str, sign: str, number: float | None) -> None:
    assert number_of(text, sign) == number


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("Women > Dresses", " > "),
        ("Women>Dresses", ">"),
        ("Damen / Hosen", " / "),
        ("A|B|C", "|"),
        ("Dresses", None),
        ("https://a.example/b", None),
    ],
)
def test_the_sign_of_a_path(text: str, sign: str | None) -> None:
    assert path_sign(text) == sign


@pytest.mark.parametrize(
    ("prices", "code", "least"),
    [
        (["12,90 EUR", "8 EUR"], "EUR", 0.9),
        (["£5", "£6"], "GBP", 0.3),
        (["$5", "$6"], "USD", 0.3),
        (["5 zł", "6 zł"], "PLN", 0.9),
    ],
)
def test_the_currency_is_found_beside_the_amounts(
    prices: list[FieldValue], code: str, least: float
) -> None:
    found = of(price=prices).currency
    assert found is not None
    assert (found.code, found.sure >= least) == (code, True)


def test_a_shared_sign_of_a_currency_is_not_sure_and_a_column_is() -> None:
    shared = of(price=["$5", "$6"]).currency
    assert shared is not None
    assert shared.sure <= 0.6
    named = of(price=["5", "6"], currency=["CAD", "CAD"]).currency
    assert named is not None
    assert (named.code, named.sure) == ("CAD", 0.95)
    assert of(price=["5", "6"]).currency is None


def test_parents_name_rows_by_their_ids() -> None:
    found = of(
        nr=["1", "2", "3", "4"],
        sku=["P", "P-S", "P-M", "Q"],
        name=["Hat", "Hat", "Hat", "Cap"],
        parent=["", "P", "P", ""],
    ).families
    assert (found.kind, found.id_field, found.parent_field) == ("parents", "sku", "parent")
    assert found.children == 2


def test_groups_are_shared_and_no_rows_id() -> None:
    found = of(sku=["A1", "A2", "B1"], name=["a", "b", "c"], model=["A", "A", "B"]).families
    ids = of(
        product_id=["7", "7", "8"], sku=["A1", "A2", "B1"], name=["Hat", "Hat", "Cap"]
    ).families
    assert (ids.kind, ids.id_field, ids.parent_field) == ("groups", "sku", "product_id")
    assert found.kind in {"none", "groups"}


def test_equal_titles_beside_options_may_be_families() -> None:
    found = of(
        sku=["1", "2", "3", "4"], name=["Hat", "Hat", "Cap", "Tie"], size=["S", "M", "S", "M"]
    ).families
    assert (found.kind, found.parent_field, found.sure < 0.6) == ("titles", "name", True)


EXPECTED = {
    "shopify.csv": (
        "shopify",
        {
            "Title": "title",
            "Body (HTML)": "description",
            "Variant Price": "price",
            "Variant Compare At Price": "compare_price",
            "Variant Inventory Qty": "stock",
            "Variant Barcode": "ean",
            "Variant SKU": "sku",
            "Variant Grams": "weight",
            "Images": "pictures",
            "Status": "status",
            "Type": "category",
            "Vendor": "brand",
            "Option1 Value": "option_value",
        },
    ),
    "woocommerce.csv": (
        "woocommerce",
        {
            "Name": "title",
            "Description": "description",
            "Regular price": "price",
            "Sale price": "sale_price",
            "discount_from": "sale_begins",
            "Stock": "stock",
            "SKU": "sku",
            "Images": "pictures",
            "Categories": "category",
            "Weight (kg)": "weight",
            "Length (cm)": "length",
        },
    ),
    "google.tsv": (
        "google",
        {
            "title": "title",
            "description": "description",
            "price": "price",
            "sale_price": "sale_price",
            "image_link": "pictures",
            "gtin": "ean",
            "product_type": "category",
            "availability": "availability",
            "color": "color",
            "shipping_weight": "weight",
        },
    ),
    "magento.csv": (
        "magento",
        {
            "name": "title",
            "description": "description",
            "price": "price",
            "special_price": "sale_price",
            "qty": "stock",
            "sku": "sku",
            "images": "pictures",
            "categories": "category",
            "size": "size",
            "color": "color",
        },
    ),
    "prestashop.csv": (
        "prestashop",
        {
            "Name *": "title",
            "Description": "description",
            "Price tax excluded": "price",
            "Quantity": "stock",
            "Reference #": "sku",
            "Image URLs (x,y,z...)": "pictures",
            "EAN13": "ean",
            "Manufacturer": "brand",
            "Weight": "weight",
            "Active (0/1)": "status",
        },
    ),
    "amazon.txt": (
        "amazon",
        {
            "item_name": "title",
            "product_description": "description",
            "standard_price": "price",
            "quantity": "stock",
            "item_sku": "sku",
            "external_product_id": "ean",
            "main_image_url": "pictures",
            "parent_sku": "parent_id",
            "color_name": "color",
            "package_weight": "weight",
            "currency": "currency",
        },
    ),
    "aliexpress.csv": (
        "aliexpress",
        {
            "title": "title",
            "price": "price",
            "discount_price": "sale_price",
            "inventory": "stock",
            "sku_code": "sku",
            "image_url_list": "pictures",
            "package_weight": "weight",
        },
    ),
    "generic-german.csv": (
        "generic",
        {
            "Artikelnummer": "sku",
            "Bezeichnung": "title",
            "Bezeichnung_en": "title",
            "Beschreibung": "description",
            "Preis": "price",
            "UVP": "compare_price",
            "Bestand": "stock",
            "Bild 1": "pictures",
            "Vaterartikel": "parent_id",
            "Farbe": "color",
            "Größe": "size",
            "Marke": "brand",
            "Gewicht (g)": "weight",
            "Warengruppe": "category",
            "EAN": "ean",
        },
    ),
    "generic-parents.csv": (
        "generic",
        {
            "nombre": "title",
            "precio": "price",
            "padre": "parent_id",
            "talla": "size",
            "familia": "category",
            "imagenes": "pictures",
            "peso_kg": "weight",
        },
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_format_is_known_and_its_columns(name: str) -> None:
    wanted, roles = EXPECTED[name]
    found = read_file(FORMATS / name, Options()).description
    assert found.format == wanted
    assert {column: role_of(found, column, 0.55) for column in roles} == roles


@pytest.mark.parametrize(
    ("name", "kind", "id_field", "parent_field"),
    [
        ("shopify.csv", "read", None, None),
        ("woocommerce.csv", "read", None, None),
        ("google.xml", "read", None, None),
        ("magento.csv", "read", None, None),
        ("amazon.txt", "parents", "item_sku", "parent_sku"),
        ("generic-parents.csv", "parents", "code", "padre"),
        ("generic-german.csv", "groups", "Artikelnummer", "Vaterartikel"),
        ("prestashop.csv", "none", "Product ID", None),
        ("aliexpress.csv", "none", "sku_code", None),
    ],
)
def test_each_formats_families(
    name: str, kind: str, id_field: str | None, parent_field: str | None
) -> None:
    found = read_file(FORMATS / name, Options()).description.families
    assert (found.kind, found.id_field, found.parent_field) == (kind, id_field, parent_field)


@pytest.mark.parametrize(
    ("name", "locale"),
    [
        ("shopify.csv", "en_US"),
        ("woocommerce.csv", "es_ES"),
        ("google.tsv", "de_DE"),
        ("prestashop.csv", "fr_FR"),
        ("generic-german.csv", "de_DE"),
    ],
)
def test_the_language_of_the_texts_is_found(name: str, locale: str) -> None:
    found = read_file(FORMATS / name, Options()).description.locale
    assert found is not None
    assert found[0] == locale


@pytest.mark.skipif(not SHARED.exists(), reason="the shared files are not here")
@pytest.mark.parametrize(
    ("name", "roles"),
    [
        (
            "shein-products.csv",
            {
                "product_name": "title",
                "description": "description",
                "initial_price": "compare_price",
                "final_price": "sale_price",
                "currency": "currency",
                "in_stock": "availability",
                "category_tree": "category",
                "image_urls": "pictures",
                "product_id": "product_id",
                "brand": "brand",
            },
        ),
        ("shopify-apparel.csv", {"Title": "title", "Variant Price": "price", "Images": "pictures"}),
    ],
)
def test_the_shared_files(name: str, roles: dict[str, str]) -> None:
    found = read_file(SHARED / name, Options()).description
    assert {column: role_of(found, column, 0.5) for column in roles} == roles
