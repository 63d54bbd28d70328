"""Whatever a service was about to do when it was killed, it ends as if it had not been killed.

Each row takes a step on real Kafka, Postgres and the sandbox, in which services get SIGKILL at the
places where something could be lost or doubled, are started again, and the snapshot has to be that
of the step undisturbed. `--length=long` kills at one place a row.
"""

import itertools
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from common.failpoints import NAMES
from stack.settings import CHECKOUT
from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER, Service

from ..sample import part_of, sample_of, sample_session
from .crashable import CrashableSystem
from .harness import CHANGED, SOLD, Harness, Kill, Snapshot, Step
from .steps import (
    change_products,
    correct_tracking,
    declare_late,
    delete_product,
    import_by_schedule,
    import_orders,
    near_deadline,
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


@dataclass(frozen=True)
class Row:
    """Where services are killed during a step."""

    step: Step
    kills: Mapping[Service, Sequence[str]]

    def __str__(self) -> str:
        places = [place for places in self.kills.values() for place in dict.fromkeys(places)]
        return f"{self.step.__name__}-{'+'.join(places)}"


ROWS = [
    Row(sell_products, {CATALOG: ["consumer.after-decode", "consumer.before-commit"]}),
    Row(sell_products, {CATALOG: ["consumer.after-write", "consumer.after-commit"]}),
    Row(sell_products, {CATALOG: ["relay.after-claim", "relay.after-publish"]}),
    Row(
        sell_products,
        {CATALOG: ["normalizing.after-claim", "normalizing.before-commit", "relay.after-delete"]},
    ),
    Row(
        sell_products,
        {PUBLISHER: ["consumer.before-commit", "planning.before-commit", "publisher.after-call"]},
    ),
    Row(
        sell_products,
        {PUBLISHER: ["lease.after-claim", "publisher.after-intent", "publisher.before-outcome"]},
    ),
    Row(change_products, {PUBLISHER: ["publisher.after-call"] * len(CHANGED)}),
    Row(declare_late, {CATALOG: ["parked.before-commit"]}),
    Row(replay_dead_letter, {CATALOG: ["replay.before-commit"]}),
    Row(upload_file, {CATALOG: ["files.before-commit", "files.after-read"]}),
    Row(renew_connection, {AUTH: ["auth.after-token"], ORDERS: ["consumer.before-commit"]}),
    Row(near_deadline, {ORDERS: ["deadlines.before-commit"]}),
    Row(near_expiry, {AUTH: ["expiry.before-commit"]}),
    Row(import_by_schedule, {ORDERS: ["schedule.after-claim"]}),
    Row(import_orders, {ORDERS: ["importer.after-fetch", "importer.before-commit"]}),
    Row(
        ship_order,
        {ORDERS: ["shipping.after-request", "shipping.after-intent", "relay.after-publish"]},
    ),
    Row(ship_order, {ORDERS: ["lease.after-claim", "shipping.after-call"]}),
    Row(correct_tracking, {ORDERS: ["correction.after-request", "correction.after-intent"]}),
    Row(correct_tracking, {ORDERS: ["correction.after-call"]}),
]
IN_ANOTHER_STORY = {
    "alerts.before-spread",
    "alerts.before-mail",
    "mail.after-claim",
    "mail.after-send",
    "webhook.after-claim",
    "webhook.after-post",
}
"""Places that `alerts_people` kills at: nobody is told anything here."""
CHANGES = (delete_product, retitle_product, reprice_product, restock_product)


def rows_of(config: pytest.Config) -> dict[str, Row]:
    """By tag: the rows above, or one for each place and each change."""
    rows = ROWS
    if config.getoption("--length") == "long":
        rows = [
            Row(step, {service: [place]})
            for row in ROWS
            for step in (CHANGES if row.step is change_products else (row.step,))
            for service, places in row.kills.items()
            for place in dict.fromkeys(places)
        ]
    return {f"r{number}": row for number, row in enumerate(rows)}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "row" in metafunc.fixturenames:
        rows = rows_of(metafunc.config)
        metafunc.parametrize(("tag", "row"), rows.items(), ids=map(str, rows.values()))


@pytest.fixture(scope="module")
async def harness(
    crashable: CrashableSystem,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Harness]:
    async with sample_session(crashable.stack) as session:
        sources = part_of(sample_of(crashable.stack), *SOLD, *CHANGED)
        configuration = {**sources.configuration, "image_checks": "off"}
        # A price with country prices cannot be read back: it is sent again, which is harmless.
        del configuration["country_prices"], configuration["countries"]
        sources = replace(sources, configuration=configuration)
        harness = Harness(crashable, session, sources, tmp_path_factory.mktemp("files"))
        changing = {
            tag: row.step
            for tag, row in rows_of(pytestconfig).items()
            if row.step in (change_products, *CHANGES)
        }
        await harness.prepare({*changing, *(step.__name__ for step in changing.values())})
        yield harness


@pytest.fixture(scope="module")
def undisturbed() -> dict[Step, Snapshot]:
    """The snapshots of each step that was taken undisturbed."""
    return {}


@asynccontextmanager
async def no_kill() -> AsyncIterator[None]:
    yield


def kills_of(crashable: CrashableSystem, row: Row) -> Kill:
    @asynccontextmanager
    async def kill() -> AsyncIterator[None]:
        async with AsyncExitStack() as kills:
            for service, places in row.kills.items():
                await kills.enter_async_context(crashable.killed_at(service.name, *places))
            yield

    return kill


async def test_a_kill_here_changes_nothing_in_the_end(
    harness: Harness, undisturbed: dict[Step, Snapshot], tag: str, row: Row
) -> None:
    if row.step not in undisturbed:
        undisturbed[row.step] = await row.step(harness.scenario(row.step.__name__), no_kill)
    snapshot = await row.step(harness.scenario(tag), kills_of(harness.crashable, row))
    assert snapshot == undisturbed[row.step]


def test_every_failpoint_has_its_row() -> None:
    killed = {p for row in ROWS for places in row.kills.values() for p in places}
    assert killed == NAMES - IN_ANOTHER_STORY


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


def test_every_failpoint_is_documented() -> None:
    written = (CHECKOUT / "docs" / "reliability.md").read_text()
    assert {name for name in NAMES if f"`{name}`" not in written} == set()
