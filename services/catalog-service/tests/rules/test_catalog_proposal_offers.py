"""Proposed prices and sale dates: what a draft would sell for, and what it leaves open."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog_service.feeds.matching import Row

from ..drafting import draft, draft_rows, offered, sold_for, with_offered

# -- when a sale price holds ------------------------------------------------------------------

LONG_AGO, LATER = "2025-01-31", "2026-12-31"


MAGENTO = (
    "sku,product_type,name,attribute_set_code,product_websites,price,special_price,"
    "special_price_from_date,special_price_to_date"
)


def test_a_date_of_a_year_of_two_digits_holds_a_sale_price_back(tmp_path: Path) -> None:
    rows = [f"A{n},simple,Hat,Top,base,49,29,1/1/25,1/31/25" for n in range(4)]
    found = draft(tmp_path, MAGENTO, *rows)
    assert sold_for(found) == ["49"] * 4
    assert found.loaded["attributes"]["discount_until"] == {"field": "special_price_to_date"}
    [point] = found.open("discount_until")
    assert point.products == 4
    assert "1/31/25" in point.message


def test_a_few_such_dates_leave_the_others_in_force(tmp_path: Path) -> None:
    old = f"O,simple,Hat,Top,base,49,29,2025-01-01,{LONG_AGO}"
    new = f"N,simple,Hat,Top,base,49,29,2026-01-01,{LATER}"
    odd = [f"A{n},simple,Hat,Top,base,49,29,1/1/25,31/31/31" for n in range(6)]
    none = "S,simple,Hat,Top,base,49,29,,"
    found = draft(tmp_path, MAGENTO, old, new, *odd, none)
    assert sold_for(found) == ["49", "29", *["49"] * 6, "29"]
    assert [point.products for point in found.open("discount_until")] == [6]


@pytest.mark.parametrize("never", ["0000-00-00", "0000-00-00 00:00:00", "N/A", "-", "0", "NULL"])
def test_what_exports_write_for_no_date_is_none(tmp_path: Path, never: str) -> None:
    rows = (f"A,simple,Hat,Top,base,49,29,{never},{never}",
            f"B,simple,Hat,Top,base,49,29,2025-01-01,{LONG_AGO}")  # fmt: skip
    found = draft(tmp_path, MAGENTO, *rows)
    assert sold_for(found) == ["29", "49"]
    assert not found.open("discount_from") + found.open("discount_until")


@pytest.mark.parametrize(
    "until",
    ["31 January 2025", "Jan 31, 2025", "31.01.2025", "1738281600", "20250131", "2025/01/31",
     "31.01.25", "31-Jan-25", "bis Ende Januar", "KW 5", "45688"],
)  # fmt: skip
def test_no_form_of_an_end_long_ago_is_passed_over(tmp_path: Path, until: str) -> None:
    rows = [f'A{n},Hut,49,29,"{until}"' for n in range(3)]
    assert sold_for(draft(tmp_path, "sku,name,price,sale price,sale end date", *rows)) == ["49"] * 3


@pytest.mark.parametrize(
    ("period", "is_read"),
    [
        ("2025-01-01T00:00+0100/2025-01-31T23:59+0100", True),
        ("2025-01-01/2025-01-31", True),
        ("01.01.2025 - 31.01.2025", True),
        ("2025-01-01 to 2025-01-31", True),
        ("Januar 2025", False),
        ("1/1/25 - 1/31/25", False),
    ],
)
def test_a_period_in_one_column_ends_a_sale_too(
    tmp_path: Path, period: str, *, is_read: bool
) -> None:
    rows = (f"A,Hat,49,29,{period}", f"B,Hat,49,29,{period}", "C,Hat,49,29,")
    found = draft(tmp_path, "sku,name,price,sale_price,sale_price_effective_date", *rows)
    assert sold_for(found) == ["49", "49", "29"]
    in_january = datetime(2025, 1, 15, tzinfo=UTC)
    assert sold_for(found, at=in_january) == (["29"] * 3 if is_read else ["49", "49", "29"])
    assert [p.products for p in found.open("discount_from")] == ([] if is_read else [2])


@pytest.mark.parametrize("name", ["Promo bis", "fin promotion", "price valid until", "AngebotEnde"])
def test_other_dates_beside_a_sale_price_are_asked_for(tmp_path: Path, name: str) -> None:
    rows = [f"A{n},Hat,49,29,{LONG_AGO}" for n in range(3)]
    found = draft(tmp_path, f"sku,name,price,sale price,{name}", *rows)
    assert sold_for(found) == ["49"] * 3
    points = found.open("discount_until") + found.open("discount_price")
    assert found.loaded["attributes"].get("discount_until") or any(
        name in point.message and point.products == 3 for point in points
    )


@pytest.mark.parametrize(
    ("header", "row", "fields"),
    [
        (
            "sku,name,price,sale price,sale end date",
            "A,Hat,49,29,",
            {"price": "49", "sale price": "29", "sale end date": LONG_AGO},
        ),
        (
            MAGENTO,
            "A,simple,Hat,Top,base,49,29,,",
            {"price": "49", "special_price": "29", "special_price_to_date": LONG_AGO},
        ),
    ],
    ids=["generic", "magento"],
)
def test_dates_that_no_sale_has_yet_hold_when_one_gets_them(
    tmp_path: Path, header: str, row: str, fields: dict[str, str]
) -> None:
    found = draft(tmp_path, header, row)
    assert sold_for(found) == ["29"]
    assert sold_for(replace(found, rows=[Row("A", None, fields)])) == ["49"]


# -- a price before a reduction ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "compare", "expected"),
    [
        ("39.90", "0.00", ("39.90", None)),
        ("39.90", "0", ("39.90", None)),
        ("39.90", "", ("39.90", None)),
        ("39.90", "30.00", ("39.90", None)),
        ("39.90", "39.90", ("39.90", None)),
        ("39.90", "49.90", ("49.90", "39.90")),
        ("9.90", "10", ("10.00", "9.90")),
        ("1199.00", "1,299.00", ("1299.00", "1199.00")),
        ("39.90", "N/A", ("39.90", None)),
        ("39.90", "-49.90", ("39.90", None)),
    ],
)
def test_only_a_compared_price_above_the_price_is_a_reduction(
    tmp_path: Path, price: str, compare: str, expected: tuple[str, str | None]
) -> None:
    others = [f"h{n},Hat,S{n},20.00,25.00" for n in range(12)]
    header = "Handle,Title,Variant SKU,Variant Price,Variant Compare At Price"
    found = draft(tmp_path, header, *others, f'k,Cap,K,{price},"{compare}"')
    assert offered(found) == [*[("25.00", "20.00")] * 12, expected]


@pytest.mark.parametrize("price", ["", "0.00", "ask us"])
def test_a_compared_price_alone_sells_nothing(tmp_path: Path, price: str) -> None:
    others = [f"h{n},Hat,S{n},20.00,25.00" for n in range(40)]
    header = "Handle,Title,Variant SKU,Variant Price,Variant Compare At Price"
    found = draft(tmp_path, header, *others, f"k,Cap,K,{price},30.00")
    assert offered(found) == [("25.00", "20.00")] * 40


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (
            "sku;name;Preis;UVP",
            ("A;Hut;12,50 €;15,00 €", "B;Hut;1.012,50 €;0,00 €", "C;Hut;1.299,00 €;1.500,00 €"),
        ),
        (
            "sku;name;Preis;UVP",
            ("A;Hut;EUR 12,50;15,00 EUR", "B;Hut;1012,50;", "C;Hut;1299,00;1 500,00"),
        ),
    ],
)
def test_compared_prices_are_read_with_their_marks(
    tmp_path: Path, header: str, rows: tuple[str, ...]
) -> None:
    found = draft(tmp_path, header, *rows)
    assert offered(found) == [("15.00", "12.50"), ("1012.50", None), ("1500.00", "1299.00")]


def test_compared_prices_that_are_mostly_below_the_price_are_open(tmp_path: Path) -> None:
    rows = [f"A{n},Hat,20,{15 if n else 25}" for n in range(4)]
    found = draft(tmp_path, "sku,name,price,list price", *rows)
    assert offered(found) == [("20.00", None)] * 4
    [point] = found.open("discount_price")
    assert point.products == 1
    assert "list price" in point.message


def test_numbers_of_json_are_compared_as_well() -> None:
    rows = [{"sku": "A", "name": "Hat", "price": 20, "compare_at_price": 25.5},
            {"sku": "B", "name": "Cap", "price": 20.5, "compare_at_price": 0},
            {"sku": "C", "name": "Tie", "price": 21, "compare_at_price": None},
            {"sku": "D", "name": "Bag", "price": 22}]  # fmt: skip
    assert offered(draft_rows(*rows)) == [
        ("25.50", "20.00"), ("20.50", None), ("21.00", None), ("22.00", None)
    ]  # fmt: skip


def test_dates_of_a_reduction_never_raise_the_price_to_the_compared_one(tmp_path: Path) -> None:
    rows = [f"A{n},Hat,20,25,{LONG_AGO}" for n in range(4)]
    found = draft(tmp_path, "sku,name,price,compare at price,sale end date", *rows)
    assert offered(found) == [("20.00", None)] * 4
    [point] = found.open("discount_price")
    assert point.products == 4


def test_a_sale_price_that_has_ended_is_no_price_of_a_row_without_one(tmp_path: Path) -> None:
    ended = [f"A{n},Hat,,29,{LONG_AGO}" for n in range(3)]
    found = draft(tmp_path, "sku,name,regular price,sale price,sale end date", *ended, "B,Cap,49,,")
    assert sold_for(found) == ["", "", "", "49"]


@pytest.mark.parametrize("usual", ["0.00", "15", ""])
def test_without_a_price_of_its_own_a_sale_price_is_compared_too(
    tmp_path: Path, usual: str
) -> None:
    rows = [f"A{n},Hat,49,29" for n in range(20)]
    found = draft(tmp_path, "sku,name,rrp,sale price", *rows, f"B,Cap,{usual},29", "C,Tie,49,")
    assert offered(found)[-2:] == [("29.00", None), ("49.00", None)]


def test_a_price_before_a_reduction_is_no_price_where_another_column_may_be(tmp_path: Path) -> None:
    rows = ("A,Hat,49,39", "B,Cap,40,", "C,Tie,0,40")
    found = draft(tmp_path, "sku,name,was price,now price", *rows)
    assert offered(found) == []
    [point] = found.open("price")
    assert point.products == 3
    assert "price: {field: now price}" in found.text


# -- sale prices that are not taken -----------------------------------------------------------


def test_a_sale_price_that_is_often_above_the_price_is_open(tmp_path: Path) -> None:
    pairs = ("12,50 EUR\t9,99 EUR", "12,50 EUR\t9,99 EUR", "29 EUR\t35,00 EUR")
    rows = [f"A{n}\tHat\t{pair}" for n, pair in enumerate(pairs)]
    found = draft(tmp_path, "id\ttitle\tprice\tsale_price", *rows, name="products.tsv")
    assert offered(found) == [("12.50", None), ("12.50", None), ("29.00", None)]
    [point] = found.open("discount_price")
    assert point.products == 2
    assert "sale_price" in point.message
    assert "67 %" in point.message


def test_a_sale_price_that_is_always_above_the_price_is_open(tmp_path: Path) -> None:
    rows = [f"A{n},Hat,5,9" for n in range(4)]
    found = draft(tmp_path, "sku,name,price,sale_price", *rows)
    assert [point.products for point in found.open("discount_price")] == [4]


def test_rows_that_are_held_back_by_a_sale_price_are_counted(tmp_path: Path) -> None:
    rows = [f"A{n},Hat,29,19" for n in range(19)]
    found = draft(tmp_path, "sku,name,price,sale_price", *rows, "B,Hat,29,39")
    assert len(offered(found)) == 19
    assert [point.products for point in found.open("discount_price")] == [1]


@pytest.mark.parametrize("none", ["N/A", "-", "", "0", "0.00", "none", "29", "–", "no"])
@pytest.mark.parametrize("name", ["sale price", "Aktionspreis", "special price"])
def test_no_spelling_of_no_sale_price_keeps_the_others_out(
    tmp_path: Path, name: str, none: str
) -> None:
    rows = [f"A{n},Hat,29,{'19' if n % 2 else none}" for n in range(6)]
    found = draft(tmp_path, f"sku,name,price,{name}", *rows)
    assert offered(found) == [("29.00", None), ("29.00", "19.00")] * 3
    assert not found.open("discount_price")


def test_a_sale_price_that_is_half_of_words_is_open(tmp_path: Path) -> None:
    rows = [f"A{n},Hat,29,{'19' if n % 2 else 'ask in our shop'}" for n in range(8)]
    found = draft(tmp_path, "sku,name,price,sale price", *rows)
    assert offered(found) == [("29.00", None)] * 8
    [point] = found.open("discount_price")
    assert point.products == 4
    assert "sale price" in point.message
    assert "discount_price: {field: sale price}" in found.text


PRESTASHOP = (
    "Product ID;Active (0/1);Name *;Reference #;Price tax included;On sale (0/1);Discount amount;"
    "Discount percent;Discount from (yyyy-mm-dd);Discount to (yyyy-mm-dd)"
)


def test_discounts_by_amount_and_by_per_cent_are_open_and_offered(tmp_path: Path) -> None:
    found = draft(
        tmp_path, PRESTASHOP,
        f"1;1;Hat;A;100.00;1;20.00;;2025-01-01;{LATER}",
        f"2;1;Cap;B;50.00;1;;10;2025-01-01;{LATER}",
        f"3;1;Tie;C;40.00;1;5;;2025-01-01;{LONG_AGO}", "4;1;Bag;D;30.00;0;;;;",
    )  # fmt: skip
    assert sold_for(found) == ["100", "50", "40", "30"]
    counts = {point.message.split("'")[1]: point.products for point in found.open("discount_price")}
    assert counts == {"Discount amount": 2, "Discount percent": 1}
    assert sold_for(with_offered(found, "Discount amount")) == ["80", "50", "40", "30"]
    assert sold_for(with_offered(found, "Discount percent")) == ["100", "45", "40", "30"]


@pytest.mark.parametrize(
    ("name", "discount"),
    [
        ("Aktionspreis", "20%"),
        ("Rabatt", "20%"),
        ("Rabatt %", "20"),
        ("remise", "-20 %"),
        ("descuento", "20,0 %"),
    ],
)
def test_a_discount_in_per_cent_is_open_however_it_is_written(
    tmp_path: Path, name: str, discount: str
) -> None:
    rows = (f"A;Hut;12,50 €;{discount}", "B;Hut;10,00 €;", "C;Hut;10,00 €;0 %")
    found = draft(tmp_path, f"sku;name;Preis;{name}", *rows)
    assert sold_for(found) == ["12.5", "10", "10"]
    assert [point.products for point in found.open("discount_price")] == [1]
    assert sold_for(with_offered(found, name)) == ["10", "10", "10"]
