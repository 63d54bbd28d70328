"""Templates: expressions over fields, and nothing that loops, calls or grows."""

import time

import pytest

from catalog_service.feeds.templates import (
    TemplateFailed,
    TemplateInvalid,
    compile_template,
    cut_at_word,
)

FIELDS = {
    "title": "Wall Clock",
    "count": 3,
    "tree": '[{"name": "Home", "url": "/h"}, {"name": "Clocks"}]',
    "others": '[{"name": "Color", "value": "Red"}]',
    "sizes": "S, M ,L",
    "html": "<p>text</p>",
    "keys": {"title": "inner", "items": "kept"},
}
VARIABLES = FIELDS | {"fields": FIELDS, "parent": {}, "Variant SKU": "V1"}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ title }}", "Wall Clock"),
        ("{{ title }} x{{ count }}", "Wall Clock x3"),
        ("{{ tree | from_json | map(attribute='name') | join(' > ') }}", "Home > Clocks"),
        ("{{ others | from_json | value_named('color') }}", "Red"),
        ("{{ others | from_json | value_named('none') }}", None),
        ("{{ sizes | split }}", ["S", "M", "L"]),
        ("{{ sizes | split | sort | join('/') }}", "L/M/S"),
        ("{{ [] | sort }}", []),
        ("{{ ['one'] | sort }}", ["one"]),
        ("{{ missing | default('d') }}", "d"),
        ("{{ fields['Variant SKU'] | default(title | slug) }}", "wall-clock"),
        ("{{ parent.title | default(title) }}", "Wall Clock"),
        ("{{ keys.items }}", "kept"),
        ("{{ title | truncate(6) }}", "Wall"),
        ("{{ html | striptags }}", "text"),
        ("{{ count * 2 + 1 }}", 7),
        ("{{ title if count > 2 else 'few' }}", "Wall Clock"),
        ("{{ title | replace('Wall', 'Desk') | upper }}", "DESK CLOCK"),
    ],
)
def test_a_template_gives_its_value(template: str, value: object) -> None:
    assert compile_template(template)(VARIABLES) == value


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in b %}{% endfor %}",
        "{# comment #}",
        "{{ title.upper() }}",
        "{{ range(9) }}",
        "{{ title | center(9) }}",
        "{{ title",
        "{{ " + "(" * 3_000 + "1",
    ],
    ids=["statement", "comment", "call", "function", "unknown filter", "unclosed", "nested"],
)
def test_what_is_no_expression_is_refused_when_saved(template: str) -> None:
    with pytest.raises(TemplateInvalid):
        compile_template(template)


@pytest.mark.parametrize(
    "template",
    [
        "{{ missing }}",
        "{{ missing.more }}",
        "{{ title.__class__ }}",
        "{{ title.__class__.__mro__ }}",
        "{{ fields.__init__ }}",
        "{{ title * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 9 ** 99999999 }}",
        "{{ '%099999999d' % 1 }}",
        "{{ title | from_json }}",
        "{{ title | int + 'a' }}",
        "{{ 1 / 0 }}",
        "{{ title | replace('', title * 1) }}",
    ],
)
def test_what_cannot_be_given_fails_clearly_and_at_once(template: str) -> None:
    began = time.perf_counter()
    with pytest.raises(TemplateFailed):
        compile_template(template)(VARIABLES)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("name", ["self", "cls", "args", "loop", "None", "class"])
def test_a_field_may_have_any_name(name: str) -> None:
    render = compile_template("{{ fields['" + name + "'] }}")
    fields = {name: "value"}
    assert render({**fields, "fields": fields}) == "value"


def test_a_title_is_cut_between_words() -> None:
    text = "one two three " * 40
    cut = cut_at_word(text, 218)
    assert len(cut) <= 218
    assert text.startswith(cut)
    assert cut.endswith(("one", "two", "three"))
    assert len(cut_at_word("x" * 300, 218)) == 218
