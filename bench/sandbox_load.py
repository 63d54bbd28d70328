"""How many signed calls a second the sandbox serves, alone on one core, at 100,000 products.

    python bench/sandbox_load.py [--seconds 10] [--products 100000] [--connections 16]

The mix: 70 % batches of one product (price and stock by turns), 20 % queries of feeds of 20 items,
10 % order lists of 20. Calls are signed beforehand, connections are kept alive, every signature is
verified and every answer is looked at. The claim: at least 1,000 calls a second.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import random
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

CLAIMED_CALLS_PER_SECOND = 1_000
SELLER = "2200100001"
APP_KEY, SECRET = "500100", "sandbox-app-secret-not-for-production"
REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"
FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
ORDERS = 2_000
FEEDS = 50
SIGNED = 20_000


class Sandbox:
    """The server under load, in a process of its own on the first core."""

    def __init__(self) -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            self.port: int = listening.getsockname()[1]
        settings = {
            "SANDBOX_PORT": str(self.port),
            "SANDBOX_FEED_SECONDS": "0",
            "SANDBOX_FEED_JOBS_PER_DAY": "0",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox"], env={**os.environ, **settings}
        )
        os.sched_setaffinity(self.process.pid, {min(os.sched_getaffinity(0))})
        deadline = time.monotonic() + 20
        while True:
            try:
                self.control("GET", "health")
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        code = self.control("POST", "codes", {"seller_id": SELLER, "redirect_uri": REDIRECT})
        path = "/auth/token/create"
        asked = sign({"code": code["code"]}, path)
        answer = self._request("GET", f"/rest{path}?{urlencode(asked)}")
        self.token: str = answer["access_token"]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the control API."""
        return self._request(method, f"/control/{path}", json.dumps(body) if body else None)

    def call(self, operation: str, parameters: dict[str, str]) -> Any:
        """One signed call."""
        asked = sign({"method": operation, "session": self.token, **parameters})
        return self._request("POST", "/sync", urlencode(asked), FORM)

    def _request(
        self, method: str, target: str, body: str | None = None, headers: Any = None
    ) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request(method, target, body, headers or {})
        content = connection.getresponse().read()
        connection.close()
        return json.loads(content)


def sign(parameters: dict[str, str], path: str = "") -> dict[str, str]:
    """The parameters with the system ones and the signature."""
    sent = {
        "app_key": APP_KEY,
        "timestamp": str(int(time.time() * 1000)),
        "sign_method": "sha256",
        **parameters,
    }
    text = path + "".join(f"{name}{sent[name]}" for name in sorted(sent))
    sent["sign"] = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest().upper()
    return sent


def signed_requests(sandbox: Sandbox, products: int) -> list[bytes]:
    """The mix as bytes ready to send, in a drawn order that is always the same."""
    draw = random.Random(7)
    stock = sandbox.control("GET", f"products?seller={SELLER}")
    chosen = draw.sample(stock, min(products, 5_000))
    jobs = [_submit(sandbox, number) for number in range(FEEDS)]
    requests = []
    for number in range(SIGNED):
        kind = draw.random()
        if kind < 0.7:
            name, parameters = _batch(draw.choice(chosen), is_price=number % 2 == 0)
        elif kind < 0.9:
            name = "aliexpress.solution.feed.query"
            parameters = {"job_id": draw.choice(jobs)}
        else:
            name = "aliexpress.solution.order.get"
            query = {
                "page_size": 20,
                "current_page": draw.randint(1, 20),
                "modified_date_start": "2020-01-01 00:00:00",
            }
            parameters = {"param0": json.dumps(query)}
        body = urlencode(sign({"method": name, "session": sandbox.token, **parameters})).encode()
        head = (
            "POST /sync HTTP/1.1\r\nHost: sandbox\r\n"
            f"Content-Type: {FORM['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


def _batch(product: dict[str, Any], *, is_price: bool) -> tuple[str, dict[str, str]]:
    code = product["skus"][0]["sku_code"]
    sku = (
        {"sku_code": code, "price": "19.99", "discount_price": "14.99"}
        if is_price
        else {"sku_code": code, "inventory": 42}
    )
    update = [{"product_id": product["product_id"], "multiple_sku_update_list": [sku]}]
    name = f"aliexpress.solution.batch.product.{'price' if is_price else 'inventory'}.update"
    return name, {"mutiple_product_update_list": json.dumps(update)}


def _submit(sandbox: Sandbox, number: int) -> str:
    items = [{"item_content_id": f"{number}-{place}", "item_content": "{}"} for place in range(20)]
    answer = sandbox.call(
        "aliexpress.solution.feed.submit",
        {"operation_type": "PRODUCT_CREATE", "item_list": json.dumps(items)},
    )
    return str(answer["aliexpress_solution_feed_submit_response"]["job_id"])


async def drive(port: int, requests: list[bytes], seconds: float) -> list[float]:
    """Send requests one after another over one connection; seconds each took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took = []
    until = time.perf_counter() + seconds
    place = 0
    while (began := time.perf_counter()) < until:
        writer.write(requests[place % len(requests)])
        place += 1
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        content = await reader.readexactly(length)
        if b"error_response" in content or not content.startswith(b"{"):
            raise SystemExit(f"refused: {content[:300]!r}")
        took.append(time.perf_counter() - began)
    writer.close()
    return took


async def measure(
    port: int, requests: list[bytes], seconds: float, connections: int
) -> list[float]:
    """All connections at once, each with its own share of the requests."""
    shares = [requests[place::connections] for place in range(connections)]
    took = await asyncio.gather(*(drive(port, share, seconds) for share in shares))
    return sorted(one for share in took for one in share)


def main() -> None:
    """Fill a sandbox, load it and say what it did."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--products", type=int, default=100_000)
    arguments.add_argument("--connections", type=int, default=16)
    asked = arguments.parse_args()
    sandbox = Sandbox()
    try:
        began = time.perf_counter()
        sandbox.control("POST", "products", {"seller_id": SELLER, "count": asked.products})
        wanted = {"seller_id": SELLER, "count": ORDERS, "status": "WAIT_SELLER_SEND_GOODS"}
        sandbox.control("POST", "orders", wanted)
        print(f"{asked.products} products, {ORDERS} orders in {time.perf_counter() - began:.1f} s")
        requests = signed_requests(sandbox, asked.products)
        took = asyncio.run(measure(sandbox.port, requests, asked.seconds, asked.connections))
    finally:
        sandbox.process.terminate()
        sandbox.process.wait()
    per_second = len(took) / asked.seconds
    median, late = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(f"{per_second:.0f} calls/s, median {median * 1000:.1f} ms, p99 {late * 1000:.1f} ms")
    if per_second < CLAIMED_CALLS_PER_SECOND:
        sys.exit(f"below the claimed {CLAIMED_CALLS_PER_SECOND} calls/s")


if __name__ == "__main__":
    main()
