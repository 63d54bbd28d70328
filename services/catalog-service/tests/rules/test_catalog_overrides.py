"""What categories do otherwise: by AliExpress's leaf, and by the catalogue's own path."""

from typing import Any

import pytest

from catalog_service.feeds.configuration import FeedConfiguration

from ..catalog_families import evaluated, member

BASE: dict[str, Any] = {
    "category": {
        "source": {"field": "category"},
        "prefix": {"Clothes": "5", "Shirts": "5"},
    }
}
ES = "es_ES"


def titles(**changes: Any) -> dict[str, str]:
    result = evaluated(
        member(
            "a", category=changes.pop("of", "Clothes > Shirts > Long"), titulo="Camisa", make="B"
        ),
        **BASE,
        **changes,
    )
    assert result.content is not None, result.issues
    return {text.locale: text.text for text in result.content.titles}


def test_a_path_s_override_holds_below_it() -> None:
    override = {"languages": {ES: {"title": {"template": "{{ titulo }} {{ make }}"}}}}
    overrides = {"clothes >  SHIRTS": override}
    assert titles(path_overrides=overrides)[ES] == "Camisa B"
    assert titles(path_overrides=overrides, of="Clothes > Shirts")[ES] == "Camisa B"
    assert titles(path_overrides=overrides, of="Clothes")[ES] == "Camisa"
    assert titles(path_overrides=overrides, of="Shirts")[ES] == "Camisa"


def named(path: str) -> str:
    return path.replace(" >", "") or "all"


def as_title(text: str) -> dict[str, Any]:
    return {"languages": {"en_US": {"title": {"constant": text}}}}


@pytest.mark.parametrize(
    ("leaf", "paths", "wins"),
    [
        ([], [], "Shirt"),
        (["5"], [], "leaf"),
        (["6"], [], "Shirt"),
        (["5"], ["Clothes"], "Clothes"),
        (["5"], ["Clothes > Shirts", "Clothes"], "Clothes > Shirts"),
        ([], ["Clothes > Shirts > Long > Sleeved"], "Shirt"),
        ([], ["", "Clothes"], "Clothes"),
        ([], [""], ""),
    ],
)
def test_the_path_beats_the_leaf_and_the_longest_path_wins(
    leaf: list[str], paths: list[str], wins: str
) -> None:
    found = titles(
        overrides={one: as_title("leaf") for one in leaf},
        path_overrides={path: as_title(named(path)) for path in paths},
    )
    assert found["en_US"] == named(wins)


def test_what_an_override_does_not_name_stays() -> None:
    only_title = {"languages": {ES: {"title": {"constant": "Otra"}}}}
    result = evaluated(
        member("a", category="Shirts", titulo="Camisa", descripcion="Larga"),
        **BASE,
        path_overrides={"Shirts": only_title, "shirts > x": as_title("never")},
    )
    assert result.content is not None
    assert {t.locale: t.text for t in result.content.descriptions}[ES] == "Larga"


def test_a_language_may_be_of_one_category_alone() -> None:
    french = {"languages": {"es_ES": {"title": {"constant": "Una"}}}}
    languages = {"en_US": {"title": {"field": "title"}, "description": {"field": "description"}}}
    assert titles(languages=languages).keys() == {"en_US"}
    assert titles(languages=languages, overrides={"5": french})[ES] == "Una"


@pytest.mark.parametrize("section", ["overrides", "path_overrides"])
def test_a_category_has_country_prices_of_its_own(section: str) -> None:
    key = "5" if section == "overrides" else "Shirts"
    own = {"country_prices": {"ES": {"price": {"field": "price_shirts_es"}}}}
    result = evaluated(
        member("a", category="Shirts", price_es="9", price_shirts_es="8"),
        **(BASE | {section: {key: own}}),
    )
    assert result.offers is not None
    assert [price.price for price in result.offers[0].country_prices] == ["8.00"]


def test_an_override_has_no_keys_but_its_own() -> None:
    with pytest.raises(ValueError, match="is languages meant"):
        FeedConfiguration.model_validate({"overrides": {"5": {"language": {}}}, "shop": "s"})
