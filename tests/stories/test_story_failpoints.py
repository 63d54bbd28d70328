"""Whatever a service was about to do when it was killed, it ends as if it had not been killed.

One row for each place where something could be lost or doubled, and at least one for each
failpoint: the service is killed there by SIGKILL while an act is played on real Kafka, Postgres
and the sandbox, it is started again, and the books have to be those of the act undisturbed.
"""

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from acts import (
    declare_late,
    delete_product,
    import_by_schedule,
    import_orders,
    near_expiry,
    renew_connection,
    replay_dead_letter,
    reprice_product,
    restock_product,
    retitle_product,
    sell_products,
    ship_order,
    upload_file,
)
from mortal import Mortal
from storyteller import part_of, sample_of, sample_stage
from theatre import SOLD, Act, Books, Theatre

from common.failpoints import NAMES
from stack.settings import CHECKOUT
from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER, Service

pytestmark = [pytest.mark.xdist_group("killed"), pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Row:
    """Where a service is killed while an act is played."""

    place: str
    service: Service
    act: Act

    def __str__(self) -> str:
        return f"{self.service.name}-{self.act.__name__}-{self.place}"


ROWS = [
    Row("consumer.after-decode", CATALOG, sell_products),
    Row("consumer.after-write", CATALOG, sell_products),
    Row("consumer.before-commit", CATALOG, sell_products),
    Row("consumer.after-commit", CATALOG, sell_products),
    Row("consumer.before-commit", PUBLISHER, sell_products),
    Row("consumer.before-commit", ORDERS, renew_connection),
    Row("parked.before-commit", CATALOG, declare_late),
    Row("replay.before-commit", CATALOG, replay_dead_letter),
    Row("relay.after-claim", CATALOG, sell_products),
    Row("relay.after-publish", CATALOG, sell_products),
    Row("relay.after-delete", CATALOG, sell_products),
    Row("relay.after-publish", ORDERS, ship_order),
    Row("schedule.after-claim", ORDERS, import_by_schedule),
    Row("lease.after-claim", PUBLISHER, sell_products),
    Row("lease.after-claim", ORDERS, ship_order),
    Row("auth.after-token", AUTH, renew_connection),
    Row("expiry.before-commit", AUTH, near_expiry),
    Row("files.before-commit", CATALOG, upload_file),
    Row("files.after-read", CATALOG, upload_file),
    Row("normalizing.after-claim", CATALOG, sell_products),
    Row("normalizing.before-commit", CATALOG, sell_products),
    Row("planning.before-commit", PUBLISHER, sell_products),
    Row("publisher.after-intent", PUBLISHER, sell_products),
    Row("publisher.after-call", PUBLISHER, sell_products),
    Row("publisher.before-outcome", PUBLISHER, sell_products),
    Row("publisher.after-call", PUBLISHER, delete_product),
    Row("publisher.after-call", PUBLISHER, retitle_product),
    Row("publisher.after-call", PUBLISHER, reprice_product),
    Row("publisher.after-call", PUBLISHER, restock_product),
    Row("importer.after-fetch", ORDERS, import_orders),
    Row("importer.before-commit", ORDERS, import_orders),
    Row("shipping.after-request", ORDERS, ship_order),
    Row("shipping.after-intent", ORDERS, ship_order),
    Row("shipping.after-call", ORDERS, ship_order),
]
CHANGES = (delete_product, retitle_product, reprice_product, restock_product)
TAGS = {row: f"r{number}" for number, row in enumerate(ROWS)}


@pytest.fixture(scope="module")
async def theatre(
    mortal: Mortal, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Theatre]:
    async with sample_stage(mortal.stack) as stage:
        sources = part_of(sample_of(mortal.stack), *SOLD)
        configuration = {**sources.configuration, "image_checks": "off"}
        # A price told with country prices cannot be read back: it is told again, which is harmless.
        del configuration["country_prices"], configuration["countries"]
        sources = replace(sources, configuration=configuration)
        theatre = Theatre(mortal, stage, sources, tmp_path_factory.mktemp("files"))
        changed = [tag for row, tag in TAGS.items() if row.act in CHANGES]
        await theatre.open([*changed, *(act.__name__ for act in CHANGES)])
        yield theatre


@pytest.fixture(scope="module")
def undisturbed() -> dict[Act, Books]:
    """The books of each act that was played undisturbed."""
    return {}


@asynccontextmanager
async def no_blow() -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_kill_here_changes_nothing_in_the_end(
    theatre: Theatre, undisturbed: dict[Act, Books], row: Row
) -> None:
    if row.act not in undisturbed:
        undisturbed[row.act] = await row.act(theatre.scene(row.act.__name__), no_blow)
    books = await row.act(
        theatre.scene(TAGS[row]), lambda: theatre.mortal.killed_at(row.service.name, row.place)
    )
    assert books == undisturbed[row.act]


def test_every_failpoint_has_its_row() -> None:
    assert {row.place for row in ROWS} == NAMES


def test_every_failpoint_stands_in_the_code() -> None:
    sources = itertools.chain(
        (CHECKOUT / "libs").glob("*/src/**/*.py"), (CHECKOUT / "services").glob("*/src/**/*.py")
    )
    reached = {
        name
        for source in sources
        for name in re.findall(r"^ +reach\(\"([^\"]+)\"\)", source.read_text(), re.MULTILINE)
    }
    assert reached == NAMES


def test_every_failpoint_is_written_down() -> None:
    written = (CHECKOUT / "docs" / "reliability.md").read_text()
    assert {name for name in NAMES if f"`{name}`" not in written} == set()
