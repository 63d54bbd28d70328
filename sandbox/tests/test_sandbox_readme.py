"""The tables of README.md name every switch there is, and none that is not."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "build" / "generate_readme.py"


@pytest.fixture(scope="module")
def readme() -> Any:
    specification = importlib.util.spec_from_file_location("generate_readme", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_page_is_as_generated(readme: Any) -> None:
    page = readme.PAGE.read_text()
    assert readme.filled(page) == page
    assert readme.filled(page.replace("| assumed |", "| seen 9 |")) == page


def test_every_switch_is_named_and_exists(readme: Any) -> None:
    rows = readme.read_behaviours(readme.BEHAVIOURS.read_text())
    assert list(readme.faults(rows)) == []
    without = [row for row in rows if "FEED_SECONDS" not in row.switches]
    assert list(readme.faults(without)) == ["setting feed_seconds has no behaviour"]
    more = readme.read_behaviours("x | assumed | quirk no_such; NO_SUCH; control POST /control/x")
    assert list(readme.faults([*rows, *more])) == [
        "setting no_such does not exist",
        "quirk no_such does not exist",
    ]


def test_a_row_shows_its_switches(readme: Any) -> None:
    (row,) = readme.read_behaviours(
        "Does x | seen 1 | RATES; quirk limit_form; control POST /control/orders with `status`\n"
    )
    assert row.row == (
        "| Does x | seen 1 | `RATES`, quirk `limit_form`, `POST /control/orders` with `status` |"
    )


@pytest.mark.parametrize("line", ["x | assumed", " | assumed |", "x | | RATES", "x"])
def test_a_line_that_is_no_behaviour_is_refused(readme: Any, line: str) -> None:
    with pytest.raises(ValueError, match="not a behaviour"):
        readme.read_behaviours(line)
