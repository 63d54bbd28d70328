"""Downloads hold nothing that a spreadsheet would run."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.web.spreadsheets import as_csv, harmless

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
BEGINS = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20]")


@given(st.lists(st.tuples(CELLS, st.integers()), max_size=20))
def test_no_cell_is_a_formula_and_numbers_stay_numbers(rows: list[tuple[str, int]]) -> None:
    parsed = list(csv.reader(io.StringIO(as_csv(["text", "number"], rows), newline="")))[1:]
    assert len(parsed) == len(rows)
    for (text, number), (cell, figure) in zip(rows, parsed, strict=True):
        assert int(figure) == number
        assert not cell.startswith(("\t", "\r"))
        for part in re.split("[;\t\r\n]", cell):
            assert not BEGINS.match(part.strip())
        assert cell.replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@A1",
        "\t=1",
        "\r=1",
        "  =1",
        "\u00a0=1",
        "\ufeff=1",
        "\u200b=1",
        "\uff1d1",
        "\uff20A1",
        "a;=1",
        "a; =1",
        "a\n=1",
        "a;\u00a0\uff0b1",
    ],
)
def test_what_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    quoted = harmless(text)
    assert quoted != text
    assert quoted.replace("'", "") == text


@pytest.mark.parametrize("text", ["", "a=1", "Tee - blue", "a;b", "1;2", "x@example.org", "3-4"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text
