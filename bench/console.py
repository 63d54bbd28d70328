"""How long the console's pages take at size, and what a first view weighs: `make bench-console`.

The four services' api and the console run as processes, on databases that `bench/listed/` fills:
once with 1,000 products and as many orders, once with `PRODUCTS` (100,000) and half as many orders,
beside other merchants that have a quarter of them together. Each page is asked for `ASKED` (20)
times, one after another, after once that does not count. Figures: the 95th percentile of both sizes
in milliseconds, from the request to the last byte, their ratio, and the kilobytes over the wire of
a first view: the page and all it asks this host for, packed as it is served. AliExpress is not
there: what only it knows is answered by a panel that says so. Written to
`bench/results/console.json` and, as a table, to `docs/console/speed.md`; a page fails with more
than 300 ms or 150 kB.
"""

import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import uvloop
from bench.listed import catalog, orders, publisher
from bench.listed.filling import MERCHANT, fill
from bench.lists import ASKED, filled, times
from bench.ratios import load

from auth_service.app import SERVICE as AUTH_SERVICE
from auth_service.clients.bootstrap import bootstrap_clients
from auth_service.settings import BootstrapClient
from common.postgres.pool import open_pool
from stack.postgres import database_url
from stack.processes import Command, Process
from stack.secrets import Secrets
from stack.system import (
    AUTH,
    CATALOG,
    CONSOLE,
    OPERATOR_CLIENT,
    ORDERS,
    PUBLISHER,
    SERVICES,
    Ports,
    Service,
    Wiring,
    console_command,
    console_environment,
    service_environment,
)
from stack.system import bootstrap_clients as clients_of
from stack.testing.own_postgres import own_postgres

SMALL = 1_000
PRODUCTS = int(os.environ.get("PRODUCTS", "100000"))
ONLY = os.environ.get("PAGES", "")
"""A regular expression: pages it does not find are left out, and nothing is written."""
PASS_MS, PASS_KB = 300, 150
PART = " (loads later)"
"""How a part of a page is called that the page asks for once it is shown."""
ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results" / "console.json"
TABLE = ROOT / "docs" / "console" / "speed.md"
EMAIL, PASSWORD = "ana@shop.example", "correct horse battery"
OWNED = (
    """INSERT INTO merchant (merchant_id, name, is_eligible, created_at, updated_at)
    SELECT $3, $3, true, '2026-01-01', '2026-01-01' WHERE $1::bigint = 0 AND $2::bigint >= 0""",
    """INSERT INTO shop (merchant_id, shop_id, is_eligible, connection, generation, revision,
        seller_id, seller_name, connected_at, expires_at, created_at)
    SELECT $3, 's', true, 'connected', 1, 1, $3 || '-seller', 'A seller', now(),
        now() + interval '20 days', '2026-01-01' WHERE $1::bigint = 0 AND $2::bigint >= 0""",
)
TROUBLES = (
    """INSERT INTO trouble (trouble_id, merchant_id, kind, subject, severity, since, opened_at,
        closed_at, outcome, shop_id, order_id, details)
    SELECT $3 || '-' || n, $3, 'order_due', 'order/s/81' || lpad(n::text, 10, '0'),
        'warning', '2026-01-01', '2026-01-01'::timestamptz + n * interval '1 minute',
        CASE WHEN n % 50 <> 0 THEN '2026-03-01'::timestamptz END,
        CASE WHEN n % 50 <> 0 THEN 'resolved' END, 's', '81' || lpad(n::text, 10, '0'), '{}'
    FROM generate_series($1::bigint, $2::bigint) AS n""",
)


def pages(products: int) -> Mapping[str, str]:
    """Every page of a merchant's, by what it is: its address."""
    middle = f"p{products // 2:07d}"
    order = f"81{products // 4 // 100 * 100 + 2:010d}"
    ready = f"81{products // 4 // 100 * 100 + 1:010d}"
    feed = "/feeds/f"
    return {
        "Today": "/",
        "Shops": "/shops",
        "Shop": "/shops/s",
        "Catalogues": "/catalogues",
        "Catalogue": "/catalogues/c",
        "Catalogue, products by a word": "/catalogues/c?q=coat",
        "Import": "/catalogues/c/imports/1",
        "Row of a catalogue": f"/catalogues/c/products/{middle}",
        "Feeds": "/feeds",
        "New feed": "/feeds-new",
        "Feed": feed,
        "Version": f"{feed}/versions/1",
        "Categories": f"{feed}/categories",
        "Attributes": f"{feed}/attributes",
        "Exclusions": f"{feed}/exclusions",
        f"Exclusions, counted{PART}": f"{feed}/exclusions?part=rules",
        "Configuration": f"{feed}/configuration",
        "Preview": f"{feed}/preview",
        "Preview, by a word": f"{feed}/preview?q=coat",
        "Preview, by state": f"{feed}/preview?state=invalid",
        "Preview, by rule": f"{feed}/preview?rule=M3.9",
        "Preview of a product": f"{feed}/preview/{middle}",
        "Published products": f"{feed}/products?status=live",
        "Published products, refused": f"{feed}/products?status=rejected",
        "Send": f"{feed}/send",
        f"Send, what the next runs would do{PART}": f"{feed}/send?part=forecasts",
        "What came of the runs": f"{feed}/runs",
        "Run": "/runs/big",
        "Run, what was refused": "/runs/big?status=rejected",
        "Why a SKU is as it is": f"/products/{middle}-SKU",
        "Orders by deadline": "/orders",
        "All orders": "/orders?view=all",
        "Orders of a SKU": "/orders?view=all&sku=SKU-7",
        "Order": f"/orders/s/{order}",
        "Order to ship": f"/orders/s/{ready}",
        "Packing slip": f"/orders/s/{ready}/slip",
        "Many parcels": "/orders-file",
        "Alerts": "/alerts",
        "Alerts, past": "/alerts?state=closed",
        "Subscriptions": "/alerts/subscriptions",
        "Webhooks": "/alerts/webhooks",
        "People": "/people",
        "Account": "/account",
        "Audit": "/audit",
        "Operate": "/operate",
        "Dead letters": "/operate/dead-letters/catalog-service",
        "Search, a word": "/search?q=coat",
        "Search, an order's number": f"/search?q={order}",
        "Search, a SKU": f"/search?q={middle}-SKU",
        "Search, nothing": "/search?q=zzyzx",
        "No such page": "/no-such-page",
    }


async def fill_auth(url: str, merchant: str, rows: int) -> None:
    """A merchant, its shop and a hundredth as many troubles, most of them past."""
    await fill(url, merchant, 1, OWNED)
    await fill(url, merchant, max(rows // 100, 10), TROUBLES)


AUTH_ROWS: Any = SimpleNamespace(SERVICE=AUTH_SERVICE, fill_all=fill_auth)
FILLED: Mapping[Service, tuple[Any, int]] = {
    AUTH: (AUTH_ROWS, 1),
    CATALOG: (catalog, 1),
    PUBLISHER: (publisher, 1),
    ORDERS: (orders, 2),
}
"""What fills each service's database, and by what the number of products is divided for it."""


@asynccontextmanager
async def system(admin_url: str, products: int) -> AsyncIterator[Wiring]:
    """The services' api and the console, on databases of so many products."""
    secrets, ports = Secrets(), Ports.free().choose()
    urls = {}
    for service, (rows, share) in FILLED.items():
        name = f"{service.prefix.lower()}_{products}"
        urls[service.name] = await filled(rows, admin_url, name, max(products // share, SMALL))
    wiring = Wiring(
        ports=ports,
        kafka_bootstrap="127.0.0.1:9",
        topic_prefix="",
        owner_urls={},
        database_urls=urls,
        secrets=secrets,
        state=Path("unused"),
        has_console=True,
    )
    owner = await open_pool(database_url(admin_url, database=f"auth_{products}"), max_size=2)
    await bootstrap_clients(
        owner, [BootstrapClient.model_validate(each) for each in clients_of(secrets)]
    )
    await owner.close()
    commands = [
        (
            service.name,
            [sys.executable, "-m", service.module, "api"],
            service_environment(service, wiring),
        )
        for service in SERVICES
    ]
    commands.append((CONSOLE, console_command(), console_environment(wiring)))
    log = Path(os.environ.get("LOGS", "/dev/null"))
    async with AsyncExitStack() as running:
        for name, argv, environment in commands:
            own = {
                key: value for key, value in environment.items() if not key.endswith("CLOCK_URL")
            }
            process = Process(
                Command(name, argv, log if log.name == "null" else log / f"{name}.log", own),
                is_ready=partial(_is_ready, wiring.url(name)),
                ready_within=timedelta(seconds=120),
            )
            await process.start()
            running.push_async_callback(process.stop)
        yield wiring


async def _is_ready(url: str, _pid: int) -> bool:
    async with httpx2.AsyncClient(base_url=url, timeout=5) as http:
        try:
            return (await http.get("/health/ready")).status_code == 200
        except httpx2.HTTPError:
            return False


async def sign_in(wiring: Wiring) -> str:
    """The session of a merchant's owner who is an operator too: all pages are theirs."""
    async with httpx2.AsyncClient(base_url=wiring.url(AUTH.name), timeout=30) as http:
        grant = {
            "grant_type": "client_credentials",
            "client_id": OPERATOR_CLIENT,
            "client_secret": wiring.secrets.of(OPERATOR_CLIENT),
        }
        token = (await _asked(http, "/v1/token", data=grant))["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        person = {"email": EMAIL, "role": "owner"}
        invited = await _asked(http, f"/v1/merchants/{MERCHANT}/members", json=person)
        link = invited["link"].partition("link=")[2]
        accepted = {"link": link, "display_name": "Ana", "language": "en", "password": PASSWORD}
        await _asked(http, "/v1/invitations/accept", json=accepted)
        invited = await _asked(http, "/v1/operators", json={"email": EMAIL})
        link = {"link": invited["link"].partition("link=")[2]}
        await _asked(http, "/v1/invitations/accept", json=link)
        del http.headers["Authorization"]
        made = await _asked(http, "/v1/sessions", json={"email": EMAIL, "password": PASSWORD})
        return str(made["session"])


async def _asked(http: httpx2.AsyncClient, where: str, **request: Any) -> Any:
    answer = await http.post(where, **request)
    if answer.status_code >= 300:
        raise RuntimeError(f"{where}: {answer.status_code} {answer.text[:300]}")
    return answer.json() if answer.content else None


async def weight(http: httpx2.AsyncClient, path: str) -> float:
    """Kilobytes over the wire of a first view: the page and what it asks this host for."""
    page = await http.get(path)
    found = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text)
    assets = [await http.get(asset) for asset in found]
    return sum(answer.num_bytes_downloaded for answer in (page, *assets)) / 1000


async def measure(admin_url: str, products: int) -> dict[str, dict[str, float]]:
    """Milliseconds and kilobytes of every page, on so many products."""
    found: dict[str, dict[str, float]] = {}
    async with system(admin_url, products) as wiring:
        cookies = {"console_session": await sign_in(wiring)}
        async with httpx2.AsyncClient(
            base_url=wiring.url(CONSOLE), cookies=cookies, timeout=60
        ) as http:
            for what, path in pages(products).items():
                if not re.search(ONLY, what):
                    continue
                expected = await _status(http, path, what)
                ms = await times(http, path, expected=expected)
                found[what] = {"ms": ms, "kb": await weight(http, path)}
                away = "did not answer" in (await http.get(path)).text
                told = ", a service did not answer" if away else ""
                print(
                    f"{products}: {what}: {ms:.0f} ms, {found[what]['kb']:.0f} kB{told}", flush=True
                )
    return found


async def _status(http: httpx2.AsyncClient, path: str, what: str) -> int:
    """The status of a page that is as it should be; a search that finds one thing leads there."""
    status = (await http.get(path)).status_code
    right = {"No such page": (404,), "Search": (200, 303)}.get(what.partition(",")[0], (200,))
    if what != "No such page" and status not in right:
        raise RuntimeError(f"{path}: {status}")
    return status


def table(pages_found: Mapping[str, Mapping[str, float]], busy: Mapping[str, Any]) -> str:
    """The result as docs/console/speed.md."""
    over = [what for what, row in pages_found.items() if is_over(what, row)]
    rows = f"{PRODUCTS:,} products and {PRODUCTS // 2:,} orders"
    text = f"""# How fast the console is

Written by `make bench-console`: server time of every page, from the request to the last byte, with
{rows} (the 95th percentile of {ASKED} requests, one after another), beside
the same with {SMALL:,} of each; and what a first view weighs over the wire with all its assets.
Limits: {PASS_MS} ms and {PASS_KB} kB. Over a limit: {", ".join(over) or "none"}.

What looks through a whole feed or catalogue is a part that loads after its page, with a deadline of
its own: such rows say so, and have no limit.

The services, Postgres, the console and who asks shared {busy["processors"]} processors with other
work; the load was {busy["load"][0]}. AliExpress was not there.

| page | ms | with {SMALL:,} | ratio | kB |
|---|---|---|---|---|
"""
    for what, row in pages_found.items():
        kb = f"{row['kb']:.0f}"
        text += f"| {what} | {row['large']:.0f} | {row['small']:.0f} | {row['ratio']} | {kb} |\n"
    return text


def is_over(what: str, row: Mapping[str, float]) -> bool:
    """Whether a page is slower or heavier than it may be."""
    return not what.endswith(PART) and (row["large"] > PASS_MS or row["kb"] > PASS_KB)


async def main() -> None:
    """On a Postgres of its own."""
    async with own_postgres("console") as postgres:
        small = await measure(postgres.admin_url, SMALL)
        large = await measure(postgres.admin_url, PRODUCTS)
    found = {
        what: {
            "large": round(row["ms"], 1),
            "small": round(small[what]["ms"], 1),
            "ratio": round(row["ms"] / small[what]["ms"], 1),
            "kb": round(row["kb"], 1),
        }
        for what, row in large.items()
    }
    over = {what: row for what, row in found.items() if is_over(what, row)}
    print(f"{len(found)} pages, over a limit: {over}", flush=True)
    if ONLY:
        return
    busy = load()
    result = {
        "command": "make bench-console",
        "products": PRODUCTS,
        "orders": PRODUCTS // 2,
        "pass_ms": PASS_MS,
        "pass_kb": PASS_KB,
        **busy,
        "pages": found,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    TABLE.write_text(table(found, busy))


if __name__ == "__main__":
    uvloop.run(main())
