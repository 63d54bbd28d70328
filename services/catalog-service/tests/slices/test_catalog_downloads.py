"""The whole preview as a workbook, read back as spreadsheets do, and its quality (M6.1, M3.14)."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
from python_calamine import CalamineWorkbook

from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.preview import download
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

from ..wall_clocks import form, row

PREVIEW = "/v1/merchants/m/feeds/f/preview"
FORMULA = "=HYPERLINK(1)"


async def fill(
    pool: Pool,
    ingest: Callable[..., Awaitable[list[NotApplied]]],
    settle: Callable[[], Awaitable[None]],
) -> None:
    async with unit_of_work(pool) as connection:
        await apply_configuration(connection, "m", "f", form())
    await ingest(
        row("a", 1, title=FORMULA, note="-5"),
        row("p", 1, price=""),
        *(row(f"p-{n}", 1, "p", color=c, size="=2") for n, c in enumerate(("Red", "Blue"))),
        row("broken", 1, price="cheap"),
        row("unmatched", 1, category="Unheard"),
    )
    await settle()


def sheets_of(file: Path) -> dict[str, list[list[Any]]]:
    """Each sheet's rows, by its name."""
    with CalamineWorkbook.from_path(file) as book:
        return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


async def test_the_preview_is_a_workbook_of_skus_and_source_fields(
    pool: Pool,
    api: httpx2.AsyncClient,
    ingest: Callable[..., Awaitable[list[NotApplied]]],
    settle: Callable[[], Awaitable[None]],
    tmp_path: Path,
) -> None:
    await fill(pool, ingest, settle)
    answer = await api.get(f"{PREVIEW}-download", params={"format": "xlsx"})
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    file = tmp_path / "preview.xlsx"
    file.write_bytes(answer.content)
    sheets = sheets_of(file)
    assert [*sheets] == ["Products", "Source fields"]
    header, *rows = sheets["Products"]
    assert header == [*download.COLUMNS]
    products = [dict(zip(header, cells, strict=True)) for cells in rows]
    assert [line["sku"] for line in products] == ["a", "broken", "p-0", "p-1", "unmatched"]
    assert products[0]["title"] == FORMULA
    assert products[0]["price"] == 10.0
    assert 0 < products[0]["quality"] < 100
    header, *rows = sheets["Source fields"]
    sources = {cells[1]: dict(zip(header, cells, strict=True)) for cells in rows}
    assert [*sources] == ["a", "broken", "p", "p-0", "p-1", "unmatched"]
    assert sources["a"]["note"] == "-5"
    assert (sources["p-1"]["parent"], sources["p-1"]["size"]) == ("p", "=2")


async def test_fields_beyond_the_columns_stand_together(
    pool: Pool,
    api: httpx2.AsyncClient,
    ingest: Callable[..., Awaitable[list[NotApplied]]],
    settle: Callable[[], Awaitable[None]],
    tmp_path: Path,
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(download, "MOST_FIELDS", 1)
    await fill(pool, ingest, settle)
    answer = await api.get(f"{PREVIEW}-download", params={"format": "xlsx"})
    file = tmp_path / "preview.xlsx"
    file.write_bytes(answer.content)
    header, first, *_ = sheets_of(file)["Source fields"]
    assert len(header) == len(download.SOURCE_COLUMNS) + 2
    assert FORMULA in first[-1] or FORMULA in first[-2]


async def test_quality_is_shown_counted_and_filtered_by_whatever_is_wrong(
    pool: Pool,
    api: httpx2.AsyncClient,
    ingest: Callable[..., Awaitable[list[NotApplied]]],
    settle: Callable[[], Awaitable[None]],
) -> None:
    await fill(pool, ingest, settle)
    await ingest(row("orphan-1", 1, "orphan"))
    await settle()
    shown = (await api.get(PREVIEW)).json()["items"]
    figures = {line["family_id"]: line["quality"] for line in shown}
    assert figures["orphan"] is None
    assert all(figures[name] is not None for name in ("a", "broken", "p", "unmatched"))
    states = {line["family_id"]: line["state"] for line in shown}
    assert states["broken"] != "valid"
    assert (await api.get(f"{PREVIEW}/broken")).json()["quality"] == figures["broken"]
    feed = (await api.get("/v1/merchants/m/feeds/f/completeness")).json()["quality"]
    known = [figure for figure in figures.values() if figure is not None]
    assert (feed["products"], feed["unknown"]) == (len(known), 1)
    assert feed["average"] == round(sum(known) / len(known), 1)
    assert sum(each["products"] for each in feed["distribution"]) == len(known)
    worst = min(known)
    few = (await api.get(PREVIEW, params={"quality_to": worst})).json()["items"]
    assert {line["family_id"] for line in few} == {n for n, q in figures.items() if q == worst}
    most = (await api.get(PREVIEW, params={"quality_from": worst + 1})).json()["items"]
    assert {line["family_id"] for line in most} == {
        name for name, quality in figures.items() if quality is not None and quality > worst
    }
    assert (await api.get(PREVIEW, params={"quality_to": 101})).status_code == 422
    groups = (await api.get("/v1/merchants/m/feeds/f/issues")).json()
    assert any(group["rule"] == "M3.14" and group["families"] > 1 for group in groups)
