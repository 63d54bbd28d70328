"""Catalogues: one that is there is never declared anew, and a refused form is as it was sent."""

from typing import Any

import httpx2
import pytest

from .conftest import Opened
from .test_console_forms import changing, csrf

FILE = {"file": ("mugs.csv", b"code,title\r\n1,Mug\r\n", "text/csv")}


def a_catalogue(opened: Opened, **differs: Any) -> None:
    opened.services.instead["GET /catalogues/c"] = {
        "catalogue_id": "c",
        "fed_by": "files",
        "versioning": "arrival",
        "id_field": "sku",
        "products": 0,
        **differs,
    }


def its_imports(opened: Opened, state: str) -> None:
    item = {
        "import_id": 1,
        "catalogue_id": "c",
        "file_name": "a.csv",
        "format": "csv",
        "is_full": False,
        "is_dry_run": False,
        "state": state,
        "failure": None,
        "created_at": "2026-11-27T10:00:00Z",
        "finished_at": None,
    }
    counts = ("size_bytes", "lines", "lines_read", "rows_read", "accepted", "unchanged")
    more = ("repeated", "rejected", "deleted", "withheld")
    item |= dict.fromkeys((*counts, *more), 0)
    opened.services.instead["GET /catalogues/c/imports"] = {"items": [item], "next_cursor": None}


@pytest.mark.parametrize(
    ("differs", "state", "is_taken"),
    [
        ({"products": 7}, "done", True),
        ({"products": None}, "done", True),
        ({"fed_by": "events"}, "done", True),
        ({}, "reading", True),
        ({}, "failed", False),
    ],
)
async def test_a_first_file_takes_no_catalogue_that_has_products_or_gets_them(
    opened: Opened, differs: dict[str, Any], state: str, is_taken: bool
) -> None:
    a_catalogue(opened, **differs)
    its_imports(opened, state)
    form = {"csrf": await csrf(opened), "catalogue": "c", "shop": "main"}
    answer = await opened.http.post("/feeds-new/file", data=form, files=FILE)
    assert answer.status_code == (409 if is_taken else 303)
    assert bool(changing(opened)) is not is_taken


async def test_a_name_that_is_free_is_offered(opened: Opened) -> None:
    def listed(*names: str) -> dict[str, Any]:
        return {"items": [{"catalogue_id": each} for each in names], "next_cursor": None}

    for names, offered in (
        ((), "products"),
        (("products",), "products-2"),
        (("products", "products-2", "mugs"), "products-3"),
    ):
        opened.services.instead["GET /catalogues"] = listed(*names)
        page = await opened.http.get("/feeds-new?catalogue=products")
        assert f'name="catalogue" type="text" value="{offered}"' in page.text


async def test_a_new_catalogue_never_changes_one_that_is_there(opened: Opened) -> None:
    a_catalogue(opened)
    form = {"csrf": await csrf(opened), "name": "c", "fed_by": "events"}
    answer = await opened.http.post("/catalogues", data=form)
    assert answer.status_code == 409
    assert 'aria-describedby="w-name"' in answer.text
    assert '<option value="events" selected>' in answer.text
    assert changing(opened) == []


async def test_a_check_that_was_refused_is_still_a_check(opened: Opened) -> None:
    a_catalogue(opened)
    busy = {"title": "an import is under way", "status": 409}
    opened.services.instead["POST /catalogues/c/imports"] = httpx2.Response(409, json=busy)
    form = {"csrf": await csrf(opened), "mode": "full", "format": "xlsx", "dry_run": "1"}
    answer = await opened.http.post("/catalogues/c/imports", data=form, files=FILE)
    assert answer.status_code == 409
    assert '<option value="full" selected>' in answer.text
    assert "<option selected>xlsx</option>" in answer.text
    assert 'name="dry_run" value="1" checked' in answer.text
