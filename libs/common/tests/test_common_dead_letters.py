"""Dead letters, quarantines and the park over REST, on real Kafka and Postgres."""

import asyncio
from typing import Any

import asyncpg
import pytest

from common.messaging import dead_letters as store
from common.web.dead_letters import READ
from stack.testing import eventually

from .backbone_harness import product
from .dead_letter_harness import (
    GROUP,
    M1,
    MERCHANT,
    OPERATORS,
    DeadLetters,
    data,
    dead_letters,
)
from .test_common_consumer import known_catalogues
from .test_common_identity import as_, token

__all__ = ["dead_letters"]

# ---- listed and shown


async def test_operators_list_by_merchant_reason_group_source_and_state(
    dead_letters: DeadLetters,
) -> None:
    await dead_letters.harness.send(product("a", refuse=True), source="/erp")
    await dead_letters.harness.send(product("b", refuse=True, merchant="m2"), source="/shop")
    await dead_letters.harness.send_raw(b"{", b"m1/main/c")
    await dead_letters.harness.send_raw(b"{", None)
    await eventually(dead_letters.harness.table_has("dead_letter", 4))
    assert len(await dead_letters.ids()) == 4
    for query, expected in (
        ({"merchant_id": "m2"}, {"m2/main/b"}),
        ({"merchant_id": ""}, {None}),
        ({"reason": "not-json"}, {"m1/main/c", None}),
        ({"source": "/erp"}, {"m1/main/a"}),
        ({"group": GROUP, "merchant_id": "m1"}, {"m1/main/a", "m1/main/c"}),
        ({"group": "another"}, set()),
        ({"state": "discarded"}, set()),
        ({"state": "all", "source": "/shop"}, {"m2/main/b"}),
    ):
        page = await dead_letters.get("/v1/dead-letters", OPERATORS, **query)
        assert {item["key"] for item in page["items"]} == expected, query
    own = await dead_letters.get(M1)
    assert {item["key"] for item in own["items"]} == {"m1/main/a", "m1/main/c"}
    assert all("value" not in item and item["remedy"] for item in own["items"])


async def test_a_list_goes_on_page_by_page(dead_letters: DeadLetters) -> None:
    letters = sorted(await dead_letters.broken(*(f"x{n}" for n in range(7))))
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = await dead_letters.get(M1, limit=3, **({"cursor": cursor} if cursor else {}))
        found += [item["id"] for item in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert (found, pages) == (letters, 3)


async def test_one_is_shown_with_its_bytes_and_what_was_done_to_it(
    dead_letters: DeadLetters,
) -> None:
    [letter] = await dead_letters.broken("x1")
    await dead_letters.post(f"{M1}/{letter}/replay")
    shown = await dead_letters.get(f"{M1}/{letter}")
    assert shown["value"] == data("x1")
    assert shown["is_text"]
    assert shown["headers"]["ce_source"] == "/shop-system"
    assert (shown["state"], shown["attempts"]) == ("open", 2)
    [entry] = shown["audit"]
    assert entry.pop("at") >= shown["created_at"]
    assert entry == {
        "actor": "erp-of-m1",
        "action": "replay",
        "outcome": "rejected: handler-refused",
    }


async def test_bytes_that_are_no_text_are_shown_as_such(dead_letters: DeadLetters) -> None:
    await dead_letters.harness.send_raw(b"\xff\xfe{\x00}\x00", b"m1/main/a")
    await eventually(dead_letters.harness.table_has("dead_letter", 1))
    [letter] = await dead_letters.ids()
    shown = await dead_letters.get(f"{M1}/{letter}")
    assert not shown["is_text"]
    assert shown["value"].startswith("\ufffd\ufffd{")


async def test_a_foreign_dead_letter_does_not_exist_for_a_merchant(
    dead_letters: DeadLetters,
) -> None:
    [letter] = await dead_letters.broken("x1", merchant="m2")
    await dead_letters.accept_all()
    for method, path, body in (
        ("GET", f"{M1}/{letter}", None),
        ("POST", f"{M1}/{letter}/replay", {"value": data("x1")}),
        ("POST", f"{M1}/{letter}/discard", {"why": "not mine"}),
    ):
        answer = await dead_letters.http.request(method, path, json=body, headers=MERCHANT)
        assert (answer.status_code, answer.json()["remedy"] != "") == (404, True)
    done = await dead_letters.post(f"{M1}/replay", ids=[letter])
    assert done["counts"] == {"not-found": 1}
    everything = await dead_letters.post(f"{M1}/replay", all=True)
    assert (everything["found"], everything["items"]) == (0, [])
    assert await dead_letters.state(letter) == ("open", "handler-refused")
    shown = await dead_letters.get(f"/v1/dead-letters/{letter}", OPERATORS)
    assert (shown["merchant_id"], shown["audit"]) == ("m2", [])


async def test_operators_routes_are_closed_to_merchants(dead_letters: DeadLetters) -> None:
    for method, path in (
        ("GET", "/v1/dead-letters"),
        ("GET", "/v1/dead-letters/1"),
        ("POST", "/v1/dead-letters/1/replay"),
        ("POST", "/v1/dead-letters/1/discard"),
        ("POST", "/v1/dead-letters/replay"),
        ("POST", "/v1/dead-letters/discard"),
        ("GET", "/v1/quarantines"),
        ("POST", "/v1/quarantines/lift"),
        ("GET", "/v1/parked"),
    ):
        answer = await dead_letters.http.request(method, path, json={}, headers=MERCHANT)
        assert answer.status_code == 403, path


# ---- edited, replayed, discarded: one


async def test_an_edit_that_is_no_good_leaves_it_open_with_the_new_reason_and_its_own_bytes(
    dead_letters: DeadLetters,
) -> None:
    letter = await dead_letters.unreadable("m1/main/a")
    worse = await dead_letters.post(f"{M1}/{letter}/replay", value='{"merchant_id": "m1"}')
    assert (worse["outcome"], worse["reason"]) == ("rejected", "wrong-shape")
    assert worse["remedy"]
    foreign = await dead_letters.post(f"{M1}/{letter}/replay", value=data("another"))
    assert foreign["outcome"] == "rejected"
    shown = await dead_letters.get(f"{M1}/{letter}")
    assert (shown["state"], shown["attempts"]) == ("open", 3)
    assert (shown["reason"], shown["detail"]) == (foreign["reason"], foreign["detail"])
    assert shown["value"] == "{not json"
    done = await dead_letters.post(f"{M1}/{letter}/replay", OPERATORS, value=data("a"))
    assert done["outcome"] == "taken"
    assert await dead_letters.seen() == {"a"}
    settled = await dead_letters.get(f"{M1}/{letter}")
    assert (settled["state"], settled["value"]) == ("replayed", "{not json")
    assert [(e["action"], e["actor"], e["outcome"]) for e in settled["audit"]] == [
        ("replay-edited", "erp-of-m1", "rejected: wrong-shape"),
        ("replay-edited", "erp-of-m1", f"rejected: {foreign['reason']}"),
        ("replay-edited", "ops", "taken"),
    ]


async def test_what_was_settled_is_not_settled_twice(dead_letters: DeadLetters) -> None:
    replayed, discarded = await dead_letters.broken("x1", "x2")
    await dead_letters.accept_all()
    assert (await dead_letters.post(f"{M1}/{replayed}/replay"))["outcome"] == "taken"
    assert (await dead_letters.post(f"{M1}/{discarded}/discard", why="sold out"))[
        "outcome"
    ] == "discarded"
    for letter in (replayed, discarded):
        for action, body in (("replay", {}), ("discard", {"why": "again"})):
            answer = await dead_letters.http.post(
                f"{M1}/{letter}/{action}", json=body, headers=MERCHANT
            )
            assert answer.status_code == 409
            assert answer.json()["type"].endswith("already-settled")
            assert answer.json()["remedy"]
    assert await dead_letters.harness.count("dead_letter_audit") == 2
    assert {row["times"] for row in await dead_letters.harness.fetch("SELECT times FROM seen")} == {
        1
    }


async def test_a_discard_needs_a_reason_and_plays_nothing(dead_letters: DeadLetters) -> None:
    [letter] = await dead_letters.broken("x1")
    await dead_letters.accept_all()
    for body in ({}, {"why": ""}, {"why": "  "}, {"why": "a\x00b"}, {"why": "x" * 501}):
        answer = await dead_letters.http.post(f"{M1}/{letter}/discard", json=body, headers=MERCHANT)
        assert (answer.status_code, answer.json()["field"]) == (422, "why")
        bulk = await dead_letters.http.post(
            f"{M1}/discard", json={"ids": [letter], **body}, headers=MERCHANT
        )
        assert (bulk.status_code, bulk.json()["field"]) == (422, "why")
    assert await dead_letters.state(letter) == ("open", "handler-refused")
    await dead_letters.post(f"{M1}/{letter}/discard", why=" a duplicate ")
    shown = await dead_letters.get(f"{M1}/{letter}")
    assert shown["state"] == "discarded"
    assert [(e["action"], e["outcome"]) for e in shown["audit"]] == [("discard", "a duplicate")]
    assert await dead_letters.seen() == set()


async def test_a_replay_that_needs_what_is_not_there_is_parked_and_played_later(
    dead_letters: DeadLetters,
) -> None:
    letter = await dead_letters.unreadable("m1/later/a")
    done = await dead_letters.post(f"{M1}/{letter}/replay", value=data("a", "later"))
    assert done["outcome"] == "parked"
    assert (await dead_letters.state(letter))[0] == "replayed"
    await dead_letters.harness.pool.execute("INSERT INTO catalogue VALUES ('later')")
    assert await dead_letters.replayer.sweep(known_catalogues)
    assert await dead_letters.seen() == {"a"}


async def test_a_replay_into_a_full_park_stays_a_dead_letter(
    dead_letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PARKED_AT_MOST", 1)
    first = await dead_letters.unreadable("m1/later/a")
    second = await dead_letters.unreadable("m1/later/b")
    assert (await dead_letters.post(f"{M1}/{first}/replay", value=data("a", "later")))[
        "outcome"
    ] == "parked"
    done = await dead_letters.post(f"{M1}/{second}/replay", value=data("b", "later"))
    assert (done["outcome"], done["reason"]) == ("rejected", "park-full")
    assert await dead_letters.state(second) == ("open", "park-full")
    assert await dead_letters.harness.count("parked_event") == 1


# ---- in bulk


async def test_in_bulk_each_has_its_own_outcome_and_none_stops_another(
    dead_letters: DeadLetters,
) -> None:
    [foreign] = await dead_letters.broken("x0", merchant="m2")
    await dead_letters.accept_all()
    good, settled, better = await dead_letters.broken("x1", "x2", "x3")
    bad = await dead_letters.unreadable("m1/main/bad")
    await dead_letters.accept_all()
    await dead_letters.post(f"{M1}/{settled}/discard", why="not wanted")
    ids = [good, 999_999, foreign, settled, bad, good, better]
    looked = await dead_letters.post(f"{M1}/replay", ids=ids, dry_run=True)
    assert looked["counts"] == {"open": 3, "not-found": 2, "already-settled": 1}
    assert await dead_letters.seen() == set()
    done = await dead_letters.post(f"{M1}/replay", ids=ids)
    assert [(item["id"], item["outcome"]) for item in done["items"]] == [
        (good, "taken"),
        (999_999, "not-found"),
        (foreign, "not-found"),
        (settled, "already-settled"),
        (bad, "rejected"),
        (better, "taken"),
    ]
    assert (done["found"], done["next_cursor"], done["stopped"]) == (6, None, None)
    assert all(item["remedy"] for item in done["items"] if item["outcome"] != "taken")
    assert await dead_letters.seen() == {"x1", "x3"}
    audited = await dead_letters.harness.fetch(
        "SELECT dead_letter_id, outcome FROM dead_letter_audit"
    )
    assert {tuple(row) for row in audited} == {
        (settled, "not wanted"),
        (good, "taken"),
        (bad, "rejected: not-json"),
        (better, "taken"),
    }


async def test_all_with_a_reason_are_replayed_part_by_part_each_once(
    dead_letters: DeadLetters,
) -> None:
    letters = await dead_letters.broken(*(f"x{n}" for n in range(11)))
    other = await dead_letters.unreadable("m1/main/other")
    await dead_letters.accept_all()
    await dead_letters.refuse("product_id IN ('x2', 'x7')")
    chosen: dict[str, Any] = {"reason": "handler-refused", "limit": 4}
    dry = await dead_letters.post(f"{M1}/replay", **chosen, dry_run=True)
    assert (dry["found"], dry["counts"]) == (11, {"open": 4})
    assert [item["id"] for item in dry["items"]] == sorted(letters)[:4]
    assert await dead_letters.harness.count("dead_letter_audit") == 0
    outcomes: dict[int, str] = {}
    cursor, parts = None, 0
    while parts == 0 or cursor:
        part = await dead_letters.post(f"{M1}/replay", **chosen, cursor=cursor)
        assert part["found"] == 11 - len(outcomes)
        outcomes |= {item["id"]: item["outcome"] for item in part["items"]}
        cursor, parts = part["next_cursor"], parts + 1
        if parts == 1:  # one that comes meanwhile is another bulk's
            await dead_letters.accept_all()
            await dead_letters.broken("x99")
            await dead_letters.accept_all()
            await dead_letters.refuse("product_id IN ('x2', 'x7')")
    rejected = {letters[2], letters[7]}
    assert outcomes == {id_: "rejected" if id_ in rejected else "taken" for id_ in letters}
    assert parts == 3
    assert await dead_letters.harness.count("dead_letter_audit") == 11
    assert await dead_letters.state(other) == ("open", "not-json")
    assert len(await dead_letters.ids()) == 4


async def test_operators_discard_a_source_of_any_merchant(dead_letters: DeadLetters) -> None:
    await dead_letters.harness.send(product("a", refuse=True), source="/test-system")
    await dead_letters.harness.send(product("b", refuse=True, merchant="m2"), source="/test-system")
    await dead_letters.harness.send(product("c", refuse=True, merchant="m2"), source="/erp")
    await eventually(dead_letters.harness.table_has("dead_letter", 3))
    of_m2 = await dead_letters.post(
        "/v1/dead-letters/discard", OPERATORS, why="x", merchant_id="m2", dry_run=True
    )
    assert of_m2["found"] == 2
    done = await dead_letters.post(
        "/v1/dead-letters/discard", OPERATORS, source="/test-system", why="a test system's"
    )
    assert done["counts"] == {"discarded": 2}
    [left] = await dead_letters.ids()
    assert (await dead_letters.get(f"/v1/dead-letters/{left}", OPERATORS))["source"] == "/erp"
    audited = await dead_letters.harness.fetch(
        "SELECT action, actor, outcome FROM dead_letter_audit"
    )
    assert [tuple(row) for row in audited] == [("discard", "ops", "a test system's")] * 2


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        pytest.param({}, "ids", id="nothing-named"),
        pytest.param({"ids": [1], "reason": "not-json"}, "ids", id="ids-and-a-filter"),
        pytest.param({"ids": [1], "all": True}, "ids", id="ids-and-all"),
        pytest.param({"ids": [1], "dry_run": 0}, "dry_run", id="a-number-for-whether"),
        pytest.param({"all": "no"}, "all", id="a-word-for-whether"),
        pytest.param({"ids": []}, "ids", id="no-ids"),
        pytest.param({"ids": list(range(1, 202))}, "ids", id="too-many-ids"),
        pytest.param({"ids": [0]}, "ids.0", id="no-such-number"),
        pytest.param({"ids": [2**63]}, "ids.0", id="a-number-too-large"),
        pytest.param({"value": "{}"}, "ids", id="a-value-for-nothing"),
        pytest.param({"value": "{}", "all": True}, "value", id="a-value-for-all"),
        pytest.param({"value": "{}", "reason": "not-json"}, "value", id="a-value-for-a-reason"),
        pytest.param({"value": "{}", "ids": [1, 2]}, "value", id="a-value-for-two"),
        pytest.param({"reason": "a\x00"}, "reason", id="NUL"),
        pytest.param({"all": True, "cursor": "WzFd"}, "cursor", id="another-lists-cursor"),
        pytest.param({"all": True, "limit": 0}, "limit", id="no-part"),
        pytest.param({"merchant_id": "m2", "all": True}, "merchant_id", id="another-merchant"),
    ],
)
async def test_a_request_that_is_not_clear_is_refused_and_touches_nothing(
    dead_letters: DeadLetters, request_: dict[str, Any], field: str
) -> None:
    letters = sorted(await dead_letters.broken("x1", "x2"))
    await dead_letters.accept_all()
    answer = await dead_letters.http.post(f"{M1}/replay", json=request_, headers=MERCHANT)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.json()["remedy"]
    assert await dead_letters.ids() == letters
    assert await dead_letters.seen() == set()


@pytest.mark.parametrize(
    ("path", "field"),
    [
        pytest.param(f"{M1}?cursor=WyJhIl0", "cursor", id="text-for-a-number"),
        pytest.param(f"{M1}?cursor=WzEsMl0", "cursor", id="two-numbers-for-one"),
        pytest.param(f"{M1}?reason=a%00b", "reason", id="NUL"),
        pytest.param(f"{M1}?state=closed", "state", id="no-such-state"),
        pytest.param(f"{M1}/{2**63}", "letter_id", id="a-number-too-large"),
        pytest.param("/v1/merchants/m1/quarantines?cursor=WyJhIl0", "cursor", id="quarantines"),
        pytest.param(
            "/v1/merchants/m1/parked?cursor=WyJcdTAwMDAiLCJhIiwiYiJd", "cursor", id="park"
        ),
    ],
)
async def test_a_list_that_does_not_exist_is_refused_by_its_field(
    dead_letters: DeadLetters, path: str, field: str
) -> None:
    answer = await dead_letters.http.get(path, headers=MERCHANT)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_an_outage_in_a_bulk_leaves_the_rest_untried_and_says_so(
    dead_letters: DeadLetters,
) -> None:
    first, second, third = sorted(await dead_letters.broken("x1", "x2", "x3"))
    await dead_letters.accept_all()
    holder = await asyncpg.connect(dead_letters.harness.url)
    held = holder.transaction()
    await held.start()
    await holder.execute("SELECT 1 FROM dead_letter WHERE id = $1 FOR UPDATE", second)

    async def cut() -> bool:
        """End the session of the bulk that waits for the lock."""
        return bool(
            await dead_letters.harness.pool.fetchval(
                """
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND $1 = ANY(pg_blocking_pids(pid))
                """,
                holder.get_server_pid(),
            )
        )

    for path, rest in (("replay", {"all": True}), ("replay", {"ids": [first, second, third]})):
        cutting = asyncio.create_task(eventually(cut))
        done = await dead_letters.post(f"{M1}/{path}", **rest)
        await cutting
        outcomes = {item["id"]: item["outcome"] for item in done["items"]}
        assert done["stopped"]
        if "all" in rest:
            assert outcomes == {first: "taken"}
            cursor = done["next_cursor"]
        else:
            assert outcomes == {first: "already-settled", second: "not-tried", third: "not-tried"}
    await held.rollback()
    await holder.close()
    done = await dead_letters.post(f"{M1}/replay", all=True, cursor=cursor)
    assert {item["id"]: item["outcome"] for item in done["items"]} == {
        second: "taken",
        third: "taken",
    }
    assert {row["times"] for row in await dead_letters.harness.fetch("SELECT times FROM seen")} == {
        1
    }


# ---- quarantines and the park


async def test_a_quarantine_is_seen_by_its_merchant_and_lifted_by_an_operator(
    dead_letters: DeadLetters,
) -> None:
    for n in range(150):
        await dead_letters.harness.producer.send(
            dead_letters.harness.prefix + "catalog.updated",
            b"poison",
            f"m1/main/{n}".encode(),
            headers=[("ce_type", b"channel.catalog.updated.v1"), ("ce_source", b"/broken")],
        )
    await dead_letters.harness.producer.flush()
    await eventually(dead_letters.harness.table_has("quarantine", 1))
    await dead_letters.harness.send(product("held"), product("held-too"), source="/broken")
    await dead_letters.harness.send(product("early", catalogue="later", merchant="m2"))
    await eventually(dead_letters.harness.table_has("parked_event", 3))
    [own] = (await dead_letters.get("/v1/merchants/m1/quarantines"))["items"]
    assert (own["group"], own["source"], own["merchant_id"]) == (GROUP, "/broken", "m1")
    m2 = as_(token(scope=READ, merchant="m2"))
    assert (await dead_letters.get("/v1/merchants/m2/quarantines", m2))["items"] == []
    [waiting] = (await dead_letters.get("/v1/merchants/m1/parked"))["items"]
    assert (waiting["waits_for"], waiting["parked"]) == ("quarantine:m1:/broken", 2)
    assert waiting["oldest_at"] < waiting["oldest_expires_at"]
    everyone = await dead_letters.get("/v1/parked", OPERATORS, limit=1)
    rest = await dead_letters.get("/v1/parked", OPERATORS, limit=1, cursor=everyone["next_cursor"])
    assert [item["waits_for"] for item in (*everyone["items"], *rest["items"])] == [
        "catalogue:later",
        "quarantine:m1:/broken",
    ]
    assert rest["next_cursor"] is None
    which = {name: own[name] for name in ("group", "source", "merchant_id")}
    wrong = await dead_letters.http.post(
        "/v1/quarantines/lift", json={**which, "source": "/other"}, headers=OPERATORS
    )
    assert wrong.status_code == 404
    lifted = await dead_letters.http.post("/v1/quarantines/lift", json=which, headers=OPERATORS)
    assert lifted.status_code == 204
    assert (await dead_letters.get("/v1/quarantines", OPERATORS))["items"] == []
    assert await dead_letters.replayer.sweep(known_catalogues)
    assert await dead_letters.seen() == {"held", "held-too"}
    assert (await dead_letters.get("/v1/merchants/m1/parked"))["items"] == []
