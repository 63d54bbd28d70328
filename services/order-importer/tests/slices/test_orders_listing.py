"""The order list: each filter against the same question asked of every order; pages; refusals."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from common import clock
from order_importer.listing.store import OrderFilter, list_orders, list_orders_by_deadline

from ..orders_harness import MERCHANT, PATH, Harness

LIST = f"/v1/merchants/{MERCHANT}/orders"
TO_SEND = "WAIT_SELLER_SEND_GOODS"

Shown = dict[str, Any]


async def listed(harness: Harness, limit: int = 200, **filters: str) -> list[Shown]:
    """Every order found, page after page."""
    found: list[Shown] = []
    params: dict[str, str | int] = {**filters, "limit": limit}
    while True:
        answer = await harness.call("GET", LIST, params=params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return found
        params["cursor"] = answer.json()["next_cursor"]


async def with_orders(harness: Harness) -> datetime:
    """Orders of two days, several states, SKUs and shops; the moment between the days."""
    await harness.stock("SHIRT-1", "SHIRT-2", "COAT-1")
    seed = 0
    for day in range(2):
        for sku, status in (
            ("SHIRT-1", TO_SEND),
            ("SHIRT-2", TO_SEND),
            ("COAT-1", "RISK_CONTROL"),
            ("SHIRT-1", "IN_CANCEL"),
        ):
            seed += 1
            await harness.place(
                2, seed=seed, lines=[{"sku_code": sku, "quantity": 1}], status=status
            )
        await harness.import_now()
        if day == 0:
            between = await harness.move_clock(advance_seconds=3 * 3_600)
    await harness.pool.execute(
        """
        UPDATE marketplace_order SET shop_id = 'second' WHERE order_id IN (
            SELECT order_id FROM marketplace_order ORDER BY md5(order_id) LIMIT 4
        )
        """
    )
    return between


def at(order: Shown, field: str) -> datetime:
    return datetime.fromisoformat(order[field])


@pytest.fixture
async def moment(harness: Harness) -> datetime:
    return await with_orders(harness)


async def test_each_filter_finds_what_it_says_and_nothing_else(
    harness: Harness, moment: datetime
) -> None:
    every = await listed(harness)
    assert len(every) == 16
    number, text = every[5]["order_id"], moment.isoformat()
    placed, placed_text = at(every[5], "placed_at"), every[5]["placed_at"]
    due = min(at(order, "due_at") for order in every if order["due_at"]) + timedelta(hours=1)
    milliseconds = clock.milliseconds_of(moment)
    asked: list[tuple[dict[str, str], Callable[[Shown], bool]]] = [
        ({"status": "waiting_shipment"}, lambda o: o["status"] == "waiting_shipment"),
        ({"status": "new"}, lambda o: o["status"] == "new"),
        ({"status": "other"}, lambda o: o["status"] == "other"),
        ({"status": "IN_CANCEL"}, lambda o: o["marketplace_status"] == "IN_CANCEL"),
        ({"shop": "second"}, lambda o: o["shop_id"] == "second"),
        ({"number": number}, lambda o: o["order_id"] == number),
        ({"sku": "SHIRT-1"}, lambda o: o["lines"][0]["sku_code"] == "SHIRT-1"),
        ({"placed_from": placed_text}, lambda o: at(o, "placed_at") >= placed),
        ({"placed_before": placed_text}, lambda o: at(o, "placed_at") < placed),
        ({"updated_from": text}, lambda o: o["revision"] >= milliseconds),
        ({"updated_before": text}, lambda o: o["revision"] < milliseconds),
        (
            {"due_before": due.isoformat()},
            lambda o: o["due_at"] is not None and at(o, "due_at") < due,
        ),
        (
            {"status": "waiting_shipment", "sku": "SHIRT-2", "placed_from": placed_text},
            lambda o: (
                (o["status"], o["lines"][0]["sku_code"]) == ("waiting_shipment", "SHIRT-2")
                and at(o, "placed_at") >= placed
            ),
        ),
    ]
    for filters, is_wanted in asked:
        wanted = [order for order in every if is_wanted(order)]
        assert 0 < len(wanted) < len(every), filters
        for limit in (200, 3):
            found = await listed(harness, limit, **filters)
            if "due_before" in filters:
                wanted.sort(key=lambda o: (o["due_at"], o["shop_id"], o["order_id"]))
            assert found == wanted, filters


async def test_orders_are_listed_the_newest_first_and_by_deadline_the_nearest(
    harness: Harness, moment: datetime
) -> None:
    newest = await listed(harness, 5)
    assert [at(order, "placed_at") for order in newest] == sorted(
        (at(order, "placed_at") for order in newest), reverse=True
    )
    nearest = await listed(harness, 3, due_before="2099-01-01T00:00:00Z")
    assert [at(order, "due_at") for order in nearest] == sorted(
        at(order, "due_at") for order in newest if order["due_at"]
    )
    assert len({order["order_id"] for order in nearest}) == len(nearest) == 8


@pytest.mark.parametrize(
    ("path", "params", "field", "remedy"),
    [
        (LIST, {"state": "new"}, "state", "status"),
        (LIST, {"due_befor": "2026-11-26T12:30:00Z"}, "due_befor", "Did you mean due_before?"),
        (LIST, {"Status": "new"}, "Status", "status"),
        (f"{PATH}/order-imports", {"state": "done"}, "state", "cursor, limit"),
        (f"{PATH}/orders/1", {"fields": "lines"}, "fields", "It has none."),
        (f"/v1/merchants/{MERCHANT}/orders/changes", {"since": "x"}, "since", "after, limit"),
        (f"/v1/merchants/{MERCHANT}/dead-letters", {"reasons": "x"}, "reasons", "reason"),
    ],
)
async def test_a_parameter_that_a_route_does_not_have_is_refused(
    harness: Harness, path: str, params: dict[str, str], field: str, remedy: str
) -> None:
    headers = harness.bearer("orders:read", "dead-letters:read")
    answer = await harness.call("GET", path, params=params, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert remedy in answer.json()["remedy"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"status": "waiting"}, "waiting_shipment"),
        ({"status": "wait_seller_send_goods"}, "WAIT_SELLER_SEND_GOODS"),
        ({"shop": "a b"}, "match"),
        ({"number": ""}, "at least 1"),
        ({"sku": "a\x00b"}, "match"),
        ({"placed_from": "2026-11-26"}, "2026-11-26T12:30:00Z"),
        ({"placed_before": "2026-11-26T12:30:00"}, "with its zone"),
        ({"updated_from": "1764160200"}, "with its zone"),
        ({"updated_before": "2026-13-26T12:30:00Z"}, "no such time"),
        ({"due_before": "0001-01-01T00:00:00+14:00"}, "no such time"),
        ({"due_before": "soon"}, "with its zone"),
        ({"limit": "0"}, "greater"),
    ],
)
async def test_a_value_that_is_none_is_refused_with_what_is_allowed(
    harness: Harness, params: dict[str, str], message: str
) -> None:
    answer = await harness.call("GET", LIST, params=params)
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (422, next(iter(params)))
    assert message in problem["errors"][0]["message"]


@pytest.mark.parametrize(
    "text",
    ["2026-11-26T12:30:00+01:00", "2026-11-26T12:30:00 01:00", "2026-11-26T11:30Z"],
    ids=["offset", "plus-not-encoded", "no-seconds"],
)
async def test_a_time_is_taken_with_any_zone(harness: Harness, text: str) -> None:
    assert (await harness.call("GET", LIST, params={"placed_from": text})).status_code == 200


async def test_a_cursor_of_the_other_sort_is_refused(harness: Harness, moment: datetime) -> None:
    async def page(**params: str | int) -> httpx2.Response:
        return await harness.call("GET", LIST, params=params)

    due = {"due_before": "2099-01-01T00:00:00Z"}
    by_time = (await page(limit=1)).json()["next_cursor"]
    by_deadline = (await page(limit=1, **due)).json()["next_cursor"]
    for answer in (await page(cursor=by_deadline), await page(cursor=by_time, **due)):
        assert (answer.status_code, answer.json()["field"]) == (422, "cursor")


async def test_every_filter_goes_by_an_index(harness: Harness) -> None:
    """Of 100,000 orders, most of them closed, each filter reads what it finds and little more."""
    await harness.stock("SHIRT-1")
    await harness.place()
    await harness.import_orders()
    await _multiply(harness, 100_000)
    from_here = datetime(2026, 11, 1, tzinfo=UTC)
    filters = [
        OrderFilter(status="new"),
        OrderFilter(status="IN_CANCEL"),
        OrderFilter(number="n-500"),
        OrderFilter(sku="RARE-7"),
        OrderFilter(placed_from=from_here, placed_before=from_here + timedelta(hours=1)),
        OrderFilter(updated_from=from_here + timedelta(days=400)),
        OrderFilter(due_before=from_here + timedelta(hours=5)),
    ]
    for wanted in filters:
        read = await _rows_read(harness, wanted)
        assert read < 2_000, (wanted, read)


async def _multiply(harness: Harness, count: int) -> None:
    """The one order of the merchant as so many, with states, times and SKUs of their own."""
    await harness.pool.execute(
        """
        INSERT INTO marketplace_order
            (merchant_id, shop_id, order_id, revision, content, fingerprint, status,
             marketplace_status, placed_at, modified_at, received_at, updated_at, due_at, sku_codes)
        SELECT merchant_id, shop_id, 'n-' || n, n, content, fingerprint,
            CASE n % 1000 WHEN 0 THEN 'new' WHEN 1 THEN 'other' WHEN 2 THEN 'waiting_shipment'
                ELSE 'closed' END,
            CASE n % 1000 WHEN 0 THEN 'RISK_CONTROL' WHEN 1 THEN 'IN_CANCEL'
                WHEN 2 THEN 'WAIT_SELLER_SEND_GOODS' ELSE 'FINISH' END,
            timestamptz '2026-11-01Z' + n * interval '1 minute', modified_at, received_at,
            updated_at,
            CASE n % 1000 WHEN 2 THEN timestamptz '2026-11-01Z' + n * interval '1 minute' END,
            jsonb_build_array(CASE n % 500 WHEN 7 THEN 'RARE-7' ELSE 'SHIRT-1' END)
        FROM marketplace_order, generate_series(1, $1::integer) AS n
        """,
        count,
    )
    await harness.execute_as_owner("ANALYZE marketplace_order")


async def _rows_read(harness: Harness, wanted: OrderFilter) -> int:
    """How many rows and index entries of the table a page of 51 reads."""
    async with harness.pool.acquire() as connection, connection.transaction():
        before = await _fetched(connection)
        listing = list_orders if wanted.due_before is None else list_orders_by_deadline
        found = await listing(connection, MERCHANT, wanted, after=None, limit=51)
        assert found or wanted.updated_from
        return await _fetched(connection) - before


async def _fetched(connection: Any) -> int:
    """Rows of the table that this transaction has read so far, by whatever scan."""
    return int(
        await connection.fetchval(
            """
            SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
            WHERE relname = 'marketplace_order'
            """
        )
    )
