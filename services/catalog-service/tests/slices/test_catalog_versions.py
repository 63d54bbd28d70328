"""Versions of a feed's configuration: who saved what, compared and rolled back, none lost."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from catalog_service.feeds.store import load_configuration
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading

from ..rest import AsMerchant
from ..wall_clocks import form

FEED = "/v1/merchants/m/feeds/f"
FIRST: dict[str, Any] = json.loads(form().model_dump_json(by_alias=True, exclude_unset=True))


def changed(price: str) -> dict[str, Any]:
    return FIRST | {"attributes": FIRST["attributes"] | {"price": {"field": price}}}


async def save(
    api: httpx2.AsyncClient, body: dict[str, Any], note: str | None = None, **headers: str
) -> httpx2.Response:
    query = {} if note is None else {"note": note}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.put(FEED, json=body, params=query, headers=named)


async def saved(api: httpx2.AsyncClient, body: dict[str, Any], note: str | None = None) -> int:
    answer = await save(api, body, note)
    assert answer.status_code == 200, answer.text
    version: int = answer.json()["configuration_version"]
    assert answer.headers["etag"] == f'"{version}"'
    return version


async def test_each_save_that_changes_something_is_a_version(api: httpx2.AsyncClient) -> None:
    assert await saved(api, FIRST, "the first") == 1
    assert await saved(api, FIRST, "nothing new") == 1
    assert await saved(api, dict(reversed(FIRST.items()))) == 1  # the order of keys says nothing
    assert await saved(api, changed("price_b"), "the new list") == 2
    assert await saved(api, FIRST) == 3

    listed = (await api.get(f"{FEED}/versions")).json()["items"]
    found = [(v["version"], v["author"], v["note"], v["is_present"]) for v in listed]
    assert found == [
        (3, "test", None, True),
        (2, "test", "the new list", False),
        (1, "test", "the first", False),
    ]
    assert all(version["saved_at"].endswith(("Z", "+00:00")) for version in listed)
    shown = (await api.get(f"{FEED}/versions/2")).json()
    assert (shown["version"], shown["note"]) == (2, "the new list")
    assert shown["configuration"]["attributes"]["price"] == {"field": "price_b"}
    present = await api.get(FEED)
    assert present.headers["etag"] == '"3"'
    assert present.json()["online"] == 0


async def test_versions_come_page_by_page(api: httpx2.AsyncClient) -> None:
    for number in range(5):
        await saved(api, changed(f"price_{number}"))
    found: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await api.get(f"{FEED}/versions", params=query)).json()
        found += [version["version"] for version in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == [5, 4, 3, 2, 1]


async def test_versions_are_compared_in_words_and_as_a_patch(api: httpx2.AsyncClient) -> None:
    for price in ("a", "b", "c"):
        await saved(api, changed(price))
    last = (await api.get(f"{FEED}/versions/3/diff")).json()
    assert (last["from_version"], last["to_version"]) == (2, 3)
    assert [c["words"] for c in last["changes"]] == ["attributes.price: field b -> field c"]
    all_of_it = (await api.get(f"{FEED}/versions/3/diff", params={"against": 1})).json()
    assert all_of_it["patch"] == [
        {"op": "replace", "path": "/attributes/price", "value": {"field": "c"}}
    ]
    back = (await api.get(f"{FEED}/versions/1/diff", params={"against": 3})).json()
    assert [c["words"] for c in back["changes"]] == ["attributes.price: field c -> field a"]
    for path in ("versions/9", "versions/9/diff", "versions/1/diff", "versions/3/diff?against=9"):
        missing = await api.get(f"{FEED}/{path}")
        assert missing.status_code == 404, path
        assert missing.json()["remedy"]


async def test_a_rollback_is_the_old_document_in_a_new_version(
    api: httpx2.AsyncClient, pool: Pool
) -> None:
    await saved(api, FIRST)
    await saved(api, changed("other"))
    back = await api.post(f"{FEED}/versions/1/rollback")
    assert (back.status_code, back.json()["configuration_version"]) == (200, 3)
    assert back.headers["etag"] == '"3"'
    async with reading(pool) as connection:
        bodies = [await load_configuration(connection, "m", "f", n) for n in (1, 3)]
    assert bodies[0] == bodies[1]
    newest = (await api.get(f"{FEED}/versions")).json()["items"][0]
    assert newest["note"] == "back to version 1"
    again = await api.post(f"{FEED}/versions/3/rollback", params={"note": "for the summer"})
    assert again.json()["configuration_version"] == 3  # it is the present one
    stale = await api.post(f"{FEED}/versions/2/rollback", headers={"If-Match": '"2"'})
    assert stale.status_code == 412
    assert (await api.post(f"{FEED}/versions/9/rollback")).status_code == 404
    audited = await pool.fetch("SELECT action, subject, actor, merchant_id FROM audit ORDER BY id")
    saved_rows = [tuple(row) for row in audited if row["action"].startswith("feed.")]
    assert saved_rows == [
        ("feed.configuration.saved", "f", "test", "m"),
        ("feed.configuration.saved", "f", "test", "m"),
        ("feed.configuration.rolled-back", "f", "test", "m"),
    ]


async def test_who_read_an_older_version_overwrites_nothing(api: httpx2.AsyncClient) -> None:
    await saved(api, FIRST)
    read = (await api.get(FEED)).headers["etag"]
    await saved(api, changed("theirs"))

    refused = await save(api, changed("mine"), If_Match=read)

    problem = refused.json()
    assert (refused.status_code, problem["field"]) == (412, "If-Match")
    assert '"2"' in problem["title"]
    assert "diff" in problem["remedy"]
    taken = await save(api, changed("mine"), If_Match='"2"')
    assert (taken.status_code, taken.headers["etag"]) == (200, '"3"')


async def test_a_feed_is_created_only_where_there_is_none(api: httpx2.AsyncClient) -> None:
    assert (await save(api, FIRST, If_Match="*")).status_code == 412
    assert (await save(api, FIRST, If_None_Match="*")).status_code == 200
    assert (await save(api, changed("b"), If_None_Match="*")).status_code == 412
    assert (await save(api, changed("b"), If_Match="nonsense")).status_code == 422


async def test_a_removed_feed_is_another_state_than_its_last_version(
    api: httpx2.AsyncClient,
) -> None:
    await saved(api, FIRST)
    stale = await api.delete(FEED, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    assert (await api.delete(FEED, headers={"If-Match": '"1"'})).status_code == 200
    assert (await save(api, changed("b"), If_Match='"1"')).status_code == 412
    removed = (await api.get(FEED)).headers["etag"]
    back = await save(api, FIRST, If_Match=removed)
    assert (back.status_code, back.json()["lifecycle"]) == (200, "active")
    listed = (await api.get(f"{FEED}/versions")).json()["items"]
    assert [version["is_present"] for version in listed] == [True, False]


@pytest.mark.parametrize("is_new", [True, False])
async def test_of_two_who_read_the_same_one_wins(api: httpx2.AsyncClient, is_new: bool) -> None:
    headers = {"If-None-Match": "*"} if is_new else {"If-Match": '"1"'}
    if not is_new:
        await saved(api, FIRST)
    answers = await asyncio.gather(
        *(api.put(FEED, json=changed(f"price_{n}"), headers=headers) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def test_saves_at_once_without_condition_are_all_kept(api: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(api.put(FEED, json=changed(f"price_{n}")) for n in range(5)))
    versions = [answer.json()["configuration_version"] for answer in answers]
    assert sorted(versions) == [1, 2, 3, 4, 5]


async def test_versions_of_another_merchant_are_not_there(
    api: httpx2.AsyncClient, merchants: AsMerchant
) -> None:
    await saved(api, FIRST)
    other = merchants("other")
    for path in ("versions", "versions/1", "versions/1/diff"):
        assert (await other.get(f"{FEED}/{path}")).status_code == 404
        own = f"/v1/merchants/other/feeds/f/{path}"
        assert (await other.get(own)).status_code == 404
    assert (await other.post(f"{FEED}/versions/1/rollback")).status_code == 404


async def test_feeds_are_listed_by_shop_catalogue_and_state(api: httpx2.AsyncClient) -> None:
    await saved(api, FIRST)
    await api.put("/v1/merchants/m/feeds/gone", json=FIRST)
    await api.delete("/v1/merchants/m/feeds/gone")

    async def listed(**query: str) -> list[str]:
        answer = await api.get("/v1/merchants/m/feeds", params=query)
        return [feed["feed_id"] for feed in answer.json()["items"]]

    assert await listed() == ["f", "gone"]
    assert await listed(lifecycle="active") == ["f"]
    assert await listed(shop_id="s", lifecycle="removed") == ["gone"]
    assert await listed(catalogue_id="another") == []


async def test_versions_saved_before_authors_were_kept_are_shown(
    api: httpx2.AsyncClient, pool: Pool
) -> None:
    await saved(api, FIRST)
    await pool.execute("UPDATE feed_configuration SET author = NULL, note = NULL")
    (version,) = (await api.get(f"{FEED}/versions")).json()["items"]
    assert (version["version"], version["author"], version["is_present"]) == (1, None, True)
