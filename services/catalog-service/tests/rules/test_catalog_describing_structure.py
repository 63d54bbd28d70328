"""Columns that only build a format, and how far rows that can have a value fill it."""

import pytest

from catalog_service.describing.describe import DescribedRow, Description, describe
from common.contracts.catalog import FieldValue


def of(**columns: list[FieldValue]) -> Description:
    """A generic catalogue of these columns."""
    rows = zip(*columns.values(), strict=True)
    return describe((DescribedRow(dict(zip(columns, row, strict=True))) for row in rows), "csv")


def test_what_builds_a_format_is_no_content() -> None:
    variations = [("variation", "", "SHIRT", n) for n in range(8)]
    kinds = [("variable", "Clothing > Shirts", "", 8), ("simple", "Hats", "", 9), *variations]
    rows = [
        DescribedRow(
            {"ID": str(n), "Type": kind, "SKU": f"S{n}", "Categories": path, "Name": f"Shirt {n}"},
            "10" if kind == "variation" else None,
        )
        for kind, path, _, n in kinds
    ]
    found = describe(rows, "woocommerce")
    assert found.guesses["Type"] == []
    best = found.best("category")
    assert best is not None
    assert best[0] == "Categories"


@pytest.mark.parametrize(
    ("read_as", "name"),
    [
        ("woocommerce", "Type"),
        ("woocommerce", "Attribute 2 global"),
        ("magento", "product_type"),
        ("magento", "attribute_set_code"),
        ("shopify", "Variant Inventory Policy"),
    ],
)
def test_a_column_that_builds_its_format_has_no_role(read_as: str, name: str) -> None:
    rows = [DescribedRow({name: "simple", "other": str(n)}) for n in range(4)]
    assert describe(rows, read_as).guesses[name] == []
    assert describe(rows, "csv").columns[name].filled == 4


def test_a_column_is_filled_where_the_rows_can_have_it() -> None:
    rows = [DescribedRow({"ID": "1", "Categories": "Shirts", "Regular price": ""})]
    rows += [DescribedRow({"ID": str(n), "Regular price": "9.90"}, "1") for n in range(2, 6)]
    found = describe(rows, "woocommerce")
    assert found.fill_rate("Categories") == 0.2
    assert found.usual_fill("Categories") == 1.0
    assert found.usual_fill("Regular price") == 1.0
    assert found.lacking_of_families("Categories") == 0


def test_families_of_a_generic_file_count_as_a_formats_do() -> None:
    found = of(
        code=["P", "P-1", "P-2", "P-3", "Q"],
        padre=["", "P", "P", "P", ""],
        familia=["Shirts", "", "", "", "Hats"],
        precio=["", "9.90", "9.90", "9.90", "7.00"],
    )
    assert found.families.kind == "parents"
    assert found.usual_fill("familia") == 1.0
    assert found.lacking_of_families("familia") == 0
    assert found.lacking_of_families("precio") == 1
