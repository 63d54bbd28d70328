"""Every format in every encoding its shops use, and what one bad row does to its neighbours."""

import codecs
from pathlib import Path

import pytest

from catalog_service.files.readers.items import BadLine, Entry, FileRefused, FileTruncated, Item
from catalog_service.files.readers.recognise import Options, open_catalogue

TITLES = {
    "cp1252": ("Caf\u00e9 brod\u00e9", "\u20ac 5 \u2013 \u201cna\u00efve\u201d", "Stra\u00dfe"),
    "cp1250": ("\u0141\u00f3d\u017a", "\u017dlu\u0165ou\u010dk\u00fd", "F\u0151z\u0151"),
    "cp1251": ("\u041f\u043b\u0430\u0442\u044c\u0435", "\u0428\u0430\u0440\u0444", "\u0416"),
    "gb18030": ("\u8fde\u8863\u88d9", "\u4e2d\u6587 \u6807\u9898", "\u886c\u886b"),
    "shift_jis": ("\u30ef\u30f3\u30d4\u30fc\u30b9", "\u6642\u8a08", "\u30ab\u30d0\u30f3"),
}
ALL = (*(title for titles in TITLES.values() for title in titles), "\U0001f457 dress")
UNNAMED = {
    "UTF-8": ("utf-8", b""),
    "UTF-8 with a mark": ("utf-8", codecs.BOM_UTF8),
    "UTF-16, little first": ("utf-16-le", codecs.BOM_UTF16_LE),
    "UTF-16, big first": ("utf-16-be", codecs.BOM_UTF16_BE),
    "UTF-32": ("utf-32-le", codecs.BOM_UTF32_LE),
}


FORMATS: dict[str, tuple[str, str]] = {
    "csv": ("id,title\n{}", '{n},"{title}"\n'),
    "tsv": ("id\ttitle\r\n{}", "{n}\t{title}\r\n"),
    "jsonl": ("{}", '{{"id": "{n}", "title": "{title}"}}\n'),
    "xml": ("<products>\n{}</products>", "<product><id>{n}</id><title>{title}</title></product>\n"),
    "google": (
        "id\ttitle\tlink\timage_link\tprice\titem_group_id\n{}",
        "{n}\t{title}\tl\ti\t9 USD\t\n",
    ),
    "shopify": (
        "Handle,Title,Option1 Name,Option1 Value,Variant Price\n{}",
        '{n},"{title}",Title,Default Title,9\n',
    ),
    "woocommerce": (
        "ID,Type,SKU,Name,Regular price,Parent\n{}",
        '{n},simple,S{n},"{title}",9,\n',
    ),
}


def written(form: str, titles: tuple[str, ...]) -> str:
    whole, row = FORMATS[form]
    shown = (title.replace('"', "") for title in titles)
    return whole.format("".join(row.format(n=n, title=title) for n, title in enumerate(shown)))


def read(path: Path, content: bytes, **options: str) -> tuple[str, list[Entry]]:
    path.write_bytes(content)
    found = open_catalogue(path, Options(**options))  # type: ignore[arg-type]
    return found.format, list(found.entries)


def titles_of(entries: list[Entry]) -> list[object]:
    items = [entry for entry in entries if isinstance(entry, Item)]
    return [
        item.fields.get("title", item.fields.get("Title", item.fields.get("Name")))
        for item in items
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("encoding", "mark"), UNNAMED.values(), ids=UNNAMED)
def test_unicode_is_found_out(path: Path, form: str, encoding: str, mark: bytes) -> None:
    found, entries = read(path, mark + written(form, ALL).encode(encoding))
    assert found == form
    assert titles_of(entries) == list(ALL)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("encoding", TITLES)
def test_a_named_encoding_is_used(path: Path, form: str, encoding: str) -> None:
    content = written(form, TITLES[encoding]).encode(encoding)
    found, entries = read(path, content, encoding=encoding)
    assert found == form
    assert titles_of(entries) == list(TITLES[encoding])


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_is_cp1252_throughout_is_read_as_such(path: Path, form: str) -> None:
    titles = TITLES["cp1252"] * 20
    found, entries = read(path, written(form, titles).encode("cp1252"))
    assert found == form
    assert titles_of(entries) == list(titles)


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "xml"])
@pytest.mark.parametrize("place", [0, 7, 14], ids=["first", "between", "last"])
@pytest.mark.parametrize("byte", [b"\xe9", b"\xff", b"\x80", b"\xc3"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["no mark", "a mark"])
def test_one_bad_byte_spoils_its_own_row_only(
    path: Path, form: str, place: int, byte: bytes, mark: bytes
) -> None:
    titles = (*ALL[:place], "brod@", *ALL[place + 1 : 15])
    content = mark + written(form, titles).encode().replace(b"@", byte)
    found, entries = read(path, content)
    assert found == form
    assert titles_of(entries) == [title for title in titles if title != "brod@"]
    [bad] = [entry for entry in entries if isinstance(entry, BadLine)]
    header = 0 if form == "jsonl" else 1
    assert bad.line == place + 1 + header
    assert "bytes" in bad.message


@pytest.mark.parametrize("declared", ["utf-8", "UTF-8", None])
def test_a_bad_byte_of_xml_is_named_by_its_line(path: Path, declared: str | None) -> None:
    head = f"<?xml version='1.0' encoding='{declared}'?>\n" if declared else ""
    content = (head + written("xml", (*ALL[:5], "brod@"))).encode().replace(b"@", b"\xe9")
    line = 7 + bool(declared)
    with pytest.raises((FileRefused, FileTruncated), match=f"line {line} "):
        read(path, content)
