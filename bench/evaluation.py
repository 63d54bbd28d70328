"""How fast families are evaluated: `make bench-evaluation` (PRODUCTS=6000 ROUNDS=5 BEFORE=commit).

Two catalogues as shops have them, simple products and families of ten, are taken in once; every
round works on a copy of that database, its arm in a process of its own (`evaluation_arms.py`), in
turns after one that is not counted. Compared are families a second with those of a bare loop
(P1), those that come again unchanged with P1 (P1r), those of two processes with P1 (P1c), and,
where BEFORE names a commit, P1 with that commit's (P1x). The results of every round are checked:
all families valid, and as many events as families. Results go to `bench/results/evaluation.json`.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import uvloop
from bench.drafts import SHOP, fill, installed, take_in
from bench.ratios import results_file
from tests.stories.cases import inputs

from catalog_service.feeds.configuration import FeedConfiguration
from common.contracts.catalog import CatalogUpdated
from common.contracts.product import ProductNormalized
from common.postgres.pool import Pool
from sandbox.catalogue import Catalogue as Tree
from stack.postgres import database_url, for_everybody
from stack.testing.own_postgres import own_postgres

PRODUCTS = int(os.environ.get("PRODUCTS", "6000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
BEFORE = os.environ.get("BEFORE", "")
LEAVES = ("40507", "200000346")
SIZES = ("XS", "S", "M", "L", "XL")
COLOURS = ("White", "Black")
RESULTS = results_file("evaluation")
ARMS = {"bare": "bare", "one": "shared", "two": "shared", "three": "shared"}
"""What an arm's processes run where that is not `now`; one and three are of `bench/curves.py`."""
PROCESSES = {"two": 2, "three": 3}


def rows(kind: str, products: int) -> Iterator[inputs.Row]:
    """So many rows."""
    random = Random(1)
    pictures = [f"https://pictures.example/{n}.jpg" for n in range(5)]
    number = 0
    for number in range(products if kind == "simple" else products // 10):
        price, stock = f"{random.randrange(900, 9000) / 100:.2f}", random.randrange(1, 90)
        own = {"images": pictures, "price": price, "stock": stock}
        if kind == "simple":
            yield inputs.pillow(f"P{number:06d}", **own)
            continue
        name, _, fields = inputs.top(f"F{number:06d}")
        yield name, None, {**fields, **own}
        for colour in COLOURS:
            for letter in SIZES:
                child, _, fields = inputs.size(name, letter, color=colour, price=price)
                sku = f"{child}-{colour}"
                yield sku, name, {**fields, "sku": sku}


async def prepare(pool: Pool, kind: str, products: int = PRODUCTS) -> None:
    """Shop, schemas, feed, catalogue; nothing is evaluated yet."""
    body = inputs.form(attributes={"image_url_list": {"field": "images"}})
    form = FeedConfiguration.model_validate(body | {"shop": SHOP[1], "catalogue": "defects"})
    categories = Tree().categories
    await fill(pool, [categories[int(leaf)] for leaf in LEAVES], form)
    await take_in(
        pool,
        (
            CatalogUpdated(
                merchant_id="m",
                catalogue_id="defects",
                product_id=product_id,
                parent_id=parent_id,
                action="upsert",
                version=1,
                fields=dict(fields),
            )
            for product_id, parent_id, fields in rows(kind, products)
        ),
    )


async def timed_round(admin_url: str, kind: str, arm: str, number: int, before: Path) -> Any:
    """The arm's figures on a copy of the catalogue, its results checked."""
    name = f"{kind}_{arm}_{number}"
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{kind}"')
    await admin.close()
    url = for_everybody(database_url(admin_url, database=name))
    sources = [*before.glob("*/*/src"), *before.glob("*/src")] if arm == "before" else []
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.evaluation_arms"),
            *(ARMS.get(arm, "now"), url),
            env=os.environ | {"PYTHONPATH": ":".join(map(str, [*sources, Path.cwd()]))},
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(PROCESSES.get(arm, 1))
    ]
    outs = [json.loads((await process.communicate())[0]) for process in processes]
    took = {
        what: (max(out[what][0] for out in outs), sum(out[what][1] for out in outs))
        for what in outs[0]
    }
    connection = await asyncpg.connect(url)
    table, outbox = ("bare", "bare_outbox") if arm == "bare" else ("normalized_product", "outbox")
    counted = await connection.fetch(f"SELECT state, count(*) FROM {table} GROUP BY 1")
    events = await connection.fetchval(
        f"SELECT count(*) FROM {outbox} WHERE topic = $1", ProductNormalized.topic
    )
    await connection.close()
    states = {str(row[0]): int(row[1]) for row in counted}
    families = PRODUCTS if kind == "simple" else PRODUCTS // 10
    if states != {"valid": families} or events != families:
        raise RuntimeError(f"{name}: {states}, {events} events")
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f'DROP DATABASE "{name}"')
    await admin.close()
    return {what: (families / s, c / families) for what, (s, c) in took.items()}


async def compare(admin_url: str, kind: str, before: Path) -> dict[str, Any]:
    """All rounds of one catalogue, in turns."""
    arms = ["bare", "now", "two", *(["before"] if BEFORE else [])]
    rates: dict[str, list[float]] = {}
    processor: dict[str, list[float]] = {}
    for number in range(ROUNDS + 1):
        for arm in arms:
            figures = await timed_round(admin_url, kind, arm, number, before)
            for what, (rate, used) in figures.items() if number else ():
                rates.setdefault(f"{arm} {what}", []).append(rate)
                processor.setdefault(f"{arm} {what}", []).append(used)
            shown = ", ".join(f"{what} {rate:,.0f}/s" for what, (rate, _) in figures.items())
            print(f"{kind}, round {number}, {arm}: {shown}", flush=True)
    pairs = {
        "P1": ("now first", "bare first"),
        "P1r": ("now again", "now first"),
        "P1c": ("two first", "now first"),
    }
    if BEFORE:
        pairs["P1x"] = ("now first", "before first")
        pairs["P1r over P1 before"] = ("now again", "before first")
    return {
        "ratios": {row: ratio(rates[own], rates[other]) for row, (own, other) in pairs.items()},
        "families_per_second": {arm: [round(rate) for rate in some] for arm, some in rates.items()},
        "processor_microseconds_per_family": {
            arm: round(statistics.median(used) * 1e6) for arm, used in processor.items()
        },
    }


def ratio(own: list[float], other: list[float]) -> dict[str, float]:
    """The median of the rounds' ratios, with the least and the most."""
    ratios = [one / another for one, another in zip(own, other, strict=True)]
    return {
        "median": round(statistics.median(ratios), 3),
        "least": round(min(ratios), 3),
        "most": round(max(ratios), 3),
    }


def check_out(commit: str, folder: Path) -> Path:
    """The commit's sources."""
    archive = folder / "before.tar"
    git = shutil.which("git") or "git"
    subprocess.run([git, "archive", "--output", str(archive), commit], check=True)
    shutil.unpack_archive(archive, folder / "before")  # Python 3.11.2 knows no filter
    return folder / "before"


async def main() -> None:
    """On a Postgres of its own, with fsync."""
    result: dict[str, Any] = {
        "command": "make bench-evaluation",
        "rows": PRODUCTS,
        "rounds": ROUNDS,
        "before": BEFORE,
    }
    with tempfile.TemporaryDirectory() as folder:
        before = check_out(BEFORE, Path(folder)) if BEFORE else Path(folder)
        async with own_postgres("evaluation") as postgres:
            for kind in ("simple", "families"):
                async with installed(postgres.admin_url, kind) as pool:
                    await prepare(pool, kind)
                result[kind] = await compare(postgres.admin_url, kind, before)
    text = json.dumps(result, indent=1)
    RESULTS.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    uvloop.run(main())
