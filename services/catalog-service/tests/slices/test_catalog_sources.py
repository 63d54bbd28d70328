"""Source products: the newest wins whatever the order, and families are marked dirty."""

from collections.abc import Awaitable, Callable

import pytest

from catalog_service.sources.store import add_catalogue, find_product
from catalog_service.sources.versions import Catalogue
from common.contracts.catalog import CatalogUpdated
from common.messaging.records import Delivery, NotApplied, Parked, Rejected
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

Ingest = Callable[..., Awaitable[list[NotApplied]]]
Deliver = Callable[..., Delivery[CatalogUpdated]]


def upsert(
    product_id: str, version: int | None = None, parent: str | None = None, **fields: str
) -> CatalogUpdated:
    return CatalogUpdated(
        merchant_id="m",
        catalogue_id="c",
        product_id=product_id,
        action="upsert",
        version=version,
        parent_id=parent,
        fields=dict(fields),
    )


def delete(product_id: str, version: int | None = None) -> CatalogUpdated:
    return CatalogUpdated(
        merchant_id="m", catalogue_id="c", product_id=product_id, action="delete", version=version
    )


@pytest.fixture
async def explicit(pool: Pool) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))


@pytest.fixture
async def arrival(pool: Pool) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "arrival", "events"))


async def dirty(pool: Pool) -> set[str]:
    rows = await pool.fetch("DELETE FROM family_mark RETURNING family_id")
    return {row["family_id"] for row in rows}


async def stored(pool: Pool, product_id: str) -> object:
    async with pool.acquire() as connection:
        found = await find_product(connection, "m", "c", product_id)
    assert found is not None
    return None if found.is_deleted else found.fields


@pytest.mark.usefixtures("explicit")
async def test_a_late_older_upsert_never_beats_a_newer_one(pool: Pool, ingest: Ingest) -> None:
    assert await ingest(upsert("p", 2, title="new")) == []
    assert await ingest(upsert("p", 1, title="old")) == []
    assert await stored(pool, "p") == {"title": "new"}


@pytest.mark.usefixtures("explicit")
async def test_a_late_upsert_never_revives_a_deleted_product(pool: Pool, ingest: Ingest) -> None:
    await ingest(upsert("p", 1, title="a"), delete("p", 5))
    await ingest(upsert("p", 4, title="b"))
    assert await stored(pool, "p") is None


@pytest.mark.usefixtures("explicit")
async def test_the_newest_of_a_batch_wins_whatever_its_order(pool: Pool, ingest: Ingest) -> None:
    await ingest(upsert("p", 3, title="c"), upsert("p", 1, title="a"), upsert("p", 2, title="b"))
    assert await stored(pool, "p") == {"title": "c"}


@pytest.mark.usefixtures("explicit")
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
async def test_the_same_version_with_other_content_is_refused(
    pool: Pool, ingest: Ingest, together: bool
) -> None:
    events = [upsert("p", 1, title="a"), upsert("p", 1, title="b"), upsert("q", 1, title="q")]
    if together:
        not_applied = await ingest(*events)
    else:
        await ingest(events[0])
        not_applied = await ingest(*events[1:])
    assert [s.reason for s in not_applied if isinstance(s, Rejected)] == ["version-conflict"]
    assert await stored(pool, "p") == {"title": "a"}
    assert await stored(pool, "q") == {"title": "q"}


@pytest.mark.usefixtures("explicit")
async def test_the_same_event_twice_changes_and_marks_nothing(pool: Pool, ingest: Ingest) -> None:
    await ingest(upsert("p", 1, title="a"))
    await dirty(pool)
    assert await ingest(upsert("p", 1, title="a")) == []
    assert await dirty(pool) == set()


@pytest.mark.usefixtures("explicit")
async def test_a_higher_version_with_the_same_content_marks_nothing(
    pool: Pool, ingest: Ingest
) -> None:
    await ingest(upsert("p", 1, title="a"))
    await dirty(pool)
    await ingest(upsert("p", 2, title="a"))
    assert await dirty(pool) == set()
    await ingest(delete("p", 3))
    assert await dirty(pool) == {"p"}


@pytest.mark.usefixtures("explicit")
async def test_a_child_that_moves_marks_both_families(pool: Pool, ingest: Ingest) -> None:
    await ingest(upsert("child", 1, parent="one"))
    assert await dirty(pool) == {"one"}
    await ingest(upsert("child", 2, parent="two"))
    assert await dirty(pool) == {"one", "two"}


@pytest.mark.usefixtures("arrival")
async def test_by_arrival_the_later_record_wins_then_the_higher_offset(
    pool: Pool, ingest: Ingest, deliver: Deliver
) -> None:
    await ingest(
        deliver(upsert("p", title="late"), timestamp_ms=20, offset=1),
        deliver(upsert("p", title="early"), timestamp_ms=10, offset=9),
    )
    assert await stored(pool, "p") == {"title": "late"}
    await ingest(deliver(upsert("p", title="next"), timestamp_ms=20, offset=2))
    assert await stored(pool, "p") == {"title": "next"}


@pytest.mark.usefixtures("explicit")
async def test_an_event_without_the_declared_version_is_refused(ingest: Ingest) -> None:
    not_applied = await ingest(upsert("p", title="a"), upsert("q", 1, title="b"))
    assert [s.reason for s in not_applied if isinstance(s, Rejected)] == ["version-missing"]


async def test_an_event_of_an_unknown_catalogue_is_parked(ingest: Ingest) -> None:
    not_applied = await ingest(upsert("p", 1))
    assert [s.waits_for for s in not_applied if isinstance(s, Parked)] == ["catalogue:m/c"]


async def test_events_for_a_catalogue_fed_by_files_are_refused(pool: Pool, ingest: Ingest) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "arrival", "files"))
    not_applied = await ingest(upsert("p"))
    assert [s.reason for s in not_applied if isinstance(s, Rejected)] == ["fed-by-files"]
