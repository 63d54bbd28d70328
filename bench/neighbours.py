"""Whether a hostile merchant delays another's products: `make bench-neighbours` (ROUNDS=3).

On the whole system, sandbox included: an honest merchant changes the prices of its 20 products and
runs its offer feed; measured is the time from its first event until the shop has all new prices.
The time is taken while another merchant's products, which came in just before, are worked on: as
many as the other time, once with a plain configuration as simple products, once with exclusions and
templates that cost as much as they may, in families of very many variations, or in a file of broken
rows. Plain and hostile are measured in turns; the figure is the ratio of the medians.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import uvloop
from bench.ratios import results_file
from tests.stories.cases import inputs

from channel_cli.following import RUN_ENDED, follow_normalizing
from channel_demo import bring_in, sell
from channel_demo.session import Session, open_demo
from channel_demo.sources import Sources
from channel_producer import CatalogPublisher
from common.contracts.catalog import CatalogUpdated
from stack.run import running_stack
from stack.settings import StackSettings

ROUNDS = int(os.environ.get("ROUNDS", "3"))
RESULTS = results_file("neighbours")
PRODUCTS = 20
SECOND_SELLER = "2200100002"
LONG = "a" * 9_000 + "!"


@dataclass(frozen=True)
class Load:
    """What a merchant brings in: its feed's configuration, and its products."""

    form: dict[str, Any]
    rows: Callable[[], Iterator[inputs.Row]]
    is_file: bool = False


@dataclass(frozen=True)
class Kind:
    """A hostility, and the plain load that is like it in size."""

    name: str
    hostile: Load
    plain: Load


def many(number: int, **fields: Any) -> Iterator[inputs.Row]:
    """So many simple products."""
    return (inputs.pillow(f"H{n:05}", **fields) for n in range(number))


def families(number: int, children: int) -> Iterator[inputs.Row]:
    """So many families of so many children."""
    for family in range(number):
        yield inputs.top(f"F{family}")
        yield from (inputs.size(f"F{family}", f"{n:05}") for n in range(children))


def excluding(*rules: dict[str, Any]) -> dict[str, Any]:
    """A feed with these exclusions, none of which meets any product."""
    return inputs.form(exclude={"any": list(rules)})


def with_title(template: str) -> dict[str, Any]:
    """A feed whose titles come of this template."""
    text = {"title": {"template": template}, "description": {"field": "description"}}
    return inputs.form(languages={"en_US": text})


PATTERNS = (r"^(a+)+$", r"(a|aa)+$", r"(.*)(.*)(.*)(.*)(.*)x$", r"(?:a?){200}a{200}!")
COSTLY_TITLE = "{{ " + " ~ ".join(["title | replace('a', 'ab') | upper"] * 60) + " }}"
PLAIN = inputs.form()


def beside_plain(name: str, form: dict[str, Any], number: int, **fields: Any) -> Kind:
    """A configuration that costs more than another for the same products."""

    def rows() -> Iterator[inputs.Row]:
        return many(number, **fields)

    return Kind(name, Load(form, rows), Load(PLAIN, rows))


KINDS = (
    beside_plain(
        "costly patterns",
        excluding(*({"field": "title", "matches": pattern} for pattern in PATTERNS * 20)),
        500,
        title=LONG,
    ),
    beside_plain(
        "many rules",
        excluding(*({"field": "title", "contains": f"never {n}"} for n in range(990))),
        2_000,
        title=LONG,
    ),
    beside_plain("costly templates", with_title(COSTLY_TITLE), 2_000, title=LONG),
    Kind(
        "families of 1,900",
        Load(PLAIN, lambda: families(5, 1_900)),
        Load(PLAIN, lambda: many(5 * 1_901)),
    ),
    Kind(
        "a family of 20,000",
        Load(PLAIN, lambda: families(1, 20_000)),
        Load(PLAIN, lambda: many(20_001)),
    ),
    Kind(
        "a file of broken rows",
        Load(PLAIN, lambda: many(50_000, title="<script>" * 20, price="1e999"), is_file=True),
        Load(PLAIN, lambda: many(50_000, title="Pillow case of linen, 40 cm"), is_file=True),
    ),
)


def changed(rows: Iterator[inputs.Row], version: int) -> Iterator[inputs.Row]:
    """The rows with another weight in each version, so that each changes each product."""
    for product_id, parent_id, fields in rows:
        yield product_id, parent_id, {**fields, "weight": f"0.{version + 100}"}


def honest_rows(price: str) -> Iterator[inputs.Row]:
    """The honest merchant's products at this price."""
    return (inputs.pillow(f"HONEST-{n}", price=price) for n in range(PRODUCTS))


async def publish(session: Session, events: Sequence[CatalogUpdated]) -> None:
    """Publish the events; nobody waits until they are taken in."""
    async with CatalogPublisher(
        session.kafka_bootstrap, source="/bench", topic_prefix=session.topic_prefix
    ) as publisher:
        await publisher.publish(list(events))


async def until_sold_at(session: Session, price: str, version: int) -> float:
    """Change all prices; the seconds until the shop has them."""
    began = time.monotonic()
    await publish(session, inputs.events_of(session, honest_rows(price), version))
    while True:
        run = await session.channel.run_feed(
            session.merchant, session.feed, "offer", is_dry_run=False
        )
        while (await session.channel.run(session.merchant, run.run_id)).state not in RUN_ENDED:
            await asyncio.sleep(0.05)
        prices = {sku.price for p in await session.sandbox.products() for sku in p.skus}
        if prices == {price}:
            return time.monotonic() - began


async def bring_online(session: Session) -> None:
    """The honest merchant's products, for the first time."""
    events = inputs.events_of(session, honest_rows("20.00"), 1)
    await bring_in.connect_shop(session)
    await bring_in.apply_configuration(
        session, Sources(inputs.form(), session.catalogue, session.feed, events)
    )
    await bring_in.publish(session, events)
    await sell.settle(session)
    await sell.publish_products(session)


async def load(session: Session, load: Load, version: int, folder: Path) -> None:
    """Let the other merchant's products come in."""
    if not load.is_file:
        await publish(session, inputs.events_of(session, changed(load.rows(), version), version))
        return
    file = folder / f"{version}.jsonl"
    rows = ({"id": name, **fields, "weight": version} for name, _, fields in load.rows())
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with file.open("rb") as content:
        await session.channel.import_file(
            session.merchant, session.catalogue, file.name, content, {"mode": "full"}
        )


async def open_feed(session: Session, name: str, load: Load) -> Session:
    """A feed of the other merchant, on a catalogue of its own."""
    own = replace(session, catalogue=name, feed=name)
    fed_by_file = Path(name) if load.is_file else None
    await bring_in.apply_configuration(own, Sources(load.form, name, name, file=fed_by_file))
    return own


@dataclass
class Bench:
    """Both merchants, and the version of what they published last."""

    honest: Session
    other: Session
    folder: Path
    version: int = 1

    async def measure(self, number: int, kind: Kind) -> dict[str, Any]:
        """The honest merchant beside the plain and the hostile load, in turns."""
        plain = await open_feed(self.other, f"plain-{number}", kind.plain)
        hostile = await open_feed(self.other, f"hostile-{number}", kind.hostile)
        beside_plain, beside_hostile = [], []
        for _ in range(ROUNDS):
            beside_plain.append(await self.round(plain, kind.plain))
            beside_hostile.append(await self.round(hostile, kind.hostile))
        before, after = median(beside_plain), median(beside_hostile)
        print(
            f"{kind.name:<24} beside plain {before:6.2f} s  beside hostile {after:6.2f} s"
            f"  ratio {after / before:5.2f}",
            flush=True,
        )
        return {
            "kind": kind.name,
            "beside_plain_s": round(before, 2),
            "beside_hostile_s": round(after, 2),
            "ratio": round(after / before, 2),
        }

    async def round(self, feed: Session, what: Load) -> float:
        """The seconds of the honest merchant beside one load, which is then worked off."""
        self.version += 1
        await load(feed, what, self.version, self.folder)
        seconds = await until_sold_at(self.honest, f"{20 + self.version}.00", self.version)
        await settled(feed, what)
        return seconds


async def settled(session: Session, load: Load) -> None:
    """All of the load is taken in and normalized."""
    wanted = sum(1 for _ in load.rows())
    while (await session.channel.catalogue(session.merchant, session.catalogue)).products != wanted:
        await asyncio.sleep(0.2)
    await follow_normalizing(session.channel, session.merchant, session.feed)


async def main() -> None:
    """On a system of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-neighbours-") as folder:
        settings = StackSettings(state_dir=Path(folder), containers=False)
        async with (
            running_stack(settings) as stack,
            open_demo(stack.addresses, currency="USD", catalogue="honest", feed="honest") as honest,
        ):
            sandbox = replace(honest.sandbox, seller_id=SECOND_SELLER)
            other = replace(honest, merchant="other", shop="second", sandbox=sandbox)
            await bring_online(honest)
            await bring_in.connect_shop(other)
            bench = Bench(honest, other, Path(folder))
            figures = [await bench.measure(number, kind) for number, kind in enumerate(KINDS)]
    result = {"command": "make bench-neighbours", "rounds": ROUNDS, "figures": figures}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
