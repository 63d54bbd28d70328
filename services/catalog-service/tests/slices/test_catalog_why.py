"""Why a SKU is wanted as it is: its row, how that fills it, what is wrong; the body it gives."""

import csv
import io
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import msgspec
import pytest

from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.preview import download
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

from ..wall_clocks import WALL_CLOCKS, form, gone, row

Ingest = Callable[..., Awaitable[list[NotApplied]]]
Settle = Callable[[], Awaitable[None]]
FEED = "/v1/merchants/m/feeds/f"
CODES = {"sku_code": {"template": "SKU-{{ product_id }}"}}


@pytest.fixture
async def feed(pool: Pool, connected_shop: None) -> None:
    base = form().model_dump(by_alias=True, exclude_none=True, exclude_unset=True)
    rules = {"exclude": {"field": "title", "contains": "Ugly"}}
    attributes = {"attributes": base["attributes"] | CODES}
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        await apply_configuration(connection, "m", "f", form(**rules, **attributes))


async def why(api: httpx2.AsyncClient, sku: str) -> dict[str, Any]:
    answer = await api.get(f"{FEED}/skus/{sku}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.usefixtures("feed")
async def test_a_skus_way_from_its_row_to_what_is_wanted(
    api: httpx2.AsyncClient, ingest: Ingest, settle: Settle
) -> None:
    await ingest(
        row("p", 3),
        row("p-1", 4, "p", color="Red", price="12"),
        row("p-2", 5, "p", color="Blue", price="a lot"),
    )
    pending = await api.get(f"{FEED}/skus/p-1")
    assert pending.json()["is_pending"]
    assert (pending.json()["state"], pending.json()["revision"]) == (None, None)
    await settle()

    right, wrong = await why(api, "SKU-p-1"), await why(api, "SKU-p-2")
    assert (right["family_id"], right["product_id"], right["state"]) == (
        "p",
        "p-1",
        "offers_invalid",
    )
    assert (right["source"]["version"], right["parent"]["version"]) == (4, 3)
    assert (right["configuration_version"], right["evaluated_with"]) == (1, 1)
    assert (right["category_path"], right["category_id"]) == ("Clocks > Wall", WALL_CLOCKS)
    assert not right["is_pending"]
    matches = {match["field"]: match for match in right["matches"]}
    assert matches["sku_info_list > price"]["sources"] == {"price": "12"}
    assert matches["title_multi_language_list > en_US"]["product_id"] == "p"
    assert (right["wanted"]["price"], right["wanted"]["inventory"]) == ("12.00", 5)
    assert [issue for issue in right["issues"] if issue["severity"] == "error"] == []
    [issue] = [issue for issue in wrong["issues"] if issue["severity"] == "error"]
    assert (issue["rule"], issue["sources"]) == ("M3.9", {"price": "a lot"})
    assert wrong["wanted"]["price"] is None


@pytest.mark.usefixtures("feed")
async def test_what_is_left_out_or_gone_is_still_found_and_says_so(
    api: httpx2.AsyncClient, ingest: Ingest, settle: Settle
) -> None:
    await ingest(row("a", 1), row("b", 1, title="Ugly clock"), row("c", 1))
    await settle()
    by_id = await why(api, "b")  # it never had a SKU code
    assert (by_id["state"], by_id["excluded_by"], by_id["wanted"]) == (
        "excluded",
        ["exclude"],
        None,
    )

    await ingest(row("a", 2, title="Ugly clock"), gone("c", 2))
    await settle()
    excluded, deleted = await why(api, "SKU-a"), await why(api, "SKU-c")
    assert (excluded["state"], excluded["excluded_by"]) == ("excluded", ["exclude"])
    assert (deleted["state"], deleted["absent_reason"]) == ("deleted", "deleted")
    assert deleted["source"]["is_deleted"]
    assert (await why(api, "c"))["source"]["is_deleted"]


@pytest.mark.usefixtures("feed")
async def test_a_code_follows_the_family_that_has_it_now(
    api: httpx2.AsyncClient, ingest: Ingest, settle: Settle, pool: Pool
) -> None:
    await ingest(row("a", 1), row("a-1", 1, "a", color="Red"), row("b", 1), row("m", 1, "a"))
    await settle()
    assert (await why(api, "SKU-m"))["family_id"] == "a"
    await ingest(row("m", 2, "b"))
    await settle()
    assert (await why(api, "SKU-m"))["family_id"] == "b"
    kept = await pool.fetch("SELECT family_id, sku_code FROM family_sku ORDER BY 1, 2")
    assert [tuple(pair) for pair in kept] == [("a", "SKU-a-1"), ("b", "SKU-m")]


@pytest.mark.usefixtures("feed")
async def test_a_code_nobody_knows_names_the_nearest(
    api: httpx2.AsyncClient, merchants: Any, ingest: Ingest, settle: Settle
) -> None:
    await ingest(row("100", 1), row("200", 1))
    await settle()
    answer = await api.get(f"{FEED}/skus/sku-1OO")
    assert answer.status_code == 404
    assert "SKU-100" in answer.json()["remedy"]
    foreign = await merchants("other").get("/v1/merchants/other/feeds/f/skus/SKU-100")
    assert (foreign.status_code, "SKU-100" in foreign.text) == (404, False)


@pytest.mark.usefixtures("feed")
async def test_the_preview_has_the_body_that_creates_the_product_and_none_where_none_can(
    api: httpx2.AsyncClient, ingest: Ingest, settle: Settle
) -> None:
    await ingest(row("a", 1), row("b", 1, price="a lot"))
    await settle()
    good, bad = [(await api.get(f"{FEED}/preview/{family}")).json() for family in "ab"]
    [sku] = good["body"]["sku_info_list"]
    assert (sku["sku_code"], sku["price"], sku["inventory"]) == ("SKU-a", 10.0, 5)
    assert good["body"]["category_id"] == int(WALL_CLOCKS)
    assert (good["body_note"], bad["body"]) == (None, None)


@pytest.mark.usefixtures("feed")
async def test_the_preview_is_downloaded_whole_with_source_fields_and_bodies(
    api: httpx2.AsyncClient, ingest: Ingest, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PAGE", 2)
    children = [row("p-1", 1, "p", color="Red"), row("p-2", 1, "p", color="Blue", price="a lot")]
    await ingest(
        row("a", 1), row("p", 1), *children, row("z", 1, title="=Ugly"), row("y", 1, title="Ugly")
    )
    await settle()
    lines = (await api.get(f"{FEED}/preview-download")).text.splitlines()
    previews = [msgspec.json.decode(line) for line in lines]
    assert [preview["family_id"] for preview in previews] == ["a", "p", "y", "z"]
    for preview in previews:
        shown = await api.get(f"{FEED}/preview/{preview['family_id']}")
        assert preview == shown.json()
    assert [row["product_id"] for row in previews[1]["sources"]] == ["p", "p-1", "p-2"]

    answer = await api.get(f"{FEED}/preview-download", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(line["product"], line["sku"], line["state"]) for line in table] == [
        ("a", "SKU-a", "valid"),
        ("p", "SKU-p-1", "offers_invalid"),
        ("p", "SKU-p-2", "offers_invalid"),
        ("y", "", "excluded"),
        ("z", "", "excluded"),
    ]
    assert [(line["price"], line["errors"]) for line in table[:3]] == [
        ("10.00", "0"),
        ("10.00", "0"),
        ("", "1"),
    ]


@pytest.mark.usefixtures("feed")
async def test_what_a_match_gives_is_shown_before_it_is_saved(
    api: httpx2.AsyncClient, ingest: Ingest
) -> None:
    await ingest(
        row("p", 3),
        row("p-1", 4, "p", color="Red"),
        row("p-2", 5, "p", color="Red"),
        row("p-3", 6, "p", color="Blue"),
    )

    async def tried(match: dict[str, Any], **how: Any) -> list[tuple[str, Any]]:
        answer = await api.post(f"{FEED}/matches/try", json={"match": match, **how})
        assert answer.status_code == 200, answer.text
        return [(each["product_id"], each["value"]) for each in answer.json()["items"]]

    shade = {"map": {"from": "color", "values": {"red": "Ruby"}, "keep": True}}
    assert await tried(shade, level="sku", limit=2) == [("p-1", "Ruby"), ("p-3", "Blue")]
    assert await tried({"template": "{{ title }}!"}) == [("p", f"{row('p', 3).fields['title']}!")]
    assert await tried({"field": "nothing", "default": 7}) == [("p", "7")]
    broken = await api.post(f"{FEED}/matches/try", json={"match": {"template": "{{ title"}})
    assert (broken.status_code, broken.json()["field"]) == (422, "match.template")
    version = (await api.get(FEED)).json()["configuration_version"]
    assert version == 1, "nothing is saved"
