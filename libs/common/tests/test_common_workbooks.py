"""Workbooks are written while they are sent, hold what they were given, and run nothing."""

import io
import tracemalloc
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.web import workbooks
from common.web.workbooks import MOST_CHARACTERS, Cell, WorkbookStream

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
TEXTS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"
    ),
    min_size=1,
)


def written(*sheets: tuple[str, Sequence[str], Sequence[Sequence[Cell]]]) -> zipfile.ZipFile:
    stream = WorkbookStream()
    content = b""
    for title, columns, rows in sheets:
        stream.begin_sheet(title, columns)
        stream.add_rows(rows)
        content += stream.take()
    stream.finish()
    return zipfile.ZipFile(io.BytesIO(content + stream.take()))


def cells_of(file: zipfile.ZipFile, number: int = 1) -> dict[str, ElementTree.Element]:
    sheet = ElementTree.fromstring(file.read(f"xl/worksheets/sheet{number}.xml"))
    return {cell.attrib["r"]: cell for cell in sheet.iter(f"{MAIN}c")}


def text_of(cell: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in cell.iter(f"{MAIN}t"))


@given(st.lists(TEXTS, max_size=10))
def test_texts_are_texts_whatever_they_begin_with(texts: list[str]) -> None:
    file = written(("Products", ["text"], [[text] for text in texts]))
    assert file.testzip() is None
    cells = cells_of(file)
    for number, text in enumerate(texts, 2):
        cell = cells[f"A{number}"]
        assert cell.attrib["t"] == "inlineStr"
        assert cell.find(f"{MAIN}f") is None
        assert text_of(cell).replace("_x005F_", "_") == text.replace("_x005F_", "_")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", " =cmd|'/C calc'!A0", "=HYPERLINK(1)"])
def test_what_would_be_a_formula_when_typed_again_is_marked_as_text(text: str) -> None:
    cell = cells_of(written(("Products", ["text"], [[text]])))["A2"]
    assert (text_of(cell), cell.attrib["s"]) == (text, "2")


def test_numbers_are_numbers_and_nothing_takes_no_place() -> None:
    cells = cells_of(written(("Products", ["a", "b", "c"], [[3, None, Decimal("12.90")]])))
    assert [cells[place].findtext(f"{MAIN}v") for place in ("A2", "C2")] == ["3", "12.90"]
    assert "B2" not in cells


def test_what_no_cell_can_hold_is_cut_or_replaced() -> None:
    cells = cells_of(written(("Products", ["a", "b"], [["x" * 40_000, "a\x00b\x1f\r\nc\rd"]])))
    assert len(text_of(cells["A2"])) == MOST_CHARACTERS
    assert text_of(cells["B2"]) == "a\ufffdb\ufffd\nc\nd"


def test_what_a_sheet_cannot_hold_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_ROWS", 3)
    file = written(("Products", ["n"], [[n] for n in range(5)]), ("Source", ["n"], []))
    book = ElementTree.fromstring(file.read("xl/workbook.xml"))
    names = [sheet.attrib["name"] for sheet in book.iter(f"{MAIN}sheet")]
    assert names == ["Products", "Products (2)", "Products (3)", "Source"]
    assert [*cells_of(file, 3)] == ["A1", "A2"]


def test_memory_does_not_grow_with_the_workbook() -> None:
    stream = WorkbookStream()
    stream.begin_sheet("Products", ["text", "number"])

    def write(pages: int) -> None:
        for page in range(pages):
            stream.add_rows([[f"text {page} {n}", n] for n in range(200)])
            stream.take()

    write(5)
    tracemalloc.start()
    write(5)
    few = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    write(100)
    many = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert many < few * 1.5 + 100_000
