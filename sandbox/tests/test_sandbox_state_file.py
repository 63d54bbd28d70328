"""Kept over a restart, and the same again for the same seed."""

from pathlib import Path
from typing import Any

MOMENT = "2027-01-01T00:00:00+00:00"


def run_scenario(client: Any, payload: Any) -> bytes:
    """A whole sale on a clock that stands still unless moved; the ledger it leaves."""
    client.control("POST", "clock", {"set": MOMENT, "is_frozen": True})
    client.connect()
    items = {str(n): payload(f"{n}-1", f"{n}-2") for n in range(5)} | {"bad": payload("")}
    identity = client.feed("PRODUCT_CREATE", items)["0"]["productId"]
    skus = [{"sku_code": "0-1", "inventory": 3}]
    update = [{"product_id": identity, "multiple_sku_update_list": skus}]
    client.call(
        "aliexpress.solution.batch.product.inventory.update",
        {"mutiple_product_update_list": update},
    )
    asked = {"seller_id": "2200100001", "seed": 3, "count": 4, "journey": "mixed"}
    client.control("POST", "orders", asked)
    client.control("POST", "clock", {"advance_seconds": 5 * 86_400})
    client.control("POST", "orders", asked)
    ledger: bytes = client.request("GET", "/control/ledger").body
    return ledger


def test_the_same_seed_and_clock_give_the_same_ledger_to_the_byte(
    start_sandbox: Any, payload: Any
) -> None:
    ledgers = []
    for seed in ("7", "7", "8"):
        with start_sandbox(seed=seed, feed_seconds="0", audit_seconds="0") as client:
            ledgers.append(run_scenario(client, payload))
    assert ledgers[0] == ledgers[1]
    assert ledgers[0] != ledgers[2]
    assert ledgers[0].count(b"\n") > 20


def test_state_outlives_a_restart(start_sandbox: Any, payload: Any, tmp_path: Path) -> None:
    settings = {"state_file": str(tmp_path / "kept" / "state"), "audit_seconds": "0"}
    with start_sandbox(feed_seconds="0", **settings) as client:
        before = run_scenario(client, payload)
        products = client.control("GET", "products?seller=2200100001")
        orders = client.control("GET", "orders")
        token = client.token
    with start_sandbox(feed_seconds="0", **settings) as client:
        assert client.request("GET", "/control/ledger").body == before
        assert client.control("GET", "products?seller=2200100001") == products
        assert client.control("GET", "orders") == orders
        clock = client.control("GET", "clock")
        assert (clock["now"], clock["is_frozen"]) == ("2027-01-06T00:00:00.000+00:00", True)
        client.token = token
        assert "shop_name" in client.call("aliexpress.solution.merchant.profile.get")
        new = client.feed("PRODUCT_CREATE", {"new": payload("NEW-1")})["new"]
        assert str(new["productId"]) not in {product["product_id"] for product in products}
        found = client.call(
            "aliexpress.solution.product.list.get",
            {
                "aeop_a_e_product_list_query": {
                    "product_status_type": "onSelling",
                    "sku_code": "3-2",
                }
            },
        )
        assert found["result"]["product_count"] == 1


def test_numbers_past_64_bits_are_kept_too(
    start_sandbox: Any, payload: Any, tmp_path: Path
) -> None:
    settings = {"state_file": str(tmp_path / "state"), "audit_seconds": "0", "feed_seconds": "0"}
    with start_sandbox(**settings) as client:
        client.connect()
        odd = payload("A-1", x=[10**20, -(10**30), 2**64 - 1, -(2**63)])
        assert client.feed("PRODUCT_CREATE", {"1": odd})["1"]["success"] is True
    with start_sandbox(**settings) as client:
        (product,) = client.control("GET", "products?seller=2200100001")
        assert product["skus"][0]["sku_code"] == "A-1"


def test_results_of_a_job_come_one_by_one(start_sandbox: Any, payload: Any) -> None:
    with start_sandbox(feed_seconds="4", job_clock="sandbox") as client:
        client.control("POST", "clock", {"set": MOMENT, "is_frozen": True})
        client.connect()
        items = [{"item_content_id": str(n), "item_content": payload(f"A-{n}")} for n in range(4)]
        job = client.call(
            "aliexpress.solution.feed.submit",
            {"operation_type": "PRODUCT_CREATE", "item_list": items},
        )["job_id"]

        def progress() -> tuple[str, int]:
            listed = client.call("aliexpress.solution.feed.list.get")["job_list"]
            answer = client.call("aliexpress.solution.feed.query", {"job_id": str(job)})
            status: str = listed["batch_operation_job_dto"][0]["status"]
            return status, len(answer["result_list"].get("single_item_response_dto", []))

        seen = [progress()]
        for _ in range(4):
            client.control("POST", "clock", {"advance_seconds": 1})
            seen.append(progress())
        assert seen == [
            ("QUEUEING", 0),
            ("QUEUEING", 0),
            ("PROCESSING", 0),
            ("PROCESSING", 2),
            ("FINISH", 4),
        ]


def test_the_state_is_a_page_for_people(sandbox: Any, payload: Any) -> None:
    sandbox.feed("PRODUCT_CREATE", {"1": payload("PAGE-1")})
    sandbox.control("POST", "orders", {"seller_id": "2200100001"})
    page = sandbox.request("GET", "/?seller=2200100001").body.decode()
    assert "PAGE-1" in page
    assert "Home &amp; Garden" in page
    assert "S1-00001" in page


def test_pictures_are_pictures_and_some_are_not(sandbox: Any) -> None:
    first = sandbox.request("GET", "/pictures/oak.jpg")
    assert first.body == sandbox.request("GET", "/pictures/oak.jpg").body
    assert first.body.startswith(b"\x89PNG\r\n")
    assert first.body != sandbox.request("GET", "/pictures/elm.jpg").body
    assert sandbox.request("GET", "/pictures/missing-1.jpg").status == 404
    page = sandbox.request("GET", "/pictures/notimage-1.jpg")
    assert (page.status, page.headers["content-type"]) == (200, "text/html")
