"""Today and the list of feeds: what is online counts as online while a change of it waits."""

import re
from typing import Any

from ..promised_services import made, operation
from .conftest import Opened

CHANGED = {"desired": 19, "live": 0, "pending": 19, "rejected": 0, "withheld": 0, "online": 19}


def feeds_that_count(counts: dict[str, int]) -> dict[str, Any]:
    known = operation("feed-publisher", "GET", "/v1/merchants/m/feeds")
    assert known is not None
    schema = known["responses"]["200"]["content"]["application/json"]["schema"]
    found: dict[str, Any] = made("feed-publisher", schema)
    return {"items": [found["items"][0] | {"feed_id": "f", "counts": counts}], "next_cursor": None}


async def test_what_waits_for_a_change_is_shown_as_online(opened: Opened) -> None:
    opened.services.instead["/feeds"] = feeds_that_count(CHANGED)
    page = (await opened.http.get("/")).text
    assert re.search(r"<dt>Online</dt><dd>19</dd>", page)
    assert "first product online" not in page


async def test_the_feeds_page_names_what_is_online_and_what_waits(opened: Opened) -> None:
    known = operation("catalog-service", "GET", "/v1/merchants/m/feeds/f")
    assert known is not None
    schema = known["responses"]["200"]["content"]["application/json"]["schema"]
    feed = made("catalog-service", schema) | feeds_that_count(CHANGED)["items"][0]
    opened.services.instead["/feeds/f"] = feed
    page = re.sub(r"<[^>]+>", " ", (await opened.http.get("/feeds/f")).text)
    assert re.search(r"Online\s+19\s", page)
    assert re.search(r"Online, nothing waits\s+0\s", page)
