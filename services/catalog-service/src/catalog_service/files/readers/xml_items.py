"""XML files: repeated elements as products, read one element at a time, no entities, no network."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from catalog_service.files.readers.items import BadLine, FileRefused, FileTruncated
from common.contracts.catalog import FieldValue

_USUAL = ("item", "product", "entry", "offer", "article")
LOOKED_AT = 2_000


def find_item_tag(path: Path) -> str:
    """The name of the elements that are products. Raises `FileRefused` when none repeats."""
    counts: Counter[str] = Counter()
    try:
        for _, element in _events(path, None):
            counts[_local(element)] += 1
            depth_enough = sum(counts.values()) >= LOOKED_AT
            _forget(element)
            if depth_enough:
                break
    except etree.XMLSyntaxError as error:
        if not counts:
            raise FileRefused(f"the file is no XML: {error}", "Send well-formed XML.") from None
    for name in _USUAL:
        if counts[name]:
            return name
    raise FileRefused(
        "no element of the file is a product",
        f"Name the products' elements one of {', '.join(_USUAL)}.",
    )


def read_xml(path: Path, tag: str) -> Iterator[tuple[int, dict[str, FieldValue]] | BadLine]:
    """Each product's line and fields; a child element that repeats becomes a list.

    Raises `FileTruncated` where the XML breaks.
    """
    try:
        for _, element in _events(path, tag):
            yield element.sourceline or 0, _fields(element)
            _forget(element)
    except etree.XMLSyntaxError as error:
        raise FileTruncated(f"the XML breaks in line {error.lineno}: {error.msg}") from None


def _events(path: Path, tag: str | None) -> Iterator[tuple[str, etree._Element]]:
    with path.open("rb") as file:
        context = etree.iterparse(
            file,
            events=("end",),
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
