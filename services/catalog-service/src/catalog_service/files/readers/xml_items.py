"""XML files: repeated elements as products, read one element at a time, no entities, no network."""

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from catalog_service.files.readers.encoding import find_misfit
from catalog_service.files.readers.items import MAX_ROW, BadLine, FileRefused, FileTruncated
from common.contracts.catalog import FieldValue

_USUAL = ("item", "product", "entry", "offer", "article")
LOOKED_AT = 2_000
MAX_PARTS = 5_000
"""Attributes and child elements of a product; lxml's time for attributes grows by their square."""
MAX_BETWEEN = 4 * MAX_ROW
"""Bytes of UTF-8 from the end of one product to the end of the next."""


class _Utf8:
    """A file in any encoding, as the UTF-8 that the parser reads, a bounded piece for a product."""

    def __init__(self, path: Path, file: io.TextIOWrapper) -> None:
        self._path = path
        self._file = file
        self._left = MAX_BETWEEN

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes. Raises `FileRefused` where a product has too many of them, and
        `FileTruncated` at bytes that are not of the encoding."""
        try:
            data = self._file.read(size).encode()
        except UnicodeError:
            line = find_misfit(self._path, self._file.encoding)
            raise FileTruncated(f"line {line} has bytes that are not of the encoding") from None
        self._left -= len(data)
        if self._left < 0:
            raise FileRefused(
                "a product of the XML is too large",
                f"Keep to {MAX_BETWEEN} bytes from one product to the next.",
            )
        return data

    def begin_product(self) -> None:
        """What follows is of another product."""
        self._left = MAX_BETWEEN


def find_item_tag(path: Path, encoding: str) -> str:
    """The name of the elements that are products. Raises `FileRefused` when none repeats."""
    counts: Counter[str] = Counter()
    try:
        for _, element in _events(path, encoding, None):
            counts[_local(element)] += 1
            depth_enough = sum(counts.values()) >= LOOKED_AT
            _forget(element)
            if depth_enough:
                break
    except (etree.XMLSyntaxError, FileTruncated) as error:
        if not counts:
            raise FileRefused(f"the file is no XML: {error}", "Send well-formed XML.") from None
    for name in _USUAL:
        if counts[name]:
            return name
    raise FileRefused(
        "no element of the file is a product",
        f"Name the products' elements one of {', '.join(_USUAL)}.",
    )


def read_xml(
    path: Path, encoding: str, tag: str
) -> Iterator[tuple[int, dict[str, FieldValue]] | BadLine]:
    """Each product's line and fields; a child element that repeats becomes a list.

    Raises `FileTruncated` where the XML breaks.
    """
    try:
        for _, element in _events(path, encoding, tag):
            line = element.sourceline or 0
            if len(element.attrib) + len(element) > MAX_PARTS:
                yield BadLine(line, "the product has too many parts", f"Keep to {MAX_PARTS}.")
            else:
                yield line, _fields(element)
            _forget(element)
    except etree.XMLSyntaxError as error:
        raise FileTruncated(f"the XML breaks in line {error.lineno}: {error.msg}") from None


def _events(path: Path, encoding: str, tag: str | None) -> Iterator[tuple[str, etree._Element]]:
    with path.open(encoding=encoding, newline="") as file:
        source = _Utf8(path, file)
        context = etree.iterparse(
            source,
            events=("end",),
            encoding="utf-8",  # whatever its declaration says: this is how it is handed over
            tag=None if tag is None else ("{*}" + tag),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        for event, element in context:
            if element.getroottree().docinfo.doctype:
                raise FileRefused(
                    "the XML has a document type declaration", "Send the XML without a DOCTYPE."
                )
            yield event, element
            source.begin_product()


def _fields(element: etree._Element) -> dict[str, FieldValue]:
    fields: dict[str, FieldValue] = {}
    for name, value in element.attrib.items():
        fields[str(name)] = str(value)
    for child in element:
        if not isinstance(child.tag, str):
            continue
        text = " ".join("".join(child.itertext()).split()) if len(child) else child.text or ""
        name = _local(child)
        known = fields.get(name)
        if known is None:
            fields[name] = text.strip()
        elif isinstance(known, list):
            known.append(text.strip())
        else:
            fields[name] = [str(known), text.strip()]
    return fields


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _forget(element: etree._Element) -> None:
    """Free the element and its earlier siblings, so that memory stays flat."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
