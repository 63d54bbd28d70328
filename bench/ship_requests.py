"""How fast requests to ship are taken (P4): `make bench-ship_requests` (ROUNDS=5).

The real service in its role `api`, its orders imported by its own importer, against a bare FastAPI
route with one INSERT (`ship_requests_bare.py`). In a round each has a new database and process, is
asked for `CLOSED` parcels over `CONNECTIONS` connections as fast as it answers (the highest rate),
then for `OPEN` at a fixed rate, half of what the bare one reached in this round; an answer's time
is counted from when its request was due, so that who falls behind is seen. Before that `CALM`
parcels come at `CALM_RATE` a second, which both hold. Arms take turns after a
round that is not counted; every answer must be 202 and every parcel written once. Postgres works
with fsync. Results go to `bench/results/ship_requests.json`.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from bench import ratios
from bench.order_import import PASSWORD, ROLE, marketplace
from bench.ratios import results_file
from bench.recorded_marketplace import record
from bench.ship_requests_bare import TABLE
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth_service.clients.issue_jwt import sign_claims
from auth_service.clients.signing_keys import SigningKeys
from common.postgres.migrate import upgrade
from order_importer.app import SERVICE
from stack.ports import free_port
from stack.postgres import create_database, create_role, database_url, for_everybody
from stack.sandbox import answers
from stack.testing.own_postgres import own_postgres

ROUNDS = int(os.environ.get("ROUNDS", "5"))
CONNECTIONS = 16
WARM, CLOSED, OPEN, CALM = 100, 700, 500, 200
CALM_RATE = 50
ORDERS = WARM + CLOSED + OPEN + CALM
RESULTS = results_file("ship_requests")
TEMPLATE = "orders"
COUNTED = {
    "ours": """SELECT (SELECT count(DISTINCT order_id) FROM shipment WHERE state = 'pending'),
        (SELECT count(*) FROM outbox WHERE topic = 'order.updated')""",
    "bare": "SELECT count(DISTINCT order_id), count(*) FROM bare",
}


class Connection:
    """Sends one request after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ship(self, request: bytes) -> None:
        """Raises `RuntimeError` for an answer that is not 202."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        content = await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(content.decode())

    def close(self) -> None:
        """Close it."""
        self._writer.close()


@contextlib.asynccontextmanager
async def connections(port: int) -> AsyncIterator[list[Connection]]:
    """So many, open for the block."""
    opened = [
        Connection(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(CONNECTIONS)
    ]
    yield opened
    for one in opened:
        one.close()


def requests(order_ids: list[str], token: str) -> Iterator[bytes]:
    """A parcel of each order."""
    for number, order_id in enumerate(order_ids):
        parcel = {"carrier": "CAINIAO_STANDARD", "tracking_number": f"LP{number:014d}"}
        body = json.dumps(parcel).encode()
        head = (
            f"POST /v1/merchants/m/shops/main/orders/{order_id}/shipments HTTP/1.1\r\n"
            f"Host: bench\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: key-{number}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


async def closed(port: int, asked: list[bytes]) -> float:
    """Requests a second, each connection asking as soon as it is answered."""
    left = iter(asked)

    async def drive(connection: Connection) -> None:
        for request in left:
            await connection.ship(request)

    async with connections(port) as opened:
        began = time.perf_counter()
        await asyncio.gather(*(drive(one) for one in opened))
        return len(asked) / (time.perf_counter() - began)


async def open_loop(port: int, asked: list[bytes], rate: float) -> list[float]:
    """Milliseconds from when each request was due until it was answered, in rising order."""
    free: asyncio.Queue[Connection] = asyncio.Queue(CONNECTIONS)
    took: list[float] = []

    async def send(request: bytes, due: float) -> None:
        connection = await free.get()
        await connection.ship(request)
        free.put_nowait(connection)
        took.append((time.perf_counter() - due) * 1_000)

    async with connections(port) as opened:
        for one in opened:
            free.put_nowait(one)
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number, request in enumerate(asked):
                due = began + number / rate
                await asyncio.sleep(due - time.perf_counter())
                tasks.create_task(send(request, due))
    return sorted(took)


@contextlib.asynccontextmanager
async def serving(
    arm: str, admin_url: str, name: str, market: str
) -> AsyncIterator[tuple[int, int]]:
    """The arm's process on a database of its own; its port and its process id."""
    port = free_port()
    command = ["order_importer", "api"]
    environment = dict(os.environ)
    if arm == "ours":
        admin = await asyncpg.connect(admin_url)
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
        await admin.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{ROLE}"')
        await admin.close()
        url = database_url(admin_url, database=name, user=ROLE, password=PASSWORD)
        variables = {
            "DATABASE_URL": url,
            "PORT": str(port),
            "KAFKA_BOOTSTRAP": "unused:9092",
            "AUTH_URL": market,
            "MARKETPLACE_URL": market,
            "LOG_LEVEL": "WARNING",
        }
        environment |= {f"ORDERS_{name}": value for name, value in variables.items()}
    else:
        await create_database(admin_url, name)
        url = database_url(admin_url, database=name)
        connection = await asyncpg.connect(url)
        await connection.execute(TABLE)
        await connection.close()
        command = ["bench.ship_requests_bare", url, str(port)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", *command, env=environment)
    path = "/health/ready" if arm == "ours" else "/openapi.json"
    try:
        while not await answers(f"http://127.0.0.1:{port}{path}"):
            if process.returncode is not None:
                raise RuntimeError(f"{arm} has ended")
            await asyncio.sleep(0.1)
        yield port, process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    connection = await asyncpg.connect(database_url(admin_url, database=name))
    counted = tuple(await connection.fetchrow(COUNTED[arm]) or ())
    await connection.close()
    if counted != (ORDERS, ORDERS):
        raise RuntimeError(f"{name}: {counted} parcels and events")


async def imported(admin_url: str, market: str) -> list[str]:
    """The database of the orders, as the service's own importer writes it; their ids."""
    await create_database(admin_url, TEMPLATE)
    owner = database_url(admin_url, database=TEMPLATE)
    await asyncio.to_thread(upgrade, SERVICE.migrations, owner, service_role=ROLE)
    url = database_url(admin_url, database=TEMPLATE, user=ROLE, password=PASSWORD)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.order_import_arms", "ours", for_everybody(url), market),
        stdout=asyncio.subprocess.DEVNULL,
    )
    await process.wait()
    connection = await asyncpg.connect(owner)
    found = await connection.fetch("SELECT order_id FROM marketplace_order ORDER BY order_id")
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    if len(found) != ORDERS:
        raise RuntimeError(f"{len(found)} orders were imported")
    return [row["order_id"] for row in found]


def processor_seconds(pid: int) -> float:
    """What a process has used so far, by the kernel (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def timed_round(
    admin_url: str, market: str, number: int, asked: list[bytes]
) -> dict[str, dict[str, float]]:
    """What each arm reached: `rate` a second, `p50` and `p99` in milliseconds, and the processor
    time of a request, without Postgres's, in milliseconds (`used`)."""
    found: dict[str, dict[str, float]] = {}
    for arm in ("bare", "ours"):
        async with serving(arm, admin_url, f"{arm}_{number}", market) as (port, pid):
            await closed(port, asked[:WARM])
            before = processor_seconds(pid)
            rate = await closed(port, asked[WARM : WARM + CLOSED])
            used = (processor_seconds(pid) - before) / CLOSED * 1_000
            wanted = (found["bare"]["rate"] if found else rate) / 2
            calm = await open_loop(port, asked[-CALM:], CALM_RATE)
            took = await open_loop(port, asked[WARM + CLOSED : -CALM], wanted)
            found[arm] = {"rate": rate, "used": used, "asked": wanted}
            for name, some in (("", took), ("calm ", calm)):
                found[arm] |= {f"{name}p50": some[len(some) // 2]}
                found[arm] |= {f"{name}p99": some[len(some) * 99 // 100]}
            shown = ", ".join(f"{name} {value:,.1f}" for name, value in found[arm].items())
            print(f"round {number}: {arm}: {shown}", flush=True)
    return found


async def main() -> None:
    """All rounds, in turns."""
    began = ratios.load()
    keys = SigningKeys([Ed25519PrivateKey.generate()])
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answers.json"
        await asyncio.to_thread(record, ORDERS, file, jwks={"keys": keys.public})
        async with own_postgres("shipping") as postgres, marketplace(file) as market:
            await create_role(postgres.admin_url, ROLE, PASSWORD)
            order_ids = await imported(postgres.admin_url, market)
            for number in range(ROUNDS + 1):
                token = sign_claims(keys, "bench", "m", ["orders:write"])
                asked = list(requests(order_ids, token))
                found = await timed_round(postgres.admin_url, market, number, asked)
                rounds += [found] if number else []
    figures = {
        name: {arm: [round(one[arm][name], 1) for one in rounds] for arm in ("bare", "ours")}
        for name in rounds[0]["ours"]
    }
    rows = {
        "P4 p99": ratios.ratio(figures["p99"]["ours"], figures["p99"]["bare"]),
        "P4 p99 calm": ratios.ratio(figures["calm p99"]["ours"], figures["calm p99"]["bare"]),
        "P4 rate": ratios.ratio(figures["rate"]["ours"], figures["rate"]["bare"]),
    }
    result: dict[str, Any] = {
        "command": "make bench-ship_requests",
        "rounds": ROUNDS,
        "machine": began,
        "ratios": rows,
        "figures": figures,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    ratios.show("P4", "p99 at half the bare rate", rows["P4 p99"], wanted="at most 2.0, aim 1.4")
    ratios.show("P4", f"p99 at {CALM_RATE}/s", rows["P4 p99 calm"], wanted="not a row")
    ratios.show("P4", "highest rate", rows["P4 rate"], wanted="0.45, aim 0.65")


if __name__ == "__main__":
    uvloop.run(main())
