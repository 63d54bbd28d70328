"""Proposed decimal sign, currency and units: what the file does not tell is open, with its rows."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.matching import Row
from catalog_service.feeds.stored import compile_form
from catalog_service.files.readers.recognise import Options
from catalog_service.normalizing.fixed import NOTHING_FIXED
from catalog_service.normalizing.package import read_package
from catalog_service.proposals.draft import Setting
from catalog_service.proposals.propose import Proposal, propose
from catalog_service.proposals.read import read_file


def proposed(tmp_path: Path, text: str, *, currency: str | None = "EUR") -> Proposal:
    path = tmp_path / "products.csv"
    path.write_text(text, encoding="utf-8")
    setting = Setting(shop="main", catalogue="c", source=path.name, shop_currency=currency)
    return propose(read_file(path, Options()).description, setting)


def loaded(proposal: Proposal) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(proposal.configuration)
    return {key: value for key, value in found.items() if key not in {"id_field", "parent_field"}}


def compiled(proposal: Proposal) -> CompiledFeed:
    return compile_form("m", "f", 0, FeedConfiguration.model_validate(loaded(proposal)))


def waiting(proposal: Proposal, place: str) -> list[int]:
    return [point.products for point in proposal.open_points if point.field == place]


def of_prices(prices: list[str], *, currency: str = "", language: str = "") -> str:
    """A file of tabs, so that its delimiter says nothing."""
    texts = {"de": "Der Hut ist aus Filz und für den Winter", "en": "The hat is made for the sun"}
    rows = [
        f"A{n}\t{texts.get(language, 'Hat')} {n}\t{price}{currency}"
        for n, price in enumerate(prices)
    ]
    return "\n".join(["sku\tname\tprice", *rows, ""])


THOUSANDS = ["1.250", "2.499", "999", "45"]


def test_points_before_three_digits_tell_no_sign_by_themselves(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, of_prices(THOUSANDS))
    assert waiting(proposal, "units.decimal") == [2]
    [point] = [each for each in proposal.open_points if each.field == "units.decimal"]
    assert "'1.250'" in point.message
    assert "1000" in point.message
    assert loaded(proposal)["units"]["decimal"] == ",", "the higher price, as long as it is open"


@pytest.mark.parametrize("mark", [" €", " zł"])
def test_a_currency_of_commas_says_that_points_group_thousands(tmp_path: Path, mark: str) -> None:
    proposal = proposed(tmp_path, of_prices(THOUSANDS, currency=mark))
    assert loaded(proposal)["units"]["decimal"] == ","
    assert waiting(proposal, "units.decimal") == []


def test_so_does_the_language_of_the_texts(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, of_prices(THOUSANDS, language="de"))
    assert loaded(proposal)["units"]["decimal"] == ","
    assert waiting(proposal, "units.decimal") == []


def test_so_do_semicolons_between_the_columns(tmp_path: Path) -> None:
    text = of_prices(THOUSANDS).replace("\t", ";")
    proposal = proposed(tmp_path, text)
    assert loaded(proposal)["units"]["decimal"] == ","
    assert waiting(proposal, "units.decimal") == []
    assert "semicolons" in proposal.configuration


def test_so_do_other_columns_with_decimals(tmp_path: Path) -> None:
    rows = "".join(f"A{n}\tHat\t{price}\t0,5\n" for n, price in enumerate(THOUSANDS))
    proposal = proposed(tmp_path, f"sku\tname\tprice\tweight_kg\n{rows}")
    assert loaded(proposal)["units"]["decimal"] == ","
    assert waiting(proposal, "units.decimal") == []


def test_what_speaks_for_three_decimals_in_a_price_leaves_it_open(tmp_path: Path) -> None:
    """An English file, in dollars, or with weights such as 0.5: 1.250 may be either."""
    english = proposed(tmp_path, of_prices(THOUSANDS, language="en"))
    assert waiting(english, "units.decimal") == [2]
    rows = "".join(f"A{n}\tHat\t{price}\t0.5\n" for n, price in enumerate(THOUSANDS))
    weighed = proposed(tmp_path, f"sku\tname\tprice\tweight_kg\n{rows}")
    assert 2 in waiting(weighed, "units.decimal")


def test_commas_between_thousands_of_an_english_file_are_read_as_such(tmp_path: Path) -> None:
    prices = [price.replace(".", ",") for price in THOUSANDS]
    proposal = proposed(tmp_path, of_prices(prices, currency=" USD", language="en"), currency="USD")
    assert loaded(proposal)["units"]["decimal"] == "."
    assert waiting(proposal, "units.decimal") == []


def test_prices_that_tell_outweigh_weights(tmp_path: Path) -> None:
    rows = "".join(f"A{n}\tHat\t{n + 9}.90\t0,5\n" for n in range(4))
    proposal = proposed(tmp_path, f"sku\tname\tprice\tweight_kg\n{rows}A8\tHat\t8.00\t\n")
    assert loaded(proposal)["units"]["decimal"] == "."
    assert waiting(proposal, "units.decimal") == [4]


def test_a_single_price_with_decimals_does_not_vouch_for_many_of_three_digits(
    tmp_path: Path,
) -> None:
    proposal = proposed(tmp_path, of_prices(["12.5", *(f"{n}.250" for n in range(1, 9))]))
    assert waiting(proposal, "units.decimal") == [8]
    usual = proposed(tmp_path, of_prices(["12.50", "9.90", "7.25", "1.250"]))
    assert waiting(usual, "units.decimal") == []


def test_weights_of_three_digits_are_open_too_and_prices_are_named_first(tmp_path: Path) -> None:
    rows = "".join(f"A{n}\tHat\t45\t1.250\n" for n in range(3))
    proposal = proposed(tmp_path, f"sku\tname\tprice\tweight_kg\n{rows}")
    assert waiting(proposal, "units.decimal") == [3]
    [point] = [each for each in proposal.open_points if each.field == "units.decimal"]
    assert "price" not in point.message


ZLOTY = 'sku,name,price\nA,Hat,"299,00 zł"\nB,Cap,"19,00 zł"\n'


def test_the_files_currency_is_open_while_the_shops_is_unknown(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, ZLOTY, currency=None)
    assert loaded(proposal)["currency"] == "PLN"
    assert waiting(proposal, "currency") == [2]
    [point] = [each for each in proposal.open_points if each.field == "currency"]
    assert "PLN" in point.message
    assert "main" in point.message
    assert waiting(proposed(tmp_path, ZLOTY, currency="PLN"), "currency") == []
    assert waiting(proposed(tmp_path, ZLOTY, currency="USD"), "currency") == [2]


def test_rows_in_another_currency_than_the_rest_are_counted(tmp_path: Path) -> None:
    header = "sku,name,price,currency\n"
    mostly = "".join(f"A{n},Hat,9.90,{'USD' if n == 3 else 'EUR'}\n" for n in range(10))
    proposal = proposed(tmp_path, header + mostly)
    assert loaded(proposal)["currency"] == "EUR"
    assert waiting(proposal, "currency") == [1]


def test_a_shops_currency_that_half_the_file_contradicts_is_open(tmp_path: Path) -> None:
    header = "sku,name,price,currency\n"
    halved = "".join(f"A{n},Hat,9.90,{'USD' if n % 2 else 'PLN'}\n" for n in range(10))
    assert waiting(proposed(tmp_path, header + halved), "currency") == [10]


def weights(proposal: Proposal, rows: list[dict[str, str]]) -> list[str]:
    """The kilograms that the drafted feed gives for each row; 0.000 where it holds it back."""
    feed = compiled(proposal)
    found = []
    for fields in rows:
        row = Row(fields["sku"], None, fields)
        package, _ = read_package(feed.form.units, feed.general, row, NOTHING_FIXED)
        found.append(package.weight_kg)
    return found


def read(text: str) -> list[dict[str, str]]:
    header, *lines = text.splitlines()
    names = header.split(",")
    return [dict(zip(names, line.split(","), strict=True)) for line in lines]


def test_a_unit_behind_one_of_many_values_is_not_that_of_the_others(tmp_path: Path) -> None:
    values = ["350", "420", "1.2 kg", "500", "280", "610"]
    rows = "".join(f"A{n},Hat,9.90,{value}\n" for n, value in enumerate(values))
    proposal = proposed(tmp_path, f"sku,name,price,weight\n{rows}")
    assert "weight" not in loaded(proposal)["units"]
    assert "# weight: g" in proposal.configuration
    assert waiting(proposal, "units.weight") == [5]


def test_nor_is_a_rare_unit_that_of_small_numbers(tmp_path: Path) -> None:
    rows = "".join(f"A{n},Hat,9.90,{'3 lb' if n == 7 else '0.5'}\n" for n in range(24))
    proposal = proposed(tmp_path, f"sku,name,price,weight\n{rows}")
    assert "weight" not in loaded(proposal)["units"]
    assert waiting(proposal, "units.weight") == [23]


def test_a_unit_behind_nearly_all_values_stands_and_the_others_wait(tmp_path: Path) -> None:
    rows = "".join(f"A{n},Hat,9.90,{'350' if n == 7 else '350 g'}\n" for n in range(24))
    proposal = proposed(tmp_path, f"sku,name,price,weight\n{rows}")
    assert loaded(proposal)["units"]["weight"] == "g"
    assert waiting(proposal, "units.weight") == [1]


def test_values_that_all_have_a_unit_leave_nothing_open(tmp_path: Path) -> None:
    text = "sku,name,price,weight\nA,Hat,9.90,350 g\nB,Cap,8.50,1.2 kg\nC,Tie,7.25,2 lb\n"
    proposal = proposed(tmp_path, text)
    assert waiting(proposal, "units.weight") == []
    assert weights(proposal, read(text)) == ["0.350", "1.200", "0.907"]


@pytest.mark.parametrize(
    ("number", "unit"),
    [
        ("package_weight", "package_weight_unit_of_measure"),
        ("weight", "Weight unit"),
        ("Gewicht", "Einheit"),
        ("Gewicht", "Gewichtseinheit"),
        ("peso", "unidad de peso"),
    ],
)
def test_units_that_differ_from_row_to_row_stand_behind_their_numbers(
    tmp_path: Path, number: str, unit: str
) -> None:
    text = (
        f"sku,name,price,{number},{unit}\n"
        "A,Hat,9.90,2,LB\nB,Cap,8.50,3,LB\nC,Tie,7.25,8,OZ\nD,Bag,7.10,500,GR\n"
    )
    proposal = proposed(tmp_path, text)
    assert weights(proposal, read(text)) == ["0.907", "1.361", "0.227", "0.500"]
    assert waiting(proposal, "units.weight") == []
    later = [
        {"sku": "E", number: "2 kg", unit: "LB"},
        {"sku": "F", number: "", unit: "LB"},
        {"sku": "G", unit: "LB"},
        {"sku": "H", number: "2", unit: "stone"},
        {"sku": "I", number: " 2.5 ", unit: " Kg "},
    ]
    assert weights(proposal, later) == ["2.000", "0.000", "0.000", "0.000", "2.500"]


def test_one_unit_in_every_row_is_that_of_the_file(tmp_path: Path) -> None:
    rows = "".join(f"A{n},Hat,9.90,{n}5,OZ,{n}5,{n}2,IN\n" for n in range(1, 6))
    header = "sku,name,price,weight,weight unit,package_length,package_width,package_length_unit\n"
    proposal = proposed(tmp_path, header + rows)
    found = loaded(proposal)
    assert found["units"] == {"decimal": ".", "weight": "oz", "length": "in"}
    assert found["attributes"]["package_weight"] == {"field": "weight"}
    assert found["attributes"]["package_width"] == {"field": "package_width"}
    assert waiting(proposal, "units.length") == []


def test_rows_without_a_unit_wait_for_one(tmp_path: Path) -> None:
    rows = "".join(f"A{n},Hat,9.90,{n}5,{'g' if n < 2 else ''}\n" for n in range(1, 6))
    proposal = proposed(tmp_path, f"sku,name,price,weight,weight unit\n{rows}")
    assert "weight" not in loaded(proposal)["units"]
    assert waiting(proposal, "units.weight") == [4]
    assert weights(proposal, [{"sku": "A", "weight": "15", "weight unit": "g"}]) == ["0.015"]


def test_sides_that_are_named_in_other_units_keep_theirs(tmp_path: Path) -> None:
    text = "sku,name,price,length (cm),width (mm),height (cm)\nA,Hat,9.90,30,200,5\n"
    proposal = proposed(tmp_path, text)
    feed = compiled(proposal)
    [fields] = read(text)
    package, _ = read_package(feed.form.units, feed.general, Row("A", None, fields), NOTHING_FIXED)
    assert (package.length_cm, package.width_cm, package.height_cm) == (30, 20, 5)


def test_a_unit_that_goods_are_sold_in_is_none_of_lengths(tmp_path: Path) -> None:
    text = "sku,name,Verkaufseinheit,price,length,width\n" + "A,Hat,m,9.90,30,20\n" * 3
    assert loaded(proposed(tmp_path, text))["units"].get("length") is None
