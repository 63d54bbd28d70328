"""A sandbox as its own process on a free port, and a client that signs by itself."""

import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest

APP_KEY = "500100"
SECRET = "sandbox-app-secret-not-for-production"
REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"
SELLER = "2200100001"


def sha256_sign(parameters: dict[str, str], path: str = "", secret: str = SECRET) -> str:
    text = path + "".join(f"{name}{parameters[name]}" for name in sorted(parameters))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()


def md5_sign(parameters: dict[str, str], secret: str = SECRET) -> str:
    text = secret + "".join(f"{name}{parameters[name]}" for name in sorted(parameters)) + secret
    return hashlib.md5(text.encode()).hexdigest().upper()


def hmac_md5_sign(parameters: dict[str, str], secret: str = SECRET) -> str:
    text = "".join(f"{name}{parameters[name]}" for name in sorted(parameters))
    return hmac.new(secret.encode(), text.encode(), hashlib.md5).hexdigest().upper()


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class SandboxClient:
    """Talks to one sandbox; `token` is the seller's once `connect` was called."""

    port: int
    token: str = ""
    tokens: dict[str, str] = field(default_factory=dict)

    def request(
        self,
        method: str,
        target: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.request(method, f"/control/{path}", None if body is None else json.dumps(body))
        assert reply.status < 300, (reply.status, reply.body)
        return reply.json()

    def ledger(self, **filters: Any) -> list[dict[str, Any]]:
        reply = self.request("GET", f"/control/ledger?{urlencode(filters)}")
        return [json.loads(line) for line in reply.body.splitlines()]

    def received(self, **filters: Any) -> list[dict[str, Any]]:
        lines = self.request("GET", f"/control/received?{urlencode(filters)}").body.splitlines()
        return [json.loads(line) for line in lines]

    def signed(self, operation: str, parameters: dict[str, Any], **system: str) -> dict[str, str]:
        sent = {
            "app_key": APP_KEY,
            "timestamp": str(int(time.time() * 1000)),
            "sign_method": "sha256",
            "method": operation,
        }
        if self.token:
            sent["session"] = self.token
        sent |= system
        for name, value in parameters.items():
            sent[name] = value if isinstance(value, str) else json.dumps(value)
        sent["sign"] = sha256_sign(sent)
        return sent

    def call(self, operation: str, parameters: dict[str, Any] | None = None, **system: str) -> Any:
        sent = self.signed(operation, parameters or {}, **system)
        reply = self.request(
            "POST",
            "/sync",
            urlencode(sent),
            {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"},
        )
        answer = reply.json()
        return answer.get(operation.replace(".", "_") + "_response", answer)

    def system(self, path: str, parameters: dict[str, str]) -> Any:
        sent = {
            "app_key": APP_KEY,
            "timestamp": str(int(time.time() * 1000)),
            "sign_method": "sha256",
            **parameters,
        }
        sent["sign"] = sha256_sign(sent, path)
        return self.request("GET", f"/rest{path}?{urlencode(sent)}").json()

    def connect(self, seller_id: str = SELLER) -> "SandboxClient":
        asked = {"seller_id": seller_id, "redirect_uri": REDIRECT}
        code = self.control("POST", "codes", asked)["code"]
        self.token = self.system("/auth/token/create", {"code": code})["access_token"]
        return self

    def await_feed(self, job_id: int, seconds: float = 10) -> Any:
        """The job's results once every item has one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self.call("aliexpress.solution.feed.query", {"job_id": str(job_id)})
            results = answer["result_list"].get("single_item_response_dto", [])
            if len(results) == answer["total_item_count"]:
                return {
                    one["item_content_id"]: json.loads(one["item_execution_result"])
                    for one in results
                }
            time.sleep(0.02)
        raise AssertionError(f"job {job_id} did not finish")

    def feed(self, operation_type: str, items: dict[str, dict[str, Any]]) -> Any:
        """Submit items and give their results."""
        listed = [
            {"item_content_id": name, "item_content": json.dumps(item)}
            for name, item in items.items()
        ]
        answer = self.call(
            "aliexpress.solution.feed.submit",
            {"operation_type": operation_type, "item_list": listed},
        )
        return self.await_feed(answer["job_id"])


@contextmanager
def held_port() -> Iterator[int]:
    """A port that is bound without listening: only a server can still take it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def run_sandbox(**settings: str) -> Iterator[SandboxClient]:
    with held_port() as port, _run_sandbox(port, **settings) as client:
        yield client


@contextmanager
def _run_sandbox(port: int, **settings: str) -> Iterator[SandboxClient]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")},
        "SANDBOX_PORT": str(port),
        **{f"SANDBOX_{name.upper()}": value for name, value in settings.items()},
    }
    process = subprocess.Popen([sys.executable, "-m", "sandbox"], env=environment)
    try:
        client = SandboxClient(port)
        deadline = time.monotonic() + 20
        while True:
            try:
                client.control("GET", "health")
                break
            except OSError:
                assert process.poll() is None, "the sandbox ended at its start"
                assert time.monotonic() < deadline, "the sandbox did not start"
                time.sleep(0.05)
        yield client
    finally:
        process.terminate()
        assert process.wait(timeout=15) in (0, -15)


@pytest.fixture(scope="session")
def start_sandbox() -> Callable[..., Any]:
    """Start one with settings of its own: `with start_sandbox(seed="7") as client`."""
    return run_sandbox


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[SandboxClient]:
    with run_sandbox(feed_seconds="0", audit_seconds="0") as client:
        yield client


@pytest.fixture
def sandbox(shared_sandbox: SandboxClient) -> SandboxClient:
    """The shared sandbox, emptied, with the first seller connected; jobs end at once."""
    shared_sandbox.control("POST", "reset")
    shared_sandbox.control("DELETE", "bans")
    shared_sandbox.token = ""
    return shared_sandbox.connect()


@pytest.fixture
def payload() -> Callable[..., dict[str, Any]]:
    """A product that keeps every rule; keyword arguments replace fields."""

    def make(*codes: str, **fields: Any) -> dict[str, Any]:
        colors = ("10", "29", "173", "175", "193")
        skus = [
            {
                "sku_code": code,
                "inventory": 7,
                "price": 19.99,
                "discount_price": 14.99,
                "sku_attributes": {"Color": {"value": colors[place], "alias": f"shade {place}"}},
            }
            for place, code in enumerate(codes or ("A-1",))
        ]
        return {
            "category_id": 152805,
            "locale": "en_US",
            "title_multi_language_list": [{"locale": "en_US", "title": "Wall clock of oak"}],
            "description_multi_language_list": [
                {
                    "locale": "en_US",
                    "module_list": [{"type": "html", "html": {"content": "<p>It ticks.</p>"}}],
                }
            ],
            "product_units_type": "100000015",
            "image_url_list": ["http://127.0.0.1/pictures/clock.jpg"],
            "category_attributes": {
                "Brand Name": {"value": "201512802"},
                "Origin": {"value": "9441741844"},
                "High-concerned chemical": {"value": ["23399591357"]},
                "Material": {"value": "360898"},
                "Style": {"value": "200000072"},
                "Shape": {"value": "4", "customValue": "Moon"},
            },
            "sku_info_list": skus,
            "inventory_deduction_strategy": "place_order_withhold",
            "package_weight": 0.5,
            "package_length": 10,
            "package_width": 10,
            "package_height": 10,
            "shipping_preparation_time": 3,
            "shipping_template_id": "1000100001",
            "service_template_id": "0",
        } | fields

    return make
