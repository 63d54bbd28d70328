"""Workbooks written part by part: what a spreadsheet program would write, and what none would."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_WORKSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'

Cell = str | int | float | None
"""A text, a number, or raw XML of a cell's inside in `Raw`."""


class Raw(str):
    """A cell's attributes and inside as they stand: `t="e"><v>#N/A</v>`."""


def xlsx(
    *sheets: Sequence[Sequence[Cell]],
    names: Sequence[str] = (),
    states: Mapping[int, str] | None = None,
    merges: Sequence[str] = (),
) -> bytes:
    """A workbook of these sheets; `states` hides some, `merges` are of the first."""
    titles = list(names) or [f"Sheet{n}" for n in range(1, len(sheets) + 1)]
    parts = {
        "[Content_Types].xml": _content_types(len(sheets)),
        "_rels/.rels": _relations({"rId1": ("officeDocument", "xl/workbook.xml")}),
        "xl/_rels/workbook.xml.rels": _relations(
            {f"rId{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in _numbers(sheets)}
            | {"rId99": ("styles", "styles.xml")}
        ),
        "xl/workbook.xml": _workbook(titles, states or {}),
        "xl/styles.xml": _styles(),
        **{
            f"xl/worksheets/sheet{n}.xml": _sheet(sheet, merges if n == 1 else ())
            for n, sheet in enumerate(sheets, start=1)
        },
    }
    return archive(parts)


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive of these parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in parts.items():
            written.writestr(name, content)
    return file.getvalue()


def date(serial: float) -> Raw:
    """A day as Excel keeps it: a number in a format of dates."""
    return Raw(f' s="1"><v>{serial}</v>')


def _numbers(sheets: Sequence[object]) -> range:
    return range(1, len(sheets) + 1)


def _content_types(sheets: int) -> str:
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_WORKSHEET}"/>'
        for n in range(1, sheets + 1)
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{overrides}</Types>'
    )


def _relations(targets: Mapping[str, tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for name, (kind, target) in targets.items()
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _workbook(titles: Sequence[str], states: Mapping[int, str]) -> str:
    sheets = "".join(
        f'<sheet name="{escape(title)}" sheetId="{n}" r:id="rId{n}"'
        f' state="{states.get(n, "visible")}"/>'
        for n, title in enumerate(titles, start=1)
    )
    return (
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}">'
        f"<sheets>{sheets}</sheets></workbook>"
    )


def _styles() -> str:
    return (
        f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>'
        '<fills count="1"><fill/></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
        "</styleSheet>"
    )


def _sheet(rows: Sequence[Sequence[Cell]], merges: Sequence[str]) -> str:
    inner = "".join(
        f'<row r="{n}">{"".join(_cell(n, at, cell) for at, cell in enumerate(row))}</row>'
        for n, row in enumerate(rows, start=1)
        if row
    )
    merged = "".join(f'<mergeCell ref="{each}"/>' for each in merges)
    tail = f"<mergeCells>{merged}</mergeCells>" if merged else ""
    return f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{inner}</sheetData>{tail}</worksheet>'


def _cell(row: int, column: int, cell: Cell) -> str:
    reference = f"{chr(ord('A') + column)}{row}"
    if cell is None:
        return ""
    if isinstance(cell, Raw):
        return f'<c r="{reference}"{cell}</c>'
    if isinstance(cell, str):
        return f'<c r="{reference}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
    return f'<c r="{reference}"><v>{cell}</v></c>'


_ODS = "urn:oasis:names:tc:opendocument:xmlns"
_CALCEXT = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
_MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"


def ods(rows: Sequence[str], *, manifest: str = "") -> bytes:
    """A workbook of one sheet; rows are the XML of their cells."""
    inner = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    content = (
        f'{_HEAD}<office:document-content xmlns:office="{_ODS}:office:1.0"'
        f' xmlns:table="{_ODS}:table:1.0" xmlns:text="{_ODS}:text:1.0"'
        f' xmlns:calcext="{_CALCEXT}" office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="Products">{inner}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    entries = (
        f'{_HEAD}<manifest:manifest xmlns:manifest="{_ODS}:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_MIMETYPE}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">'
        f"{manifest}</manifest:file-entry></manifest:manifest>"
    )
    return archive(
        {"mimetype": _MIMETYPE, "META-INF/manifest.xml": entries, "content.xml": content}
    )


def ods_text(text: str, attributes: str = "") -> str:
    """A cell of text."""
    return (
        f'<table:table-cell office:value-type="string" {attributes}>'
        f"<text:p>{escape(text)}</text:p></table:table-cell>"
    )


def ods_number(number: float, shown: str) -> str:
    """A cell of a number, as it is shown."""
    return (
        f'<table:table-cell office:value-type="float" office:value="{number}">'
        f"<text:p>{shown}</text:p></table:table-cell>"
    )
