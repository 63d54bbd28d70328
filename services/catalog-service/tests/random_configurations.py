"""Configurations that may be taken, or not: changes of a small one, for Hypothesis."""

from typing import Any

from hypothesis import strategies as st

BASE: dict[str, Any] = {
    "shop": "s",
    "catalogue": "c",
    "main_locale": "en_US",
    "currency": "USD",
    "category": {"source": {"field": "path"}, "exact": {"Clocks": "1"}},
    "languages": {"en_US": {"title": {"field": "t"}, "description": {"field": "d"}}},
    "attributes": {"sku_code": {"field": "sku"}, "price": {"field": "price"}},
}


TEXTS = st.text(max_size=12) | st.sampled_from(["", "on", "true", "1", "a\x00", "\ud800", "\ufdfa"])
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**16, -(2**63), 2**64, -0.0, 1e15])
SCALARS = TEXTS | st.booleans() | NUMBERS
NAMES = st.text(min_size=1, max_size=8)
CONSTANTS = SCALARS | st.lists(TEXTS, max_size=4)
COUNTRIES = st.sampled_from(["US", "ES", "FR"])
IDS = st.sampled_from(["1", 2, "33", True, "x"])


def _beside(form: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    extras = st.fixed_dictionaries(
        {},
        optional={
            "default": CONSTANTS | st.none(),
            "separator": st.text(max_size=3),
            "truncate": st.integers(0, 300_000),
            "unknown": st.sampled_from(["reject", "other", "default", "omit", "alias"]),
        },
    )
    return st.builds(lambda own, beside: beside | own, form, extras)


def _maps(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    values = st.fixed_dictionaries(
        {"from": NAMES | inner, "values": st.dictionaries(TEXTS, CONSTANTS, max_size=4)},
        optional={"default": CONSTANTS | st.none()},
    )
    return _beside(st.fixed_dictionaries({"map": values}))


MATCHES = st.recursive(
    _beside(
        st.fixed_dictionaries({"field": NAMES})
        | st.fixed_dictionaries({"constant": CONSTANTS})
        | st.fixed_dictionaries({"template": st.sampled_from(["{{ a }}", "{{ 'x' | upper }} y"])})
    ),
    _maps,
    max_leaves=4,
)
TESTS = st.one_of(
    *(
        st.fixed_dictionaries({"field": NAMES, name: values})
        for name, values in {
            "equals": SCALARS,
            "contains": TEXTS,
            "in": st.lists(SCALARS, max_size=4),
            "empty": st.booleans(),
            "matches": st.sampled_from(["^a", "[0-9]+", "("]),
        }.items()
    ),
    st.fixed_dictionaries(
        {"field": NAMES, "compare": st.sampled_from(["<", ">="]), "value": NUMBERS | TEXTS}
    ),
)
RULES = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, max_size=3)}),
    ),
    max_leaves=6,
)
SKU_ATTRIBUTES = MATCHES | st.fixed_dictionaries(
    {"value": MATCHES}, optional={"alias": MATCHES, "image_url": MATCHES}
)
SECTIONS = {
    "category_attributes": st.dictionaries(NAMES, MATCHES, max_size=2),
    "sku_attributes": st.dictionaries(NAMES, SKU_ATTRIBUTES, max_size=2),
    "user_defined_attributes": st.dictionaries(NAMES, MATCHES, max_size=2),
}
COUNTRY_PRICES = st.dictionaries(
    COUNTRIES,
    st.fixed_dictionaries({"price": MATCHES}, optional={"discount_price": MATCHES}),
    max_size=2,
)
LANGUAGES = st.dictionaries(
    st.sampled_from(["en_US", "es_ES"]),
    st.fixed_dictionaries({}, optional={"title": MATCHES, "description": MATCHES}),
    max_size=2,
)
OVERRIDES = st.fixed_dictionaries(
    {}, optional={**SECTIONS, "languages": LANGUAGES, "country_prices": COUNTRY_PRICES}
)
CONFIGURATIONS = st.fixed_dictionaries(
    {},
    optional={
        **SECTIONS,
        "exclude": RULES,
        "image_checks": st.sampled_from(["on", "off", True, False]),
        "units": st.fixed_dictionaries({}, optional={"decimal": st.sampled_from([".", ","])}),
        "countries": st.lists(COUNTRIES, max_size=3),
        "country_prices": COUNTRY_PRICES,
        "category": st.fixed_dictionaries(
            {"source": MATCHES},
            optional={
                "separator": st.text(max_size=3),
                "exact": st.dictionaries(TEXTS, IDS, max_size=3),
                "prefix": st.dictionaries(TEXTS, IDS, max_size=3),
            },
        ),
        "overrides": st.dictionaries(st.sampled_from(["1", "22"]), OVERRIDES, max_size=2),
        "path_overrides": st.dictionaries(
            st.sampled_from(["A", "A > b", ""]), OVERRIDES, max_size=2
        ),
    },
)
