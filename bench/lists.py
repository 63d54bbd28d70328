"""How long every list, search, count and report takes, and how that grows: `make bench-lists`.

Each service's database is filled twice, with 1,000 rows and with `SIZE` (1,000,000 products, a
fifth as many orders, a fifth as many rows of auth-service's audit), beside other merchants that
have a quarter of them together. The service's REST then answers on a socket, under row-level
security; each question of `bench/listed/` is asked `ASKED` (20) times after once that does not
count, a first page and one from the middle. Figures: the 95th percentile of both sizes in
milliseconds and their ratio. `SERVICES=catalog,publisher` leaves others out. Written to
`bench/results/lists.json`; a figure is over its aim with 100 ms, and fails with 300.
"""

import json
import os
import statistics
import time
from types import ModuleType
from typing import Any

import httpx2
import uvloop
from bench.listed import auth, catalog, orders, publisher
from bench.listed.asking import asked
from bench.listed.filling import MERCHANT, OTHERS, Question, new_database, settle
from bench.ratios import results_file

from common.web.pagination import cursor_of
from stack.testing.own_postgres import own_postgres

SIZE = int(os.environ.get("SIZE", "1000000"))
SMALL = 1_000
ASKED = int(os.environ.get("ASKED", "20"))
MODULES: dict[str, ModuleType] = {
    "catalog": catalog,
    "publisher": publisher,
    "orders": orders,
    "auth": auth,
}
CHOSEN = os.environ.get("SERVICES", ",".join(MODULES)).split(",")
RESULTS = results_file("lists")
AIM_MS, PASS_MS = 100, 300


async def filled(module: ModuleType, admin_url: str, name: str, rows: int) -> str:
    """A filled database: its address for the service's role, which owns nothing."""
    owner_url, url = await new_database(admin_url, name, module.SERVICE.migrations)
    began = time.monotonic()
    await module.fill_all(owner_url, MERCHANT, rows)
    for number in range(OTHERS):
        await module.fill_all(owner_url, f"other{number}", max(rows // 4 // OTHERS, 10))
    await settle(owner_url)
    print(f"{name}: filled in {time.monotonic() - began:.0f} s", flush=True)
    return url


async def times(client: httpx2.AsyncClient, path: str, *, expected: int = 200) -> float:
    """The 95th percentile of the answer's milliseconds; of a slow one after fewer askings."""
    taken: list[float] = []
    await client.get(path)  # what is read for the first time comes from the disk
    while len(taken) < ASKED and sum(taken) < 20_000:
        began = time.perf_counter()
        answer = await client.get(path)
        taken.append(1000 * (time.perf_counter() - began))
        if answer.status_code != expected:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
    taken.sort()
    if len(taken) < 4:
        return taken[-1]
    return statistics.quantiles(taken, n=20, method="inclusive")[-1]


def paths(question: Question) -> dict[str, str]:
    """What is asked for a question: the first page, and one of the middle."""
    name = " ".join(part for part in (question.route, question.what) if part)
    asked = {name: question.path}
    if question.deep is not None:
        mark = "&" if "?" in question.path else "?"
        asked[f"{name}, from the middle"] = (
            f"{question.path}{mark}cursor={cursor_of(*question.deep)}"
        )
    return asked


async def measure(module: ModuleType, admin_url: str, name: str, rows: int) -> dict[str, float]:
    """Milliseconds of each question of a service with so many rows."""
    url = await filled(module, admin_url, f"{name}_{rows}", rows)
    found: dict[str, float] = {}
    async with asked(module, url) as client:
        for question in module.questions(rows):
            for what, path in paths(question).items():
                found[what] = await times(client, path)
                if rows != SMALL:
                    print(f"{name}: {what}: {found[what]:.1f} ms", flush=True)
    return found


async def main() -> None:
    """On a Postgres of its own."""
    figures: dict[str, Any] = {}
    if RESULTS.exists():
        figures = json.loads(RESULTS.read_text())["services"]
    for name in CHOSEN:
        module = MODULES[name]
        rows = SIZE // getattr(module, "SHARE", 1)
        async with own_postgres("lists") as postgres:
            small = await measure(module, postgres.admin_url, name, SMALL)
            large = await measure(module, postgres.admin_url, name, rows)
        figures[name] = {
            "rows": rows,
            "p95_ms": {
                what: {
                    "small": round(small[what], 1),
                    "large": round(large[what], 1),
                    "ratio": round(large[what] / small[what], 1),
                }
                for what in large
            },
        }
        over = {what: ms for what, ms in large.items() if ms > AIM_MS}
        print(f"{name}: {len(large)} asked, {len(over)} over {AIM_MS} ms: {over}", flush=True)
    result = {"command": "make bench-lists", "aim_ms": AIM_MS, "pass_ms": PASS_MS}
    RESULTS.write_text(json.dumps(result | {"services": figures}, indent=1) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
