"""Single matches: where they stand, and how a form changes one."""

from typing import Any

import pytest

from console.forms import Form
from console.pages.feeds import matches
from console.pages.feeds.matches import Place

COLOR = {"map": {"from": "colour", "values": {"rot": "Red"}}, "unknown": "alias"}
CONFIGURATION: dict[str, Any] = {
    "category": {"source": {"field": "Type"}},
    "languages": {"en_US": {"title": {"field": "Title"}, "description": {"field": "Body"}}},
    "attributes": {"price": {"field": "Price", "separator": ";"}},
    "category_attributes": {"Origin": {"constant": "Spain"}},
    "sku_attributes": {"Color": {"value": COLOR, "alias": {"field": "colour"}}},
    "overrides": {"348": {"category_attributes": {"Style": {"constant": "Casual"}}}},
}


@pytest.mark.parametrize(
    "place",
    [
        Place("category", ""),
        Place("titles", "en_US"),
        Place("descriptions", "en_US"),
        Place("attributes", "price"),
        Place("category_attributes", "Origin"),
        Place("category_attributes", "Style", "348"),
        Place("sku_attributes", "Color"),
    ],
)
def test_a_form_that_was_not_touched_makes_the_same_match(place: Place) -> None:
    match = matches.match_at(CONFIGURATION, place)
    assert match is not None
    fields = matches.fields_of(match)
    if match.get("map"):
        fields |= {"map_key": "rot", "map_value": "Red"}
    sent = [(name, value) for name, value in fields.items() if name != "map_keep" or value]
    assert matches.made(Form(sent), match) == match
    assert matches.with_match(CONFIGURATION, place, match) == CONFIGURATION


def test_a_new_language_is_added_and_a_match_taken_away() -> None:
    title = {"template": "{{ Title }}"}
    added = matches.with_match(CONFIGURATION, Place("titles", "fr_FR"), title)
    assert added["languages"]["fr_FR"] == {"title": title}
    less = matches.with_match(CONFIGURATION, Place("category_attributes", "Origin"), None)
    assert less["category_attributes"] == {}
    assert CONFIGURATION["category_attributes"] == {"Origin": {"constant": "Spain"}}


def test_lines_of_a_map_are_written_emptied_and_kept() -> None:
    form = Form(
        [
            ("kind", "map"),
            ("map_from", "colour"),
            ("map_key", "rot"),
            ("map_value", ""),
            ("map_key", "blau"),
            ("map_value", "Blue"),
            ("map_keep", "1"),
            ("unknown", "default"),
            ("default", "Other"),
        ]
    )
    assert matches.made(form, COLOR) == {
        "map": {"from": "colour", "values": {"blau": "Blue"}, "keep": True},
        "default": "Other",
        "unknown": "default",
    }


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("category_attributes > Origin", Place("category_attributes", "Origin")),
        ("sku_info_list > price", Place("attributes", "price")),
        ("sku_info_list > sku_attributes > Color", Place("sku_attributes", "Color")),
        ("title_multi_language_list > en_US", Place("titles", "en_US")),
        ("shipping_template_id", Place("attributes", "shipping_template_id")),
        ("category_id", None),
    ],
)
def test_what_is_lacking_leads_to_its_match(field: str, place: Place | None) -> None:
    assert matches.place_of_field(field) == place


def test_prices_are_filled_by_each_skus_row() -> None:
    assert Place("attributes", "price").level == "sku"
    assert Place("sku_attributes", "Color").level == "sku"
    assert Place("attributes", "package_weight").level == "product"
