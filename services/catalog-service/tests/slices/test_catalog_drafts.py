"""A configuration is tried on the whole feed: what is said of it is what applying it does."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from catalog_service.categories.marketplace import Marketplace
from catalog_service.drafts import evaluate_draft
from catalog_service.drafts.evaluate_draft import DraftEvaluator
from catalog_service.normalizing.consumer import on_product_reported
from common import clock
from common.contracts.product import ProductNormalized, ProductReported
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from stack.testing import eventually

from ..rest import AsMerchant, Open
from ..trying import CHEAPER, FEED, apply, begin, body_of, changes_of, tried
from ..wall_clocks import form, row

Ingest = Callable[..., Awaitable[list[NotApplied]]]
Settle = Callable[[], Awaitable[None]]
Emitted = Callable[[], Awaitable[list[ProductNormalized]]]


async def test_it_says_of_each_product_what_would_become_of_it(
    api: httpx2.AsyncClient,
    evaluator: DraftEvaluator,
    pool: Pool,
    ingest: Ingest,
    settle: Settle,
    emitted: Emitted,
) -> None:
    await apply(pool, form(exclude={"field": "hidden", "equals": "yes"}))
    await ingest(
        row("same", 1, new_price="10"),
        row("cheaper", 1),
        row("out", 1, brand="Acme"),
        row("back", 1, hidden="yes"),
        row("broken", 1, new_price="ten"),
        row("bad", 1, title="", new_price="10"),
        row("family", 1),
        row("red", 1, "family", color="Red", new_price="10"),
        row("blue", 1, "family", color="Blue"),
    )
    await settle()
    await emitted()
    rules = {"any": [{"field": "brand", "equals": "acme"}, {"field": "brand", "equals": "x"}]}
    path, draft = await tried(api, evaluator, form(attributes=CHEAPER, exclude=rules))

    assert (draft["families"], draft["evaluated"]) == (7, 7)
    changes = {change["family_id"]: change for change in await changes_of(api, path)}
    kinds = {family: change["kind"] for family, change in changes.items()}
    assert kinds == {
        "cheaper": "changed",
        "out": "deleted",
        "back": "created",
        "broken": "held_back",
        "family": "changed",
    }
    result = draft["result"]
    assert result["kinds"] == {
        "changed": 2, "deleted": 1, "created": 1, "held_back": 1, "unchanged": 2
    }  # fmt: skip
    assert result["states"] == {
        "valid": {"valid": 3, "excluded": 1, "offers_invalid": 1},
        "excluded": {"valid": 1},
        "content_invalid": {"content_invalid": 1},
    }
    fields = changes["cheaper"]["fields"]
    assert [(f["field"], f["before"], f["after"]) for f in fields] == [
        ("skus.price", "10.00", "9.00")
    ]
    assert fields[0]["path"] == ["skus", "cheaper", "price"]
    assert changes["family"]["skus_affected"] == 1  # blue alone
    assert [f["path"] for f in changes["family"]["fields"]] == [["skus", "blue", "price"]]
    issues = changes["broken"]["issues_after"]
    assert [one["rule"] for one in issues if one["severity"] == "error"] == ["M3.9"]
    assert (result["excluded"], result["excluded_by"]) == (
        1,
        {"exclude.any.0": 1, "exclude.any.1": 0},
    )
    assert result["skus_affected"] == 5
    assert result["fields"] == {"skus.price": 2}
    (price,) = [cause for cause in result["causes"] if cause["field"] == "sku_info_list > price"]
    assert (price["before"], price["after"], price["examples"]) == (0, 1, ["broken"])
    assert any(cause["before"] == cause["after"] == 1 for cause in result["causes"])
    assert await emitted() == []
    assert await pool.fetchval("SELECT count(*) FROM family_mark") == 0

    only = await changes_of(api, path, kind=["created", "deleted"])
    assert [change["family_id"] for change in only] == ["back", "out"]
    first = (await api.get(f"{path}/changes", params={"limit": 3})).json()
    others = await changes_of(api, path, limit=3, cursor=first["next_cursor"])
    assert [c["family_id"] for c in (*first["items"], *others)] == sorted(kinds)


# -- saving ---------------------------------------------------------------------------------------


async def test_a_draft_is_applied_once_it_is_evaluated(
    api: httpx2.AsyncClient, evaluator: DraftEvaluator, ingest: Ingest
) -> None:
    await ingest(row("a", 1))
    path = await begin(api, form())
    fresh = (await api.get(path)).json()
    assert (fresh["state"], fresh["families"], fresh["based_on"]) == ("evaluating", None, None)
    early = await api.post(f"{path}/apply")
    assert (early.status_code, early.json()["type"].rpartition(":")[2]) == (409, "draft-not-ready")

    assert await evaluator.run()
    assert (await api.get(path)).json()["families"] == 1
    while await evaluator.run():
        pass
    await eventually(lambda: has_ended(api, evaluator, path), within=90)
    applied = await api.post(f"{path}/apply", params={"note": "the first"})
    assert (applied.status_code, applied.headers["etag"]) == (200, '"1"')
    (version,) = (await api.get(f"{FEED}/versions")).json()["items"]
    assert (version["note"], version["author"]) == ("the first", "test")
    saved = (await api.get(f"{FEED}/versions/1")).json()
    assert saved["configuration"] == fresh["configuration"]


async def has_ended(api: httpx2.AsyncClient, evaluator: DraftEvaluator, path: str) -> bool:
    """Whether it is ready; the time of what it waits for passes at once."""
    later = clock.now() + timedelta(minutes=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        await evaluator.run()
    return bool((await api.get(path)).json()["state"] == "ready")


@pytest.mark.parametrize("change", ["saved", "removed", "created"])
async def test_a_feed_that_has_changed_since_is_left_as_it_is(
    api: httpx2.AsyncClient, evaluator: DraftEvaluator, pool: Pool, change: str
) -> None:
    if change != "created":
        await apply(pool, form())
    path, draft = await tried(api, evaluator, form(countries=["ES"]))
    assert draft["based_on"] == (None if change == "created" else '"1"')
    if change == "removed":
        await api.delete(FEED)
    else:
        await apply(pool, form(countries=["FR"]))

    refused = await api.post(f"{path}/apply")

    assert refused.status_code == 412, refused.text
    assert (await api.get(path)).status_code == 200  # to look at
    if change != "removed":
        assert (await api.get(FEED)).json()["configuration"]["countries"] == ["FR"]


async def test_what_could_not_be_applied_is_not_tried(api: httpx2.AsyncClient) -> None:
    foreign = await api.post(f"{FEED}/drafts", json=body_of(form(shop="other")))
    assert (foreign.status_code, foreign.json()["rule"]) == (409, "M1.1")
    slip = await api.post(f"{FEED}/drafts", json=body_of(form()) | {"catagory": {}})
    assert slip.status_code == 422
    assert "is category meant" in slip.json()["errors"][0]["message"]


async def test_a_merchant_keeps_so_many_drafts(
    open_api: Open, api: httpx2.AsyncClient, pool: Pool
) -> None:
    async with open_api(drafts_kept=2) as as_merchant:
        small = as_merchant("m")
        paths = [await begin(small, form()) for _ in range(2)]
        refused = await small.post(f"{FEED}/drafts", json=body_of(form()))
        assert refused.status_code == 429
        assert "DELETE" in refused.json()["remedy"]
        assert (await small.delete(paths[0])).status_code == 204
        assert (await small.delete(paths[0])).status_code == 404
        paths.append(await begin(small, form()))
        listed = (await small.get(f"{FEED}/drafts", params={"limit": 1})).json()
        assert f"{FEED}/drafts/{listed['items'][0]['draft_id']}" == paths[2]
        others = await small.get(f"{FEED}/drafts", params={"cursor": listed["next_cursor"]})
        assert f"{FEED}/drafts/{others.json()['items'][0]['draft_id']}" == paths[1]


async def test_a_draft_of_another_merchant_is_not_there(
    api: httpx2.AsyncClient, merchants: AsMerchant
) -> None:
    path = await begin(api, form())
    other = merchants("other")
    for method, where in (
        ("GET", path),
        ("GET", f"{path}/changes"),
        ("POST", f"{path}/apply"),
        ("DELETE", path),
    ):
        for named in (where, where.replace("merchants/m/", "merchants/other/")):
            assert (await other.request(method, named)).status_code == 404, (method, named)
        elsewhere = where.replace("feeds/f", "feeds/another")
        assert (await api.request(method, elsewhere)).status_code == 404
    foreign = await other.get("/v1/merchants/other/feeds/f/drafts")
    assert foreign.json()["items"] == []


# -- the job --------------------------------------------------------------------------------------


async def test_a_schema_nobody_asked_for_yet_is_fetched_and_awaited(
    api: httpx2.AsyncClient,
    evaluator: DraftEvaluator,
    marketplace: Marketplace,
    ingest: Ingest,
) -> None:
    await ingest(row("a", 1), row("b", 1, category="Else"))
    _, draft = await tried(api, evaluator, form(), marketplace)
    assert draft["result"]["states"] == {"none": {"valid": 1, "invalid": 1}} or draft["result"][
        "states"
    ] == {"none": {"valid": 1, "content_invalid": 1}}
    assert draft["result"]["kinds"] == {"created": 1, "not_sent": 1}
    assert draft["evaluated"] == 2


async def test_a_schema_that_does_not_come_is_given_up(
    api: httpx2.AsyncClient, evaluator: DraftEvaluator, ingest: Ingest
) -> None:
    await ingest(row("a", 1), row("b", 1, category="Else"))
    path = await begin(api, form())
    while await evaluator.run():
        pass
    waiting = (await api.get(path)).json()
    assert (waiting["state"], waiting["evaluated"]) == ("evaluating", 1)
    await eventually(lambda: has_ended(api, evaluator, path))
    draft = (await api.get(path)).json()
    assert draft["result"]["kinds"] == {"not_sent": 1, "waiting": 1}
    (change,) = await changes_of(api, path, kind="waiting")
    assert (change["family_id"], change["after_state"]) == ("a", None)


async def test_a_draft_goes_on_where_a_process_ended(
    api: httpx2.AsyncClient,
    pool: Pool,
    ingest: Ingest,
    settle: Settle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await apply(pool, form())
    await ingest(*(row(f"p{n}", 1) for n in range(9)))
    await settle()
    whole = DraftEvaluator(pool, lifetime=timedelta(hours=24))
    path, expected = await tried(api, whole, form(attributes=CHEAPER))
    changes = await changes_of(api, path)
    monkeypatch.setattr(evaluate_draft, "FAMILIES_PER_TURN", 2)
    again = await begin(api, form(attributes=CHEAPER))
    seen = []
    while await DraftEvaluator(pool, lifetime=timedelta(hours=24)).run():  # another each time
        seen.append((await api.get(again)).json()["evaluated"])
    assert seen == [0, 2, 4, 6, 8, 9, 9]
    assert (await api.get(again)).json()["result"] == expected["result"]
    assert await changes_of(api, again) == changes


async def test_pictures_nobody_looked_at_count_as_good(
    api: httpx2.AsyncClient,
    evaluator: DraftEvaluator,
    pool: Pool,
    ingest: Ingest,
    settle: Settle,
) -> None:
    await apply(pool, form())
    await ingest(row("a", 1), row("b", 1, category="Else"))
    await settle()
    _, draft = await tried(api, evaluator, form(image_checks="on"))
    assert draft["result"]["kinds"] == {"unchanged": 2}
    assert draft["result"]["unseen_pictures"] == 2
    assert await pool.fetchval("SELECT count(*) FROM image_check") == 0


async def test_what_is_online_and_left_out_is_deleted_whatever_its_state(
    api: httpx2.AsyncClient,
    evaluator: DraftEvaluator,
    pool: Pool,
    ingest: Ingest,
    settle: Settle,
    report: Callable[[ProductReported], Awaitable[None]],
) -> None:
    await apply(pool, form())
    await ingest(row("online", 1), row("offline", 1))
    await settle()
    await report(
        ProductReported(
            merchant_id="m",
            feed_id="f",
            family_id="online",
            revision=clock.epoch_milliseconds(),
            desired_revision=1,
            status="live",
            marketplace_product_id="1",
        )
    )
    await ingest(row("online", 2, title=""), row("offline", 2, title=""))
    await settle()
    path, _ = await tried(api, evaluator, form(exclude={"field": "price", "equals": "10"}))
    kinds = {change["family_id"]: change["kind"] for change in await changes_of(api, path)}
    assert kinds == {"online": "deleted", "offline": "not_sent"}


@pytest.fixture
def report(pool: Pool, deliver: Callable[..., Any]) -> Callable[[ProductReported], Awaitable[None]]:
    async def hand(event: ProductReported) -> None:
        async with unit_of_work(pool) as connection:
            await on_product_reported(connection, [deliver(event)])

    return hand


async def test_drafts_are_evaluated_in_turns_and_forgotten_in_time(
    api: httpx2.AsyncClient,
    pool: Pool,
    ingest: Ingest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await ingest(*(row(f"p{n}", 1, category="Else") for n in range(6)))
    monkeypatch.setattr(evaluate_draft, "FAMILIES_PER_TURN", 1)
    paths = [await begin(api, form()), await begin(api, form(countries=["ES"]))]
    evaluator = DraftEvaluator(pool, lifetime=timedelta(hours=24))
    for _ in range(8):
        await evaluator.run()
    done = [(await api.get(path)).json()["evaluated"] for path in paths]
    assert done == [3, 3]

    expires = (await api.get(paths[0])).json()["expires_at"]
    tomorrow = clock.now() + timedelta(hours=24, seconds=1)
    assert expires < tomorrow.isoformat()
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert not await evaluator.run()
    assert await pool.fetchval("SELECT count(*) FROM feed_draft") == 0
    assert await pool.fetchval("SELECT count(*) FROM feed_draft_family") == 0
