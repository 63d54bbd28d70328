"""What keeps a catalogue or a feed from being right is published, and its end too."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from catalog_service.arrivals.note_arrivals import note_arrivals, save_noted
from catalog_service.categories.branches import renew_tree
from catalog_service.categories.changes.compare import asked_for
from catalog_service.categories.changes.store import note_schema
from catalog_service.categories.marketplace import Marketplace
from catalog_service.categories.store import find_schema, save_branch, save_schema
from catalog_service.conditions.configurations.check_configurations import ConfigurationCheck
from catalog_service.conditions.observers import observers
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.files.import_file import Importer
from catalog_service.files.readers.recognise import Options
from catalog_service.files.store import (
    NewImport,
    add_chunk,
    add_import,
    confirm_import,
    find_import,
    finish_upload,
)
from catalog_service.normalizing.worker import Normalizer
from catalog_service.settings import SOURCE, CatalogSettings
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common import clock
from common.conditions import Conditions
from common.contracts.condition import KINDS, ConditionState
from common.messaging.quarantine import impose, lift
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from stack.testing import outbox_events

from ..trees import TREE, keep_tree
from ..wall_clocks import CATEGORY_ATTRIBUTES, WALL_CLOCKS, form, row

pytestmark = pytest.mark.usefixtures("connected_shop")

Present = Callable[[], Awaitable[dict[tuple[str, str], ConditionState]]]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def present(pool: Pool) -> Present:
    """Looks, and gives what is present now, by kind and subject."""
    settings = CatalogSettings.model_construct()
    job = Conditions(pool, SOURCE, observers(settings))

    async def run() -> dict[tuple[str, str], ConditionState]:
        await job.run()
        newest = {(e.kind, e.subject): e for e in await outbox_events(pool, ConditionState)}
        return {key: event for key, event in newest.items() if event.present}

    return run


@pytest.fixture
def own_clock() -> Iterator[None]:
    yield
    clock.set_to(clock.wall_now())


async def open_feed(pool: Pool, configuration: FeedConfiguration | None = None) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        await apply_configuration(connection, "m", "f", configuration or form())


async def test_a_configuration_that_cannot_be_used_any_more(pool: Pool, present: Present) -> None:
    await open_feed(pool)
    check = ConfigurationCheck(pool)
    await check.run()
    assert await present() == {}
    # what this release took, the next one refuses
    await pool.execute("UPDATE feed_configuration SET body = '{\"shop\": 7}'")
    await check.run()
    assert await present() == {}
    await ConfigurationCheck(pool, release="next").run()
    await check.run()  # it began before the next release's: that one's verdict stands
    [(key, event)] = (await present()).items()
    assert key == ("configuration_broken", "feed/f")
    assert (event.feed_id, event.shop_id, event.catalogue_id) == ("f", "s", "c")
    assert "the configuration cannot be used at shop" in event.details["cause"]
    async with unit_of_work(pool) as connection:
        await apply_configuration(connection, "m", "f", form())
    assert await present() == {}
    await check.run()
    assert await present() == {}


async def test_files_that_fail_and_deletions_that_wait(pool: Pool, present: Present) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "arrival", "files"))

    async def upload(content: str, *, is_dry_run: bool = False) -> int:
        new = NewImport("m", "c", "file.csv", Options(), is_full=True, is_dry_run=is_dry_run)
        async with unit_of_work(pool) as connection:
            import_id = await add_import(connection, new)
            await add_chunk(connection, "m", import_id, 0, content.encode())
            await finish_upload(connection, "m", import_id, len(content))
        importer = Importer(pool, holder="test", deletion_share=0.2)
        while await importer.run():
            pass
        return import_id

    def products(count: int) -> str:
        return "id,title\n" + "".join(f"p{n:02},title {n}\n" for n in range(count))

    await upload(products(40))
    await upload("\x00\x01", is_dry_run=True)
    assert await present() == {}
    failed = await upload("\x00\x01")
    [(key, event)] = (await present()).items()
    assert key == ("import_failed", "catalogue/c")
    assert (event.catalogue_id, event.run_id) == ("c", str(failed))
    assert event.details["file_name"] == "file.csv"
    assert event.details["cause"]

    half = await upload(products(20))
    [(key, event)] = (await present()).items()
    assert (key, event.details["deletions"]) == (("deletions_withheld", "catalogue/c"), "20")
    async with unit_of_work(pool) as connection:
        read = await find_import(connection, "m", half)
        assert read is not None
        await confirm_import(connection, read)
    importer = Importer(pool, holder="test", deletion_share=0.2)
    while await importer.run():
        pass
    assert await present() == {}


@pytest.mark.usefixtures("own_clock")
async def test_a_catalogue_that_is_silent_against_its_rhythm(pool: Pool, present: Present) -> None:
    async def arrive(at: datetime) -> None:
        clock.set_to(at, is_frozen=True)
        note_arrivals([("m", "c")])
        await save_noted(pool)

    await open_feed(pool)
    for day in range(7):
        for minutes in (0, 5):  # a file in two parts is one arrival
            await arrive(NOON + day * DAY + timedelta(minutes=minutes))
    for days in (1, 2.9):
        clock.set_to(NOON + 6 * DAY + days * DAY, is_frozen=True)
        assert await present() == {}
    clock.set_to(NOON + 9.1 * DAY, is_frozen=True)
    [(key, event)] = (await present()).items()
    assert key == ("catalogue_silent", "catalogue/c")
    assert event.details == {"last_at": "2026-03-07T12:05:00Z", "usual_hours": "24"}
    assert NOON + 8.9 * DAY < event.since < NOON + 9.1 * DAY
    clock.set_to(NOON + 9.2 * DAY, is_frozen=True)
    assert (await present())[key].revision == event.revision
    await arrive(NOON + 10 * DAY)
    assert await present() == {}


async def test_events_and_files_arrive(
    pool: Pool, ingest: Callable[..., Awaitable[object]]
) -> None:
    await open_feed(pool)
    await ingest(row("a", 1), row("b", 1))
    await ingest(row("a", 1))
    await save_noted(pool)
    beats = await pool.fetch("SELECT merchant_id, catalogue_id, beats FROM catalogue_rhythm")
    assert ("m", "c", 1) in [tuple(one) for one in beats]


async def test_a_source_in_quarantine(pool: Pool, present: Present) -> None:
    await open_feed(pool)
    origins = [("/erp", "m"), ("/erp", "unknown merchant")]
    async with unit_of_work(pool) as connection:
        await impose(connection, "catalog-service.sources", origins, reason="mostly poison")
    [(key, event)] = (await present()).items()
    assert key == ("source_quarantined", "source//erp")
    assert event.details == {"source": "/erp", "reason": "mostly poison"}
    async with unit_of_work(pool) as connection:
        await lift(connection, "catalog-service.sources", "/erp", "m")
    assert await present() == {}


async def test_a_category_that_is_withdrawn_or_asks_for_more(
    pool: Pool,
    present: Present,
    marketplace: Marketplace,
    settle: Callable[[], Awaitable[None]],
    ingest: Callable[..., Awaitable[object]],
) -> None:
    await keep_tree(pool, TREE)
    await open_feed(pool)
    await ingest(row("a", 1))
    await settle()
    body = await pool.fetchval(
        "SELECT body FROM category_schema WHERE category_id = $1", WALL_CLOCKS
    )
    asked = next(
        name
        for name in CATEGORY_ATTRIBUTES
        if f"category_attributes > {name}" in asked_for(WALL_CLOCKS, body)
    )

    # AliExpress begins to ask for an attribute that the feed does not fill
    schema = msgspec.json.decode(body)
    schema["properties"]["category_attributes"]["required"].remove(asked)
    await pool.execute(
        "UPDATE category_schema SET body = $1, fetched_at = fetched_at - interval '2 days'",
        msgspec.json.encode(schema).decode(),
    )
    left = {name: CATEGORY_ATTRIBUTES[name] for name in CATEGORY_ATTRIBUTES if name != asked}
    async with unit_of_work(pool) as connection:
        await apply_configuration(connection, "m", "f", form(category_attributes=left))
    while await Normalizer(pool).run():
        pass
    assert await present() == {}
    await settle()
    subject = f"category/f/{WALL_CLOCKS}"
    [(key, event)] = (await present()).items()
    assert key == ("category_changed", subject)
    assert event.details == {
        "what": "asks", "category_id": WALL_CLOCKS, "fields": f"category_attributes > {asked}",
    }  # fmt: skip
    async with unit_of_work(pool) as connection:
        await apply_configuration(connection, "m", "f", form())
    await settle()
    assert await present() == {}

    # gives its schema no longer, and again
    for body_now, expected in ((None, ["refused"]), (body, [])):
        async with unit_of_work(pool) as connection:
            known = await find_schema(connection, ("m", "s", WALL_CLOCKS))
            assert known is not None
            await note_schema(
                connection, ("m", "s"), WALL_CLOCKS, before=known.body, after=body_now
            )
            await save_schema(
                connection,
                ("m", "s", WALL_CLOCKS),
                body=body_now,
                refusal=None if body_now else "no",
            )
        assert [event.details["what"] for event in (await present()).values()] == expected

    # and withdraws it from the shop, for a while
    async def list_below(*leaves: str) -> None:
        below = [node for node in TREE if node.parent_id == "1" and node.category_id in leaves]
        async with unit_of_work(pool) as connection:
            due_at = clock.now() + DAY
            await save_branch(connection, ("m", "s", "1"), below, due_at=due_at)
            await renew_tree(connection, ("m", "s"))

    await list_below()
    [(key, event)] = (await present()).items()
    assert (key, event.details["what"]) == (("category_changed", subject), "withdrawn")
    await list_below(WALL_CLOCKS)
    assert await present() == {}


def test_every_kind_of_the_contract_is_observed() -> None:
    assert [one.kind for one in observers(CatalogSettings.model_construct())] == list(
        KINDS["catalog-service"]
    )
