"""AliExpress's answers about one shop's orders, recorded from the sandbox and served without work.

The sandbox takes about a millisecond of processor time a call, which a comparison of importers
would measure with them: this one looks the answer up. It knows no signatures, and answers as
auth-service too, with the shop's token. Run as `python -m bench.recorded_marketplace FILE`, it
writes its port to standard output.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl

import uvloop
from bench.sandbox_load import SELLER, Sandbox

from aliexpress.orders import MAX_ORDER_PAGE

ORDER_LIST = "aliexpress.solution.order.get"
CARRIERS = "aliexpress.logistics.redefining.listlogisticsservice"
DETAILS = ("aliexpress.solution.order.info.get", "aliexpress.solution.order.receiptinfo.get")
JWKS = "/v1/jwks.json"
TOKENS = {
    "/v1/token": {"access_token": "service", "expires_in": 3600},
    "/internal/v1/shops/m/main/token": {
        "access_token": "seller",
        "seller_id": SELLER,
        "generation": 1,
        "expires_at": "2099-01-01T00:00:00Z",
    },
}


def record(orders: int, file: Path, *, jwks: object = None) -> None:
    """Let so many orders be placed at a sandbox, and keep its answers about them in `file`, with
    the public keys that auth-service would show."""
    sandbox = Sandbox()
    try:
        sandbox.control("POST", "products", {"seller_id": SELLER, "count": 1_000})
        form = {"seller_id": SELLER, "count": orders, "status": "WAIT_SELLER_SEND_GOODS"}
        placed = [one["order_id"] for one in sandbox.control("POST", "orders", form)]
        answers = {"empty": _list(sandbox, 1, ["FINISH"]), CARRIERS: sandbox.call(CARRIERS, {})}
        for page in range(1, -(-orders // MAX_ORDER_PAGE) + 1):
            answers[f"{ORDER_LIST} {page}"] = _list(sandbox, page, [])
        for order_id in placed:
            for method in DETAILS:
                asked = {"param1": json.dumps({"order_id": int(order_id)})}
                answers[f"{method} {order_id}"] = sandbox.call(method, asked)
    finally:
        sandbox.process.terminate()
        sandbox.process.wait()
    file.write_text(json.dumps(answers | {JWKS: jwks}))


def _list(sandbox: Sandbox, page: int, statuses: list[str]) -> object:
    query = {"current_page": page, "page_size": MAX_ORDER_PAGE, "order_status_list": statuses}
    return sandbox.call(ORDER_LIST, {"param0": json.dumps(query)})


class Recorded(asyncio.Protocol):
    """A connection; requests come one after another, each with its length."""

    answers: dict[str, bytes]
    latest: str
    """When the last order changed, as AliExpress writes it: a window that ends before is empty."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing of a request is here yet."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].decode()
            _, _, rest = head.lower().partition("content-length:")
            length = int(rest.split("\r\n", 1)[0]) if rest else 0
            if len(self._received) < end + 4 + length:
                return
            body = self._received[end + 4 : end + 4 + length].decode()
            self._received = self._received[end + 4 + length :]
            content = self._answer(head.split(" ", 2)[1], body)
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(content) + content
            )

    def _answer(self, path: str, body: str) -> bytes:
        if path in TOKENS:
            return json.dumps(TOKENS[path]).encode()
        if path == JWKS:
            return self.answers[JWKS]
        form = dict(parse_qsl(body))
        if form["method"] == CARRIERS:
            return self.answers[CARRIERS]
        if form["method"] != ORDER_LIST:
            return self.answers[f"{form['method']} {json.loads(form['param1'])['order_id']}"]
        query = json.loads(form["param0"])
        if query.get("order_status_list") or query["modified_date_end"] < self.latest:
            return self.answers["empty"]
        return self.answers[f"{ORDER_LIST} {query['current_page']}"]


async def main(file: str) -> None:
    """Serve until the process is ended."""
    answers = json.loads(Path(file).read_text())
    Recorded.answers = {key: json.dumps(answer).encode() for key, answer in answers.items()}
    pages = [page for key, page in answers.items() if key.startswith(ORDER_LIST)]
    Recorded.latest = max(
        order["gmt_update"]
        for page in pages
        for order in page["aliexpress_solution_order_get_response"]["result"]["target_list"][
            "order_dto"
        ]
    )
    server = await asyncio.get_running_loop().create_server(Recorded, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
