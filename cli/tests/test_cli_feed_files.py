"""Documents looked through without a service: what is wrong, and in which line of the file."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from channel_cli.__main__ import app
from channel_cli.commands.feed_files import find_troubles
from channel_cli.yaml_documents import NotYaml, read_yaml

RIGHT = """\
shop: main
catalogue: products
main_locale: en_US
currency: USD
category:
  source: {field: path}
languages:
  en_US:
    title: {field: title}
    description: {field: text}
attributes:
  sku_code: {field: sku}
  price: {field: price}
"""


def troubles(text: str) -> list[tuple[int, str]]:
    return [(one.line, ".".join(map(str, one.path))) for one in find_troubles(read_yaml(text))]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("", []),
        ("id_field: code\n", []),
        ("catagory: {}\n", [(14, "catagory")]),
        (
            "exclude:\n  any:\n    - {field: a, empty: true}\n    - {field: b, equal: 1}\n",
            [(17, "exclude.any.1.equal")],
        ),
        ("units:\n  weight: kg\n  weight: g\n", [(16, "units.weight")]),
        (
            "country_prices:\n  ES:\n    prise: {field: a}\n",
            [(15, "country_prices.ES.price"), (16, "country_prices.ES.prise")],
        ),
        (
            "overrides:\n  200118008:\n    attributes: {inventory: {constant: 2026-01-31}}\n",
            [(16, "overrides.200118008.attributes.inventory.constant")],
        ),
        (
            "user_defined_attributes:\n  Made: {template: '{{ a | shout }}'}\n",
            [(15, "user_defined_attributes.Made")],
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(more: str, found: list[tuple[int, str]]) -> None:
    assert troubles(RIGHT + more) == found


def test_anchors_and_merges_are_followed() -> None:
    text = RIGHT + (
        "x: &base\n  a: {field: a}\ncategory_attributes: &more\n"
        "  <<: *base\n  a: {feild: b}\nuser_defined_attributes: *more\n"
    )
    found = troubles(text)
    assert (14, "x") in found
    assert (18, "category_attributes.a.feild") in found
    assert not [one for one in found if one[1] == "category_attributes.a"]  # it stands once


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1", "line"),
        ("a: b\n  c: d: e\n", "line 2"),
        ("? [a]\n: b\n", "line 1"),
        ("\tx: 1", "line 1"),
    ],
)
def test_what_is_no_yaml_says_where(text: str, line: str) -> None:
    with pytest.raises(NotYaml, match=line):
        read_yaml(text)


@pytest.mark.parametrize("text", ["&a [*a]", "&a {b: *a}"])
def test_a_document_within_itself_is_no_configuration(text: str) -> None:
    with pytest.raises(NotYaml):
        read_yaml(text)


def test_the_command_says_so_by_its_exit_code(tmp_path: Path) -> None:
    file = tmp_path / "feed.yaml"
    file.write_text(RIGHT)
    runner = CliRunner()
    right = runner.invoke(app, ["feeds", "validate", str(file)])
    assert right.exit_code == 0, right.output
    file.write_text(RIGHT + "catagory: {}\n")
    wrong = runner.invoke(app, ["feeds", "validate", str(file), "--json"])
    assert wrong.exit_code == 1
    assert '"line": 14' in wrong.output
    file.write_text("a: [1")
    broken = runner.invoke(app, ["feeds", "validate", str(file)])
    assert broken.exit_code == 1
