"""CSV files of parcels as people and spreadsheets write them."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_importer.shipment_files.read_file import (
    COLUMNS,
    MAX_ROWS,
    TEMPLATE,
    BadRow,
    FileRefused,
    FileRow,
    read_file,
)

HEADER = "order_id,carrier,tracking_number"
ROW = "8190000000000001,UPS,1Z999AA10123456784"


def one(text: str | bytes) -> FileRow:
    """The only row of a file, which is readable."""
    [row] = read_file(text if isinstance(text, bytes) else text.encode())
    assert isinstance(row, FileRow), row
    return row


def refused(text: str) -> BadRow:
    """The only row of a file, which is not."""
    [row] = read_file(text.encode())
    assert isinstance(row, BadRow), row
    return row


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"{HEADER}\n{ROW}\n".encode(), id="plain"),
        pytest.param(f"{HEADER}\r\n{ROW}".encode("utf-8-sig"), id="bom-and-crlf"),
        pytest.param(f"{HEADER}\n{ROW}\n".replace(",", ";").encode(), id="semicolons"),
        pytest.param(f"{HEADER}\n{ROW}\n".replace(",", "\t").encode(), id="tabs"),
        pytest.param(f"sep=;\r\n{HEADER}\n{ROW}\n".replace(",", ";").encode(), id="sep"),
        pytest.param(
            b"\n\nOrder ID, Carrier ,TRACKING-NUMBER\n\n"
            b"8190000000000001, UPS ,1Z999AA10123456784\n,,\n",
            id="loose",
        ),
        pytest.param(
            b'"order_id","carrier","tracking_number"\n'
            b'"=""8190000000000001""","UPS","\'1Z999AA10123456784"\n',
            id="spreadsheet-quotes",
        ),
        pytest.param(f"{HEADER},,\n{ROW},,\n".encode(), id="empty-columns-behind"),
        pytest.param(f"order,carrier,tracking_number,note\n{ROW}\n".encode(), id="short-row"),
    ],
)
def test_a_file_is_read_as_it_was_meant(content: bytes) -> None:
    row = one(content)
    assert row.order_id == "8190000000000001"
    assert (row.body.carrier, row.body.tracking_number) == ("UPS", "1Z999AA10123456784")
    assert (row.body.lines, row.body.further) == (None, False)


def test_all_columns_are_read() -> None:
    row = one(
        TEMPLATE.encode()
        + b'7,"71 | 72",Correos,LP1,www.correos.es,"fragile, ""glass""",yes,TRUE\r\n'
    )
    assert row.body.lines == ["71", "72"]
    assert row.body.tracking_website == "www.correos.es"
    assert row.body.note == 'fragile, "glass"'
    assert (row.body.further, row.body.more_follow) == (True, True)


@pytest.mark.parametrize(
    ("row", "field", "says"),
    [
        pytest.param("8.19E+15,UPS,1Z", "order_id", "rounded", id="rounded-order"),
        pytest.param('1,UPS,"9,4E+21"', "tracking_number", "rounded", id="rounded-number"),
        pytest.param(",UPS,1Z", "order_id", "no order", id="no-order"),
        pytest.param("1,,1Z", "carrier", "carrier is empty", id="no-carrier"),
        pytest.param("1,UPS,", "tracking_number", "tracking_number is empty", id="no-number"),
        pytest.param("a/b,UPS,1Z", "order_id", "cannot be", id="order-with-slash"),
        pytest.param(f"1,UPS,{'9' * 201}", "tracking_number", "200", id="long-number"),
        pytest.param("1,UPS,1Z,more", "tracking_number", "4 cells", id="too-many-cells"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_alone(row: str, field: str, says: str) -> None:
    rows = read_file(f"{HEADER}\n{row}\n{ROW}\n".encode())
    bad, good = rows
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.refusal.field, bad.refusal.rule) == (2, field, "M8.4")
    assert says in bad.refusal.title
    assert bad.refusal.remedy
    assert isinstance(good, FileRow)
    assert good.line == 3


def test_a_flag_is_yes_or_no() -> None:
    row = refused(f"{HEADER},further\n{ROW},perhaps\n")
    assert (row.refusal.field, row.refusal.remedy[:9]) == ("further", "Write yes")


@pytest.mark.parametrize(
    ("content", "says", "status"),
    [
        pytest.param(b"", "no rows", 422, id="empty"),
        pytest.param(HEADER.encode(), "no rows", 422, id="header-alone"),
        pytest.param(TEMPLATE.encode(), "no rows", 422, id="template-alone"),
        pytest.param(f"{ROW}\n".encode(), "names no column", 422, id="no-header"),
        pytest.param(b"order_id,carrier\n1,UPS\n", "tracking_number", 422, id="missing-column"),
        pytest.param(b"carrier,tracking_number\nUPS,1\n", "order_id", 422, id="no-order-column"),
        pytest.param(f"{HEADER},weight\n{ROW},1\n".encode(), "weight", 422, id="unknown-column"),
        pytest.param(f"{HEADER},Carrier\n{ROW},1\n".encode(), "twice", 422, id="column-twice"),
        pytest.param(f"{HEADER}\n{ROW}\n".encode("utf-16"), "UTF-16", 422, id="utf-16"),
        pytest.param(f"{HEADER}\n1,Señor,2\n".encode("latin-1"), "line 2", 422, id="latin-1"),
        pytest.param(f'{HEADER}\n{ROW}\n1,"UPS,2\n'.encode(), "from line 3", 422, id="open-quote"),
        pytest.param(f"{HEADER}\n1,U\0PS,2\n".encode(), "NUL", 422, id="nul"),
        pytest.param(
            (f"{HEADER}\n" + f"{ROW}\n" * (MAX_ROWS + 1)).encode(), "1000 rows", 413, id="too-many"
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_what_to_do(
    content: bytes, says: str, status: int
) -> None:
    with pytest.raises(FileRefused) as refusal:
        read_file(content)
    assert says in refusal.value.title
    assert refusal.value.status == status
    assert (refusal.value.field, refusal.value.rule) == ("file", "M8.4")
    assert refusal.value.remedy


def test_rows_are_numbered_by_the_lines_they_begin_on() -> None:
    rows = read_file(f'{HEADER},note\n\n{ROW},"two\nlines"\n{ROW},x\n'.encode())
    assert [row.line for row in rows] == [3, 5]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for text in (content, f"{HEADER}\n".encode() + content):
        with suppress(FileRefused):
            for row in read_file(text):
                assert isinstance(row, FileRow) or row.refusal.remedy


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(
    st.lists(st.lists(CELL, min_size=8, max_size=8), min_size=1, max_size=5),
    st.sampled_from(",;\t"),
)
def test_what_a_csv_writer_wrote_comes_row_by_row(cells: list[list[str]], mark: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=mark).writerows([COLUMNS, *cells])
    filled = [row for row in cells if any(cell.strip() for cell in row)]
    try:
        rows = read_file(text.getvalue().encode())
    except FileRefused:
        assert filled == []
        return
    assert len(rows) == len(filled)
