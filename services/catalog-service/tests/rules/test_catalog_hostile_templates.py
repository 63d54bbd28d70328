"""No template costs more than it may, whatever it says and whatever a product's fields hold."""

import gc
import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_service.feeds.templates import TemplateFailed, TemplateInvalid, compile_template

EXAMPLES = Path(__file__).parents[4] / "examples"
SECONDS = 0.2
BYTES = 10_000_000

PAIR = {"name": "a" * 100, "value": "b" * 100}
FIELDS: dict[str, Any] = {
    "big": "x" * 200_000,
    "mixed": ("<b>&\"'\u00df \ufdfa, " * 20_000)[:200_000],
    "digits": "1" * 200_000,
    "opened": "<" * 200_000,
    "tags": "<>" * 100_000,
    "comments": "<!--" * 50_000,
    "ampersands": "&" * 200_000,
    "reference": "&#" + "9" * 5_000 + ";",
    "ligatures": "\ufdfa" * 200_000,
    "growing": "\u0390" * 200_000,
    "words": "a b " * 50_000,
    "lists": "[" + "[]," * 66_000 + "[]]",
    "objects": "[" + "{}," * 60_000 + "{}]",
    "nested": "[" * 900 + "]" * 900,
    "deeper": "[" * 100_000,
    "pairs": json.dumps([PAIR] * 900),
    "numbers": "[" + "9" * 100_000 + "]",
    "many": ["y" * 200] * 1_000,
    "wide": ["z" * 5_000] * 200,
    "n": 5,
    "huge": 10**4_000,
    "float": 1e300,
}
VARIABLES = FIELDS | {"fields": FIELDS, "parent": {}}


def each(what: str, times: int, between: str = ",") -> str:
    return between.join([what] * times)


REFUSED_WHEN_SAVED = {
    "a long number": "{{ " + "9" * 3_900 + " }}",
    "a long hexadecimal": "{{ 0x" + "f" * 3_900 + " }}",
    "a long binary": "{{ 0b" + "1" * 3_900 + " }}",
    "an infinite number": "{{ 1e999 }}",
    "a long exponent": "{{ 1e" + "9" * 3_900 + " }}",
    "loops": "{% for a in big %}{% for b in big %}x{% endfor %}{% endfor %}",
    "a range": "{{ range(10 ** 9) | list }}",
    "center": "{{ big | center(1000000000) }}",
    "format": "{{ '{:>999999999}' | format(1) }}",
    "indent": "{{ big | indent(1000000) }}",
    "wordwrap": "{{ big | wordwrap(1) }}",
    "tojson": "{{ many | tojson }}",
    "batch": "{{ big | batch(1) | list }}",
    "slice": "{{ big | slice(100000) | list }}",
    "starred": "{{ big | map(*many) | list }}",
    "parentheses": "{{ " + "(" * 3_000 + "1",
    "signs": "{{ " + "-" * 3_900 + "1 }}",
    "nots": "{{ " + "not " * 900 + "1 }}",
    "brackets": "{{ " + "[" * 1_900 + "]" * 1_900 + " }}",
    "a chain of filters": "{{ big" + " | upper" * 400 + " }}",
    "a chain of attributes": "{{ n" + ".a" * 1_900 + " }}",
    "a chain of slices": "{{ big" + "[1:]" * 900 + " }}",
    "a long sum": "{{ " + each("1", 1_900, "+") + " }}",
    "a long condition": "{{ " + each("n", 350, " if n else ") + " }}",
    "quotes": "{{ " + "'" * 3_900,
    "braces": "{{" * 1_900,
    "NUL": "{{ '\\x00' }}",
    "half a character": "{{ '\\ud800' }}",
    "no character": "{{ '\\U00110000' }}",
    "too many arguments": "{{ n | upper(1, 2, 3) }}",
}
FAIL_FOR_THE_PRODUCT = {
    "a list joined by a long text": "{{ big | list | join(big) }}",
    "a thousand texts joined": "{{ many | join(big) }}",
    "each text joined": "{{ many | map('join', big) | list }}",
    "a million decimals": "{{ n | round(1000000, 'floor') }}",
    "minus a million decimals": "{{ n | round(-1000000, 'ceil') }}",
    "a text a billion times": "{{ big * 1000000000 }}",
    "a list a million times": "{{ [big] * 1000000 }}",
    "towers": "{{ 9 ** 9 ** 9 ** 9 }}",
    "a large power": "{{ 2 ** 100000000 }}",
    "a wide format": "{{ '%099999999d' % 1 }}",
    "a text in a format": "{{ '%s' % big }}",
    "replace by a long text": "{{ big | replace('x', big) }}",
    "replace nothing": "{{ big | replace('', big) }}",
    "each replaced": "{{ wide | map('replace', 'z', '" + "z" * 60 + "') | join }}",
    "concatenated": "{{ " + each("big", 500, " ~ ") + " }}",
    "side by side": "{{big}}" * 500,
    "added": "{{ " + each("big", 50, " + ") + " }}",
    "lists added": "{{ " + each("many", 50, " + ") + " | join }}",
    "a list of long texts": "{{ [" + each("big", 900) + "] | join }}",
    "a list as text": "{{ [" + each("big", 900) + "] | string }}",
    "all fields as text": "{{ fields | string }}",
    "each upper": "{{ [" + each("big", 900) + "] | map('upper') | list }}",
    "each stripped": "{{ [" + each("mixed", 900) + "] | map('striptags') | list }}",
    "long texts sorted": "{{ [" + each("mixed | trim", 200) + "] | sort }}",
    "long texts made unique": "{{ [" + each("mixed | trim", 200) + "] | unique | list }}",
    "tags": "{{ tags | striptags }}",
    "comments": "{{ comments | striptags }}",
    "a long reference": "{{ reference | striptags }}",
    "escaped": "{{ ampersands | escape }}",
    "ligatures": "{{ ligatures | slug }}",
    "a text that grows": "{{ growing | upper }}",
    "words": "{{ words | title }}",
    "a list of lists": "{{ lists | from_json | length }}",
    "a list of objects": "{{ objects | from_json | length }}",
    "nested too deep": "{{ deeper | from_json }}",
    "long numbers": "{{ numbers | from_json }}",
    "many times JSON": "{{ [" + each("pairs | from_json", 60) + "] | length }}",
    "a product of huge numbers": "{{ huge * huge }}",
    "an infinite product": "{{ float * float }}",
    "split": "{{ big | split('x') }}",
    "characters": "{{ wide | map('list') | list }}",
    "characters, each a filter": "{{ wide | map('map', 'upper') | list }}",
    "each looked up in a list": "{{ many | select('in', many) | list }}",
    "each compared": "{{ many | select('equalto', big) | list }}",
    "a long path": "{{ many | map(attribute='" + "a." * 1_900 + "b') | list }}",
    "a list as attribute": "{{ many | sort(attribute=many) }}",
    "no step": "{{ big[::0] }}",
    "a filter named by a text": "{{ big | map(big) | list }}",
    "sorted again": "{{ lists | from_json | sort }}",
    "an object's class": "{{ ''.__class__.__mro__ }}",
}
HARMLESS = {
    "digits as a number": "{{ digits | int }}",
    "digits as a float": "{{ digits | float }}",
    "digits in base 36": "{{ digits | int(0, 36) }}",
    "nested lists": "{{ nested | from_json | string }}",
    "a long text cut": "{{ big | truncate(10 ** 14) }}",
    "a long comparison": "{{ n < " + each("n", 900, " < ") + " }}",
    "many literals": "{{ " + "'a' " * 900 + " }}",
    "honest work on a long text": "{{ big | replace('x', 'y') | trim | truncate(5000) }}",
}


def cost_of(source: str) -> tuple[object, float]:
    """What became of the template, and the processor's seconds it took, without collections of
    what other tests left."""
    gc.disable()
    began = time.thread_time()
    try:
        outcome: object = compile_template(source)(VARIABLES)
    except (TemplateInvalid, TemplateFailed) as error:
        outcome = error
    finally:
        seconds = time.thread_time() - began
        gc.enable()
    return outcome, seconds


def check_cost(source: str) -> object:
    outcome, seconds = cost_of(source)
    assert seconds < SECONDS
    tracemalloc.start()
    try:
        cost_of(source)
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()
    return outcome


@pytest.mark.parametrize("source", REFUSED_WHEN_SAVED.values(), ids=REFUSED_WHEN_SAVED)
def test_what_has_no_place_in_a_template_is_refused_when_it_is_saved(source: str) -> None:
    outcome = check_cost(source)
    assert isinstance(outcome, TemplateInvalid)
    assert str(outcome)


@pytest.mark.parametrize("source", FAIL_FOR_THE_PRODUCT.values(), ids=FAIL_FOR_THE_PRODUCT)
def test_what_costs_too_much_fails_before_it_is_done(source: str) -> None:
    outcome = check_cost(source)
    assert isinstance(outcome, TemplateFailed)
    assert 0 < len(str(outcome)) < 300


@pytest.mark.parametrize("source", HARMLESS.values(), ids=HARMLESS)
def test_what_only_looks_costly_gives_its_value(source: str) -> None:
    assert not isinstance(check_cost(source), Exception)


def _templates(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [v for k, v in value.items() if k == "template" and isinstance(v, str)]
        return own + [t for inner in value.values() for t in _templates(inner)]
    return [t for inner in value for t in _templates(inner)] if isinstance(value, list) else []


def test_the_templates_of_the_examples_are_taken() -> None:
    files = [*EXAMPLES.glob("feeds/*.yaml"), *EXAMPLES.glob("sample/*.yaml")]
    templates = [t for file in files for t in _templates(yaml.safe_load(file.read_text()))]
    assert len(templates) >= 10
    for template in templates:
        compile_template(template)


NAMES = st.sampled_from([*FIELDS, "fields", "parent", "absent", "1", "'a'", "''", "none", "true"])
FILTERS = """
upper lower title trim striptags escape slug string list unique sort length first last join int
float abs round from_json split map('upper') map(attribute='name') select reject
replace('x','yy') join(big) default('d') truncate(9) value_named('a') selectattr('a')
sort(reverse=true) round(3,'ceil') join(',',attribute='a')
"""
FILTER = st.sampled_from(FILTERS.split())
OPERATORS = "+ - * / // % ** ~ == < in and or"
OPERATOR = st.sampled_from(OPERATORS.split())


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} | {})".format, inner, FILTER),
        st.builds("({} {} {})".format, inner, OPERATOR, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}.name".format, inner),
        st.builds("({})[:{}]".format, inner, st.integers(-3, 300_000)),
    )


@settings(deadline=None)
@given(st.recursive(NAMES, _larger, max_leaves=25))
def test_any_expression_gives_a_value_or_says_why_not(expression: str) -> None:
    _, seconds = cost_of("{{ " + expression + " }}")
    assert seconds < SECONDS
