"""Whatever a file holds, however it is to be read: products, bad lines, or a clear refusal."""

import codecs
import encodings
import json
import pkgutil
import time
import tracemalloc
from encodings.aliases import aliases
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog_service.files.readers.encoding import encoding_named
from catalog_service.files.readers.items import BadLine, FileRefused, FileTruncated, Item
from catalog_service.files.readers.recognise import Options, open_catalogue
from catalog_service.files.readers.tables import Table, check_delimiter
from catalog_service.sources.versions import content_of
from catalog_service.texts import is_storable

CODECS = sorted({m.name for m in pkgutil.iter_modules(encodings.__path__)} | set(aliases))
TABLE = "id,title\n1,Clock caf\u00e9\n"
XML = "<?xml version='1.0' encoding='{}'?><r><item><id>1</id><title>caf\u00e9</title></item></r>"

Outcome = FileRefused | FileTruncated | list[Item | BadLine]


def outcome_of(path: Path, content: bytes, **options: Any) -> Outcome:
    """What a file gives. What is raised beside refusals and breaks is a fault."""
    path.write_bytes(content)
    try:
        return list(open_catalogue(path, Options(**options)).entries)
    except (FileRefused, FileTruncated) as refusal:
        return checked(refusal)


def checked(refusal: FileRefused | FileTruncated) -> FileRefused | FileTruncated:
    """The refusal, which says what is wrong and what to do."""
    assert str(refusal)
    assert refusal.remedy
    return refusal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue"


def encoded(text: str, codec: str) -> bytes | None:
    try:
        result = text.encode(codec)
    except (LookupError, ValueError, TypeError):
        return None
    return result if isinstance(result, bytes) else None


def is_of_text_files(codec: str) -> bool:
    try:
        encoding_named(codec)
    except FileRefused:
        return False
    return True


def test_python_has_enough_codecs_to_try() -> None:
    assert len(CODECS) > 400
    assert sum(map(is_of_text_files, CODECS)) > 300
    assert not any(map(is_of_text_files, ("zlib", "hex", "rot13", "idna", "punycode", "undefined")))


@pytest.mark.parametrize("codec", CODECS)
def test_a_file_in_any_named_encoding_is_read_or_refused(path: Path, codec: str) -> None:
    for content in (TABLE.encode(), encoded(TABLE, codec), b'{"id": 1}\n'):
        if content is None:
            continue
        outcome = outcome_of(path, content, encoding=codec)
        if not is_of_text_files(codec):
            assert isinstance(outcome, FileRefused)
            assert outcome.field == "encoding"
    own = encoded(TABLE, codec)
    if own is not None and is_of_text_files(codec):
        outcome = outcome_of(path, own, encoding=codec)
        assert isinstance(outcome, list)
        assert [item.fields["title"] for item in outcome if isinstance(item, Item)] == [
            "Clock caf\u00e9"
        ]


@pytest.mark.parametrize("codec", CODECS)
def test_xml_that_declares_any_encoding_is_read_or_refused(path: Path, codec: str) -> None:
    text = XML.format(codec)
    for content in (text.encode(), encoded(text, codec), encoded(text, "utf-16")):
        if content is not None:
            outcome_of(path, content)
            outcome_of(path, content, format="xml")
    if is_of_text_files(codec) and codec[0].isalpha():
        own = encoded(text, codec)
        if own is not None and own[:5] == b"<?xml":
            outcome = outcome_of(path, own)
            assert isinstance(outcome, list), outcome
            assert outcome[0].fields["title"] == "caf\u00e9"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "named",
    ["", " ", "x" * 10_000, "a\x00b", "\ud800", "../../etc", "__init__", "aliases"],
)
def test_a_name_that_is_none_is_refused(named: str) -> None:
    with pytest.raises(FileRefused):
        encoding_named(named)


@pytest.mark.parametrize(
    ("content", "options", "place"),
    [
        (b"id,title\n1,a\n2,\xe9\n", {"encoding": "utf-8"}, "line 3"),
        (b"id,title\n" + b"1,a\n" * 400_000 + b"2,\xff\n", {"encoding": "utf-8"}, "line 400002"),
        (b"id,title\n1,\xc3\xa9\n", {"encoding": "ascii"}, "line 2"),
        (b"id,title\n1,\x81\n", {"encoding": "cp1252"}, "line 2"),
        (TABLE.encode(), {"encoding": "utf-16"}, "line 1"),
        (TABLE.encode("utf-16") + b"x", {}, "line 3"),
        (b'<?xml version="1.0" encoding="utf-16"?><r><item/></r>', {}, "line 1"),
        (
            b'<?xml version="1.0" encoding="ascii"?>\n<r>\n<item><id>\xe9</id></item></r>',
            {},
            "line 3",
        ),
    ],
    ids=["utf-8", "late", "ascii", "cp1252", "utf-16", "half a pair", "declared", "in XML"],
)
def test_an_encoding_that_does_not_fit_is_refused_with_the_line(
    path: Path, content: bytes, options: dict[str, str], place: str
) -> None:
    outcome = outcome_of(path, content, **options)
    assert isinstance(outcome, FileRefused)
    assert outcome.field == "encoding"
    assert f"{place} " in str(outcome)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_without_a_mark_is_read_when_it_is_named(path: Path, codec: str) -> None:
    content = TABLE.encode(codec)
    for name in (codec, codec.rsplit("-", 1)[0]):
        outcome = outcome_of(path, content, encoding=name)
        assert isinstance(outcome, list)
        assert isinstance(outcome[0], Item)
        assert outcome[0].fields["title"] == "Clock caf\u00e9"


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["no mark", "a mark"])
def test_one_foreign_byte_spoils_its_own_row_only(path: Path, mark: bytes) -> None:
    rows = "".join(f"m{n},Coussin caf\u00e9 brod\u00e9 n\u00b0 {n}\n" for n in range(5)).encode()
    outcome = outcome_of(path, mark + b"id,title\n" + rows + b"bad,caf\xe9\nlast,t\n")
    assert isinstance(outcome, list)
    bad = [entry for entry in outcome if isinstance(entry, BadLine)]
    assert [(b.line, b.product_id) for b in bad] == [(7, "bad")]
    assert "bytes" in bad[0].message
    titles = {e.product_id: e.fields["title"] for e in outcome if isinstance(e, Item)}
    assert titles["m0"] == "Coussin caf\u00e9 brod\u00e9 n\u00b0 0"
    assert titles.keys() == {*(f"m{n}" for n in range(5)), "last"}


def test_a_file_that_is_cp1252_throughout_is_read_as_such(path: Path) -> None:
    content = "id,title\n" + "".join(f"m{n},caf\u00e9 \u20ac\n" for n in range(50))
    outcome = outcome_of(path, content.encode("cp1252"))
    assert isinstance(outcome, list)
    assert {e.fields["title"] for e in outcome if isinstance(e, Item)} == {"caf\u00e9 \u20ac"}


@pytest.mark.parametrize("size", [1_000, 20_000])
def test_a_header_of_equal_names_takes_linear_time(path: Path, size: int) -> None:
    path.write_text(",".join(["name"] * size) + "\n")
    began = time.thread_time()
    if size > 1_000:
        with pytest.raises(FileRefused, match="columns"):
            Table(path, "utf-8", None)
    else:
        columns = Table(path, "utf-8", None).columns
        assert len(set(columns)) == size
        assert columns[:3] == ["name", "name_2", "name_3"]
    assert time.thread_time() - began < 0.2


def test_names_that_look_numbered_stay_apart(path: Path) -> None:
    path.write_text("a,a_2,a,a_2,a,,,a_2_2\n")
    columns = Table(path, "utf-8", None).columns
    assert columns == ["a", "a_2", "a_3", "a_2_2", "a_4", "column_6", "column_7", "a_2_2_2"]


@pytest.mark.parametrize("delimiter", ['"', "\n", "\r", "\x00", "a", "1", "", ",,", "\u00df"])
def test_what_cannot_divide_cells_is_refused(delimiter: str) -> None:
    with pytest.raises(FileRefused) as refused:
        check_delimiter(delimiter)
    assert refused.value.field == "delimiter"


HEADER = b"id,title\n"
ITEM = b"<item><id>1</id><title>t</title></item>"
HOSTILE: dict[str, tuple[bytes, dict[str, Any]]] = {
    "one long line": (b"x" * 30_000_000, {}),
    "one long line of cells": (b"id,title," * 3_000_000, {}),
    "a long row": (HEADER + b"1," + b"t" * 30_000_000 + b"\n2,t\n", {}),
    "a long quoted row": (HEADER + b'1,"' + (b"t" * 99 + b"\n") * 25_000 + b'"\n2,t\n', {}),
    "a quote never closed": (HEADER + b'1,"' + b"t\n" * 10_000, {}),
    "many quotes": (HEADER + b'"' * 1_000_000 + b"\n2,t\n", {}),
    "many cells": (HEADER + b"," * 1_500_000 + b"\n2,t\n", {}),
    "only line ends": (b"\n" * 5_000_000, {"format": "csv"}),
    "returns": (b"id,title\r1,a\r2,b\r", {}),
    "NUL in the header": (b"id,ti\x00tle\n1,t\n", {}),
    "NUL in a lacking header": (b"na\x00me,ti\x00tle\n1,t\n", {}),
    "foreign bytes in the header": (b"id,\xff\xfe\xfd\n1,\xc3\xa9\xc3\xa9\n", {}),
    "a long name": (b"id," + b"n" * 150_000 + b"\n1,t\n", {}),
    "a foreign format": (b"a,b\n1,2\n", {"format": "woocommerce"}),
    "another foreign format": (b"a,b\n1,2\n", {"format": "shopify"}),
    "no google feed": (b"a,b\n1,2\n", {"format": "google"}),
    "an id field that is none": (HEADER + b"1,t\n", {"id_field": "\x00"}),
    "a delimiter that is none": (HEADER + b"1,t\n", {"delimiter": "\n"}),
    "one handle for all": (
        b"Handle,Title,Variant Price,Option1 Value\n" + b"h,t,1,a\n" * 50_000,
        {},
    ),
    "all handles' rows apart": (
        b"Handle,Title,Variant Price,Option1 Value\n"
        + 3 * b"".join(b"h%d,%s,1,a\n" % (n, b"t" * 400) for n in range(2_000)),
        {},
    ),
    "every item a group's parent": (
        b"id\titem_group_id\ttitle\tlink\timage_link\tprice\n"
        + b"".join(b"%d\t%d\t%s\tl\ti\t9\n" % (n, n + 1, b"t" * 400) for n in range(4_000)),
        {},
    ),
    "a picture's position": (
        b"Handle,Title,Variant Price,Option1 Value,Image Src,Image Position\nh,t,1,a,u,"
        + b"9" * 5_000
        + b"\n",
        {},
    ),
    "a long line of JSON": (b'{"id": "' + b"x" * 30_000_000 + b'"}\n{"id": "2"}\n', {}),
    "deep JSON": (b'{"id": "1", "a": ' + b"[" * 100_000 + b"\n" + b'{"id": "2"}\n', {}),
    "deep valid JSON": (b'{"id": 1, "a": ' + b"[" * 900 + b"]" * 900 + b"}\n", {}),
    "numbers of JSON": (b'{"id": ' + b"9" * 5_000 + b', "n": 1e999}\n{"id": 1e400}\n', {}),
    "half characters in JSON": (rb'{"id": "a\ud800", "t": "\udfff"}' + b"\n", {}),
    "NUL in JSON": (rb'{"id": "1", "t": "\u0000"}' + b"\n", {}),
    "foreign bytes in JSON": (b'{"id": "1", "t": "\xc3\xa9\xc3\xa9\xff"}\n', {}),
    "a list of JSON": (b"[1, 2]", {"format": "jsonl"}),
    "a long element": (b"<r><item><id>" + b"x" * 30_000_000 + b"</id></item></r>", {}),
    "many children": (b"<r><item>" + b"<a/>" * 5_000_000 + b"</item></r>", {}),
    "many attributes": (
        b"<r><item " + b"".join(b"a%d='1' " % n for n in range(200_000)) + b"/></r>",
        {},
    ),
    "many siblings": (b"<r>" + ITEM + b"<a/>" * 5_000_000 + ITEM + b"</r>", {}),
    "a long list": (b"<r><item><id>1</id>" + b"<a>1</a>" * 500_000 + b"</item></r>", {}),
    "an unknown entity": (b"<r><item><id>&x;</id></item></r>", {}),
    "a character that is none": (b"<r><item><id>&#0;</id></item></r>", {}),
    "half a character in XML": (b"<r><item><id>&#xd800;</id></item></r>", {}),
    "foreign bytes in XML": (b"<r>" + ITEM + b"<item><id>\xff</id></item></r>", {"format": "xml"}),
    "an open comment": (b"<r>" + ITEM + b"<!--" + b"-" * 1_000_000, {}),
    "no XML": (b"<" * 1_000_000, {}),
    "an archive": (b"PK\x03\x04" + b"\x00" * 1_000_000, {"encoding": "utf-16"}),
    "zeros": (b"\x00" * 1_000_000, {}),
    "zeros that are wide": (b"\x00" * 1_000_001, {"encoding": "utf-32"}),
    "noise": (bytes(range(128, 256)) * 8_000, {}),
}


@pytest.mark.parametrize(("content", "options"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_ends_within_bounded_memory(
    path: Path, content: bytes, options: dict[str, Any]
) -> None:
    path.write_bytes(content)
    began = time.thread_time()
    tracemalloc.start()
    try:
        for entry in open_catalogue(path, Options(**options)).entries:
            check_entry(entry)
    except (FileRefused, FileTruncated) as refusal:
        checked(refusal)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 60_000_000
    assert time.thread_time() - began < 20  # traced, on a busy machine


def check_entry(entry: Item | BadLine) -> None:
    """A product can be stored and sent; a bad line says what is wrong and what to do."""
    if isinstance(entry, BadLine):
        assert entry.message
        assert entry.remedy
        return
    content = content_of(entry.parent_id, entry.fields)
    assert is_storable(json.dumps(json.loads(content.fields), ensure_ascii=False))
    assert is_storable(entry.product_id)


TEXTS = """
id title 1 , ; " { } {"id":"1"} [ <r> </r> <item> </item> <id>1</id> <?xml &amp; <!-- <![CDATA[
\\ud800 Handle ID SKU Type Name Parent
"""
BYTES = [b"\x00", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b"\r", b"\t", b" "]
PIECES = st.sampled_from([*map(str.encode, TEXTS.split()), *BYTES])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "format": st.sampled_from(
            ["csv", "tsv", "jsonl", "xml", "google", "shopify", "woocommerce"]
        ),
        "encoding": st.sampled_from(CODECS),
        "delimiter": st.characters(),
        "id_field": st.text(max_size=5),
        "parent_field": st.text(max_size=5),
    },
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.lists(PIECES | st.binary(max_size=3), max_size=40), options=OPTIONS)
def test_any_bytes_read_by_any_options_give_entries_or_a_refusal(
    path: Path, content: list[bytes], options: dict[str, Any]
) -> None:
    outcome = outcome_of(path, b"".join(content), **options)
    if isinstance(outcome, list):
        for entry in outcome:
            check_entry(entry)
