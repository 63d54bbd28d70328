"""XLSX and ODS: a sheet becomes rows of texts, and what cannot be opened is refused with why."""

import subprocess
import sys
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.files.readers import unroll_workbook, workbooks
from catalog_service.files.readers.items import BadLine, FileRefused, Item
from catalog_service.files.readers.recognise import Options, open_catalogue
from catalog_service.files.readers.unroll_workbook import text_of

from ..workbook_files import Cell, Raw, archive, ods, ods_number, ods_text, xlsx
from ..workbook_files import date as day

HEADER = ("id", "title", "ean")
Rows = Sequence[Sequence[Cell]]


def read(
    tmp_path: Path, content: bytes, **options: str
) -> tuple[str, list[Item], list[BadLine], int | None]:
    path = tmp_path / "catalogue"
    path.write_bytes(content)
    found = open_catalogue(path, Options(**options))  # type: ignore[arg-type]
    entries = list(found.entries)
    return (
        found.format,
        [entry for entry in entries if isinstance(entry, Item)],
        [entry for entry in entries if isinstance(entry, BadLine)],
        found.lines,
    )


def test_numbers_are_as_a_person_reads_them(tmp_path: Path) -> None:
    rows: Rows = [HEADER, ("0012", "Hat", 12345678901234), (13, "Cap", 0.30000000000000004)]
    found, items, bad, lines = read(tmp_path, xlsx(rows))
    assert (found, bad, lines) == ("xlsx", [], 3)
    assert [(i.product_id, i.fields["ean"], i.line) for i in items] == [
        ("0012", "12345678901234", 2),
        ("13", "0.3", 3),
    ]


def test_titles_and_empty_rows_above_the_header_are_passed_over(tmp_path: Path) -> None:
    rows = [("Price list 2026",), (), HEADER, ("a", "Hat", None), (), ("b", "Cap", None)]
    _, items, bad, _ = read(tmp_path, xlsx(rows))
    assert bad == []
    assert [(i.product_id, i.line) for i in items] == [("a", 4), ("b", 6)]


def test_the_first_visible_sheet_with_a_header_is_taken_or_the_one_named(tmp_path: Path) -> None:
    sheets = ([HEADER, ("x", "Hidden", None)], [("Notes",)], [HEADER, ("a", "Hat", None)])
    content = xlsx(*sheets, names=("Old", "Notes", "Products"), states={1: "hidden"})
    assert [i.product_id for i in read(tmp_path, content)[1]] == ["a"]
    assert [i.product_id for i in read(tmp_path, content, sheet="Old")[1]] == ["x"]
    with pytest.raises(FileRefused, match=r"no sheet 'Other'; it has Notes, Products"):
        read(tmp_path, content, sheet="Other")


def test_dates_are_iso_and_booleans_words(tmp_path: Path) -> None:
    rows = [("id", "from", "at", "on"), ("a", day(46053), day(46053.5), Raw(' t="b"><v>1</v>'))]
    _, [item], _, _ = read(tmp_path, xlsx(rows))
    assert (item.fields["from"], item.fields["on"]) == ("2026-01-31", "true")
    assert str(item.fields["at"]).startswith("2026-01-31")


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        (Raw("><f>1+1</f>"), "C3 holds a formula without a stored result"),
        (Raw("><f>1+1</f><v></v>"), "C3 holds a formula without a stored result"),
        (Raw(' t="e"><v>#DIV/0!</v>'), "C3 holds the error #DIV/0!"),
        (Raw(' t="e"><f>1/0</f><v>#DIV/0!</v>'), "C3 holds the error #DIV/0!"),
    ],
)
def test_a_cell_that_only_looks_empty_is_a_problem_of_its_row(
    tmp_path: Path, cell: Raw, what: str
) -> None:
    rows = [HEADER, ("a", "Hat", None), ("b", "Cap", cell), ("c", "Tie", Raw("><f>1</f><v>1</v>"))]
    _, items, [problem], _ = read(tmp_path, xlsx(rows))
    assert [(i.product_id, i.fields["ean"]) for i in items] == [("a", ""), ("c", "1")]
    assert (problem.line, what in problem.message) == (3, True)
    assert "save it again" in problem.remedy


def test_a_merged_cell_stands_in_each_of_its_rows(tmp_path: Path) -> None:
    rows = [HEADER, ("a", "Hat", None), ("b", None, None), ("c", None, None), ("d", "Tie", None)]
    _, items, _, _ = read(tmp_path, xlsx(rows, merges=["B2:B4"]))
    assert [i.fields["title"] for i in items] == ["Hat", "Hat", "Hat", "Tie"]


def test_a_sheet_that_begins_lower_right_keeps_its_rows_numbers(tmp_path: Path) -> None:
    rows: list[tuple[str | None, ...]] = [(), (), (), (None, None, *HEADER)]
    rows += [(None, None, "a", "Hat", None), (None, None, "b", None, None)]
    _, items, _, _ = read(tmp_path, xlsx(rows, merges=["D5:D6"]))
    assert [(i.line, i.fields["title"]) for i in items] == [(5, "Hat"), (6, "Hat")]


def test_ods_is_read_alike(tmp_path: Path) -> None:
    formula = '<table:table-cell table:formula="of:=1+1"/>'
    error = (
        '<table:table-cell table:formula="of:=1/0" office:value-type="string"'
        ' calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
    )
    covered = "<table:covered-table-cell/>"
    rows = [
        "".join(map(ods_text, HEADER)),
        ods_text("0012") + ods_text("Hat", 'table:number-rows-spanned="2"') + ods_number(1e13, "1"),
        ods_text("b") + covered + ods_number(12.5, "12,50"),
        ods_text("c") + ods_text("Cap") + formula,
        ods_text("d") + ods_text("Tie") + error,
    ]
    found, items, bad, lines = read(tmp_path, ods(rows))
    assert (found, lines) == ("ods", 5)
    assert [(i.product_id, i.fields["title"], i.fields["ean"]) for i in items] == [
        ("0012", "Hat", "10000000000000"),
        ("b", "Hat", "12.5"),
    ]
    assert [(problem.line, problem.message) for problem in bad] == [
        (4, "the cell C4 holds a formula without a stored result"),
        (5, "the cell C5 holds the error #DIV/0!"),
    ]


def test_formats_are_known_in_workbooks_too(tmp_path: Path) -> None:
    rows: Rows = [
        ("Handle", "Title", "Variant Price", "Option1 Value"),
        ("hat", "Hat", 9.5, "S"),
        ("hat", None, 10, "M"),
    ]
    found, items, _, _ = read(tmp_path, xlsx(rows))
    assert (found, [i.product_id for i in items]) == ("shopify", ["hat", "hat:S", "hat:M"])


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000)
LOCKED = '<manifest:encryption-data manifest:checksum="x"/>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (OLE + "EncryptedPackage".encode("utf-16-le"), "locked by a password"),
        (OLE + "Workbook".encode("utf-16-le"), "an old Excel workbook"),
        (ods([ods_text("id")], manifest=LOCKED), "locked by a password"),
        (archive({"products.csv": "id,title\n1,Hat\n"}), "the file is a ZIP archive"),
        (archive({"xl/workbook.bin": "x"}), "XLSB"),
        (xlsx([HEADER, ("a", "Hat", None)])[:-60], "archive or workbook is broken"),
        (archive({"xl/workbook.xml": "<workbook"}), "the workbook is broken"),
        (xlsx([("Only a title",)]), "no sheet of the workbook has a header"),
        (xlsx([]), "no sheet of the workbook has a header"),
    ],
    ids=["locked", "xls", "ods locked", "zip", "xlsb", "cut", "no sheets", "title", "empty"],
)
def test_what_cannot_be_opened_is_refused_with_why(
    tmp_path: Path, content: bytes, why: str
) -> None:
    with pytest.raises(FileRefused, match=why) as refused:
        read(tmp_path, content)
    assert refused.value.remedy


def test_a_workbook_said_to_be_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="is said to be jsonl and is a workbook"):
        read(tmp_path, xlsx([HEADER]), format="jsonl")


def test_a_bomb_is_refused_by_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", 3_000_000)
    content = xlsx([HEADER, ("a", "0" * 3_000_000, None)])
    assert len(content) < 20_000
    with pytest.raises(FileRefused, match="unpacks to more than 3000000 bytes"):
        read(tmp_path, content)


def test_a_sheet_that_needs_too_much_memory_ends_its_process_alone(tmp_path: Path) -> None:
    path, target = tmp_path / "catalogue", tmp_path / "rows"
    path.write_bytes(xlsx([HEADER]))
    cell = '<c t="inlineStr"><is><t>' + "0" * 1_000_000 + "</t></is></c>"
    with zipfile.ZipFile(path) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    head, tail = parts.pop("xl/worksheets/sheet1.xml").split(b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in parts.items():
            written.writestr(name, content)
        with written.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(head)
            for _ in range(700):
                sheet.write(f"<row>{cell}</row>".encode())
            sheet.write(b"</sheetData>" + tail)
    command = [sys.executable, "-m", unroll_workbook.__name__, str(path), str(target), ""]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode not in {0, unroll_workbook.REFUSED}
    with pytest.raises(FileRefused, match="too large, or too broken"):
        open_catalogue(path, Options())


def test_a_part_may_not_lie_about_its_name(tmp_path: Path) -> None:
    content = archive({"xl/workbook.xml": "x", "../../escape": "y"})
    with pytest.raises(FileRefused):
        read(tmp_path, content)
    assert not (tmp_path.parent / "escape").exists()
    assert zipfile.is_zipfile(tmp_path / "catalogue")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (12345678901234.0, "12345678901234"),
        (1e300, "1" + "0" * 300),
        (1.5e-7, "0.00000015"),
        (12.9, "12.9"),
        (-3.0, "-3"),
        (True, "true"),
        (datetime.fromisoformat("2026-01-31"), "2026-01-31"),
        (datetime.fromisoformat("2026-01-31T23:59:59"), "2026-01-31 23:59:59"),
        (date(2026, 1, 31), "2026-01-31"),
        (time(12, 30), "12:30:00"),
    ],
)
def test_a_cell_as_text(cell: unroll_workbook.Cell, text: str) -> None:
    assert text_of(cell) == text


@given(st.floats(min_value=-1e300, max_value=1e300))
def test_no_number_has_an_exponent_and_fifteen_digits_stay(number: float) -> None:
    text = text_of(number)
    assert "e" not in text.casefold()
    assert float(text) == pytest.approx(number, rel=1e-14, abs=0)
