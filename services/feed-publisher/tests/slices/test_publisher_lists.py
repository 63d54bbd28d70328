"""What the stores list: filtered, sorted and paged on a real database."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from common.contracts.feed import FeedState
from common.contracts.product import ProductNormalized, ProductReported
from common.errors import NotFound
from common.postgres.migrate import statements
from common.postgres.pool import Connection, open_pool
from common.postgres.unit_of_work import unit_of_work
from common.web.identity import OPERATOR
from feed_publisher.app import SERVICE
from feed_publisher.desired.feeds.store import list_feeds, load_feed, save_feeds
from feed_publisher.desired.store import save_desired
from feed_publisher.listings.listing import AcceptedSku, AcceptedState, Listing
from feed_publisher.listings.store import (
    DueShop,
    count_online,
    list_due,
    list_due_shops,
    list_reported,
    load_listings,
    load_products,
    load_reports,
    save_comparison,
    save_listings,
)
from feed_publisher.reports.store import list_items, list_products, load_product
from feed_publisher.runs.items.store import list_call_items, list_planned, list_sendable
from feed_publisher.runs.run import Run
from feed_publisher.runs.store import (
    ask_for_run,
    count_queued,
    end_turn,
    find_newer_plan,
    list_runnable,
    list_runs,
    load_run,
)
from stack.testing import NewDatabase, rows_read
from stack.testing.databases import execute_as_owner

from ..publisher_auth import MERCHANT, bearer
from ..publisher_harness import FEED, Harness, migrate

EARLY, NOW = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
LATE = datetime(2026, 11, 3, tzinfo=UTC)


def _desired(family_id: str) -> ProductNormalized:
    return ProductNormalized(
        merchant_id="m", feed_id="f", family_id=family_id, revision=1, shop_id="s",
        presence="absent",
    )  # fmt: skip


def _listed(family_id: str, **changes: object) -> tuple[Listing, ProductReported]:
    report = ProductReported(
        merchant_id="m", feed_id="f", family_id=family_id, revision=1, desired_revision=1,
        status="live",
    )  # fmt: skip
    listing = Listing(
        feed_id="f", family_id=family_id, shop_id="s", status="live", live_since=EARLY,
        marketplace_product_id=f"1-{family_id}", reported_status="live",
    )  # fmt: skip
    return msgspec.structs.replace(listing, **changes), report


@pytest.fixture
async def connection(database: NewDatabase) -> AsyncIterator[Connection]:
    pool = await open_pool(await database(migrate), max_size=1)
    async with unit_of_work(pool) as connection:
        yield connection
    await pool.close()


async def _insert(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[tuple[object, ...]],
) -> None:
    places = ", ".join(f"${number}" for number, _ in enumerate(columns, start=1))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
    await connection.executemany(statement, rows)


async def _add_run(connection: Connection, run_id: str, at: datetime, **columns: object) -> None:
    row = {
        "merchant_id": "m", "run_id": run_id, "feed_id": "f", "shop_id": "s", "kind": "product",
        "cause": "request", "is_dry_run": True, "state": "queued", "asked_at": at, **columns,
    }  # fmt: skip
    await _insert(connection, "feed_run", [*row], [(*row.values(),)])


async def runnable(connection: Connection, *, limit: int) -> list[Run]:
    return await list_runnable(connection, "runs", limit=limit)


async def test_feeds_come_by_their_id_page_by_page(connection: Connection) -> None:
    states = [
        FeedState(
            merchant_id=merchant_id, feed_id=feed_id, revision=1, shop_id="s", catalogue_id="c",
            main_locale="en_US", configuration_version=1, lifecycle="active",
        )
        for merchant_id, feed_id in (("m", "a"), ("m", "b"), ("m", "c"), ("n", "d"))
    ]  # fmt: skip
    await save_feeds(connection, states)
    first = await list_feeds(connection, "m", after="", limit=2)
    second = await list_feeds(connection, "m", after=first[-1].feed_id, limit=2)
    assert [[feed.feed_id for feed in page] for page in (first, second)] == [["a", "b"], ["c"]]
    assert await load_feed(connection, "m", "b") == first[1]
    with pytest.raises(NotFound):
        await load_feed(connection, "m", "d")


async def test_runs_come_the_newest_first_page_by_page(connection: Connection) -> None:
    for run_id, at in (("a", NOW), ("b", NOW), ("c", EARLY), ("d", LATE)):
        await _add_run(connection, run_id, at, state="planned")
    await _add_run(connection, "other", LATE, feed_id="other")
    first = await list_runs(connection, "m", "f", before=None, limit=2)
    place = (first[-1].asked_at, first[-1].run_id)
    second = await list_runs(connection, "m", "f", before=place, limit=9)
    assert [[run.run_id for run in page] for page in (first, second)] == [["d", "b"], ["a", "c"]]


async def test_a_run_goes_on_when_its_shop_may_be_called(connection: Connection) -> None:
    await _add_run(connection, "dry", NOW)
    await _add_run(connection, "wet", EARLY, is_dry_run=False)
    await _add_run(connection, "ended", EARLY, state="completed")
    assert [run.run_id for run in await runnable(connection, limit=9)] == ["dry"]
    shop = ("m", "s", 1, True, "connected", 1)
    columns = ["merchant_id", "shop_id", "revision", "is_eligible", "connection", "generation"]
    await _insert(connection, "shop", columns, [shop])
    assert [run.run_id for run in await runnable(connection, limit=9)] == [
        "wet",
        "dry",
    ]
    await _add_run(connection, "at-work", LATE, is_dry_run=False, state="running")
    assert [run.run_id for run in await runnable(connection, limit=9)] == [
        "dry",
        "at-work",
    ]


async def test_each_merchant_has_its_turn_before_any_has_a_second(connection: Connection) -> None:
    for number in range(60):
        for kind in ("product", "offer"):
            await _add_run(
                connection, f"many-{number}-{kind}", EARLY, feed_id=f"f{number}", kind=kind
            )
    await _add_run(connection, "one", NOW, merchant_id="n")
    await _add_run(connection, "first", NOW, merchant_id="o", feed_id="a")
    await _add_run(connection, "second", NOW, merchant_id="o", feed_id="b")
    runs = await runnable(connection, limit=5)
    assert {run.merchant_id for run in runs[:3]} == {"m", "n", "o"}
    assert {run.merchant_id for run in runs[3:]} == {"m", "o"}
    served = next(run for run in runs if run.merchant_id == "m")
    await end_turn(connection, served, waits=timedelta())
    again = await runnable(connection, limit=200)
    served = await load_run(connection, "m", served.run_id)
    assert [run for run in again if run.merchant_id == served.merchant_id][-1] == served
    await end_turn(connection, served, waits=timedelta(minutes=5))
    assert served.run_id not in {run.run_id for run in await runnable(connection, limit=200)}


async def test_dry_runs_that_wait_to_begin_are_one(connection: Connection) -> None:
    state = FeedState(
        merchant_id="m", feed_id="f", revision=1, shop_id="s", catalogue_id="c",
        main_locale="en_US", configuration_version=1, lifecycle="active",
    )  # fmt: skip
    await save_feeds(connection, [state])

    async def ask(**how: bool) -> str | None:
        return await ask_for_run(connection, "m", "f", "product", cause="request", **how)

    dry = [await ask(is_dry_run=True) for _ in range(200)]
    wet = [await ask() for _ in range(3)]
    assert (len(set(dry)), len(set(wet))) == (1, 1)
    assert dry[0] != wet[0]
    assert await count_queued(connection, "m") == 2


async def test_a_newer_plan_is_one_that_is_made(connection: Connection) -> None:
    await _add_run(connection, "old", EARLY, planned_at=EARLY, state="planned")
    await _add_run(connection, "new", EARLY, planned_at=NOW, state="planned")
    await _add_run(connection, "unfinished", EARLY, planned_at=LATE, state="planning")
    await _add_run(connection, "unplanned", EARLY)
    newer = {
        run_id: await find_newer_plan(connection, await load_run(connection, "m", run_id))
        for run_id in ("old", "new", "unplanned")
    }
    assert {run_id: run and run.run_id for run_id, run in newer.items()} == {
        "old": "new", "new": None, "unplanned": None,
    }  # fmt: skip


async def test_items_and_products_are_filtered(connection: Connection) -> None:
    await _add_run(connection, "r", NOW)
    await save_desired(connection, [(_desired(family_id), None) for family_id in "abcd"])
    await save_listings(connection, "m", [_listed("a", status="auditing"), _listed("b")])
    await save_comparison(connection, "m", [_listed("b")[0]], {("f", "b"): b"[]"}, NOW)
    items: list[tuple[object, ...]] = [
        ("m", "r", no, "f", family_id, "update", status, False, 1, [], b"{}", call_id)
        for no, family_id, status, call_id in (
            (1, "a", "pending", None), (2, "b", "sending", "k"), (3, "c", "pending", None),
            (4, "d", "accepted", "k"),
        )
    ]  # fmt: skip
    columns = [
        "merchant_id", "run_id", "item_no", "feed_id", "family_id", "action", "status",
        "is_removal", "desired_revision", "sku_codes", "change", "call_id",
    ]  # fmt: skip
    await _insert(connection, "run_item", columns, items)
    run = await load_run(connection, "m", "r", locked=True)

    sendable = await list_sendable(connection, run, "update", limit=9)
    planned = await list_planned(connection, run, "update", after=0, limit=9)
    called = await list_call_items(connection, "m", "k")
    assert [[i.family_id for i in found] for found in (sendable, planned, called)] == [
        ["c"], ["a", "c"], ["b"],
    ]  # fmt: skip
    reported = await list_items(
        connection, "m", "r", status="pending", action="update", after=1, limit=9
    )
    assert [item.family_id for item in reported] == ["c"]
    assert await list_items(connection, "m", "r", action="create", limit=9) == []

    products = await list_products(connection, "m", "f", limit=9)
    assert [(p.family_id, p.in_flight, p.listing is not None) for p in products] == [
        ("a", None, True), ("b", "update: sending", True), ("c", None, False), ("d", None, False),
    ]  # fmt: skip
    for status, after, families in (
        ("pending", "", "cd"), ("pending", "c", "d"), ("drifted", "", "b"), ("live", "", "ab"),
        ("rejected", "", ""),
    ):  # fmt: skip
        found = await list_products(connection, "m", "f", status=status, after=after, limit=9)
        assert [product.family_id for product in found] == [*families], status
    assert (await load_product(connection, "m", "f", "d")).listing is None


async def test_listings_are_loaded_due_and_reported_by_key(connection: Connection) -> None:
    await save_listings(connection, "m", [_listed("a"), _listed("b"), _listed("c", status="none")])
    await save_comparison(connection, "m", [_listed("a")[0]], {}, NOW)
    loaded = await load_listings(connection, "m", "f", ["c", "new", "a"], shop_id="s")
    assert [(key, listing.is_online) for key, listing in loaded.items()] == [
        ("c", True), ("new", False), ("a", True),
    ]  # fmt: skip
    for before, families in ((NOW, "bc"), (LATE, "bca"), (EARLY, "")):
        due = await list_due(connection, "job", DueShop("m", "s"), before=before, limit=9)
        assert sorted(family for _, _, family in due) == sorted(families)
        loaded_due = await load_products(connection, due)
        assert sorted(listing.family_id for listing in loaded_due) == sorted(families)
    for merchant_id, family_id, after, families in (
        (None, None, ("", "", ""), "abc"), (None, None, ("m", "f", "a"), "bc"),
        ("m", "b", ("", "", ""), "b"), ("n", None, ("", "", ""), ""),
    ):  # fmt: skip
        products = await list_reported(
            connection, merchant_id=merchant_id, feed_id=None, family_id=family_id,
            after=after, limit=9,
        )  # fmt: skip
        reports = await load_reports(connection, products)
        assert [report.family_id for report in reports] == [*families]


LISTED_EACH = """
    INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, status, marketplace_product_id,
        document, live_since, read_back_at, written_at, drift)
    SELECT 'm', 'f', 'f' || n, 's', 'live', '1-' || n, convert_to($1, 'UTF8'), $2, $3,
        $3::timestamptz + CASE WHEN n = 9 THEN interval '1 minute' ELSE interval '-1 minute' END,
        CASE WHEN n % 100 = 9 THEN convert_to('[]', 'UTF8') END
    FROM generate_series(1, 5000) AS n"""


async def test_what_is_due_is_found_without_a_look_at_the_rest(database: NewDatabase) -> None:
    pool = await open_pool(await database(migrate), max_size=1)
    document = msgspec.json.encode(AcceptedState()).decode()
    await pool.execute(LISTED_EACH, document, EARLY, NOW)
    await pool.execute("UPDATE listing SET read_back_at = NULL WHERE family_id = 'f3'")
    await pool.execute(
        "INSERT INTO shop (merchant_id, shop_id, revision, is_eligible, connection, generation)"
        " VALUES ('m', 's', 1, true, 'connected', 1)"
    )
    await execute_as_owner(pool, "ANALYZE listing")
    shop = DueShop("m", "s")
    async with unit_of_work(pool) as connection:
        read_before = await rows_read(connection, "listing")
        for before, families in ((EARLY, ["f9"]), (NOW, ["f3", "f9"])):
            assert await list_due_shops(connection, "job", now=NOW, before=before) == [shop]
            due = await list_due(connection, "job", shop, before=before, limit=9)
            assert [family for _, _, family in due] == families
        assert await rows_read(connection, "listing") - read_before < 100
        await connection.execute("UPDATE listing SET written_at = $1, read_back_at = $1", NOW)
        assert await list_due_shops(connection, "job", now=NOW, before=NOW) == []
    await pool.close()


async def test_an_older_installation_counts_the_skus_it_has_online(connection: Connection) -> None:
    skus = {"a": AcceptedSku(price="9.00"), "b": AcceptedSku()}
    await save_listings(
        connection,
        "m",
        [
            _listed("two", accepted=AcceptedState(skus=skus)),
            _listed("none", accepted=AcceptedState()),
        ],
    )
    saved = await count_online(connection, "m", "s")
    assert saved == (2, 2)
    await connection.execute("UPDATE listing SET skus_online = 0")
    script = (SERVICE.migrations / "versions" / "0006_guards.sql").read_text()
    [count] = [text for text in statements(script) if text.startswith("UPDATE listing")]
    await connection.execute(count)
    assert await count_online(connection, "m", "s") == saved


UNSTORABLE: list[tuple[str, dict[str, str], str]] = [
    ("feeds/%00/runs", {"kind": "offer"}, "feed_id"),
    (f"feeds/{FEED}/pause", {"reason": "\0"}, "reason"),
    (f"feeds/{FEED}/products/%00/adopt", {"marketplace_product_id": "1"}, "family_id"),
    ("/v1/republish", {"merchant_id": "\0"}, "merchant_id"),
    ("/v1/republish", {"feed_id": "a b"}, "feed_id"),
    ("/v1/republish", {"family_id": "\0"}, "family_id"),
]


async def test_a_text_the_database_cannot_hold_is_refused_by_its_field(harness: Harness) -> None:
    for path, body, field in UNSTORABLE:
        is_operators = path.startswith("/")
        answer = await harness.http.post(
            path if is_operators else f"/v1/merchants/{MERCHANT}/{path}",
            json=body,
            headers=bearer(OPERATOR, merchant=None)
            if is_operators
            else bearer("feeds:read", "feeds:write"),
        )
        assert answer.status_code == 422, (path, answer.text)
        assert answer.json()["field"] == field, path
