"""A family is not evaluated again from the same, and that is never seen in what is stored of it."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, Literal

import pytest

from catalog_service.categories.store import mark_categories, save_schema
from catalog_service.families.store import listed, mark
from catalog_service.images.store import request_checks, save_verdict
from catalog_service.normalizing.mark_due import SaleCalendar
from catalog_service.normalizing.store import keep_reports
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common import clock
from common.contracts.product import ProductReported
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

from ..trying import apply
from ..wall_clocks import WALL_CLOCKS, form, gone, row
from .test_catalog_draft_predictions import any_configuration, any_rows

Ingest = Callable[..., Awaitable[list[NotApplied]]]
Settle = Callable[[], Awaitable[None]]
STATUSES: tuple[Literal["live", "rejected", "deleted"], ...] = ("live", "rejected", "deleted")
PICTURES = [f"https://pictures.example/{n}.jpg" for n in (1, 2)]


@pytest.fixture(autouse=True)
async def the_clock_is_set_back() -> AsyncIterator[None]:
    yield
    clock.set_to(clock.wall_now())


class History:
    """Everything that may change what is found of a family, in any order."""

    def __init__(self, pool: Pool, ingest: Ingest, seed: int) -> None:
        self.pool, self.ingest, self.chance = pool, ingest, random.Random(seed)
        self.version = 1
        self.reported = 0

    async def begin(self) -> None:
        async with unit_of_work(self.pool) as connection:
            await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        await apply(self.pool, form())
        await self.ingest(*any_rows(self.chance))
        await self.picture_judged()

    async def step(self) -> None:
        await self.chance.choice(
            [
                self.rows_changed,
                self.row_deleted,
                self.configuration_changed,
                self.pictures_checked,
                self.picture_judged,
                self.schema_changed,
                self.reports_came,
                self.sale_began,
                self.time_passed,
            ]
        )()

    async def rows_changed(self) -> None:
        self.version += 1
        names = self.chance.sample(range(40), 5)
        prices = [str(self.chance.randrange(5, 20)) for _ in names]
        await self.ingest(
            *(
                row(f"p{name:02}", self.version, price=price)
                for name, price in zip(names, prices, strict=True)
            )
        )

    async def row_deleted(self) -> None:
        self.version += 1
        await self.ingest(gone(f"p{self.chance.randrange(40):02}", self.version))

    async def configuration_changed(self) -> None:
        await apply(self.pool, any_configuration(self.chance))

    async def pictures_checked(self) -> None:
        attributes: dict[str, Any] = form().attributes.model_dump(by_alias=True, exclude_unset=True)
        pictures = {"image_url_list": {"constant": self.chance.sample(PICTURES, 2)}}
        await apply(self.pool, form(image_checks="on", attributes=attributes | pictures))

    async def picture_judged(self) -> None:
        for url in PICTURES:
            reason = self.chance.choice([None, None, "its server answered 404"])
            async with unit_of_work(self.pool) as connection:
                await request_checks(connection, {("m", url)})
                later = clock.now() + timedelta(days=400)
                await save_verdict(
                    connection, ("m", url), reason=reason, content_hash=b"x", due_at=later
                )

    async def schema_changed(self) -> None:
        body = await self.pool.fetchval(
            "SELECT body FROM category_schema WHERE category_id = $1", WALL_CLOCKS
        )
        if body is not None:
            other = body.replace('"maxLength":218', '"maxLength":100')
            if other == body:
                other = body.replace('"maxLength":100', '"maxLength":218')
            async with unit_of_work(self.pool) as connection:
                key = ("m", "s", WALL_CLOCKS)
                assert await save_schema(connection, key, body=other, refusal=None)
                await mark_categories(connection, key[:2], [WALL_CLOCKS])

    async def reports_came(self) -> None:
        self.reported += 1
        families = await self.pool.fetch("SELECT family_id, revision FROM normalized_product")
        for family, revision in self.chance.sample(families, min(6, len(families))):
            status = self.chance.choice(STATUSES)
            report = ProductReported(
                merchant_id="m",
                feed_id="f",
                family_id=family,
                revision=self.reported,
                desired_revision=revision,
                status=status,
                marketplace_product_id="1005" if status == "live" else None,
            )
            async with unit_of_work(self.pool) as connection:
                await keep_reports(connection, [report])

    async def sale_began(self) -> None:
        self.version += 1
        hour = timedelta(hours=self.chance.randrange(1, 4))
        begins, ends = clock.now() + hour, clock.now() + 2 * hour
        window = {"discount_from": begins.isoformat(), "discount_until": ends.isoformat()}
        names = self.chance.sample(range(40), 5)
        await self.ingest(*(row(f"p{name:02}", self.version, sale="4", **window) for name in names))

    async def time_passed(self) -> None:
        clock.set_to(clock.now() + timedelta(hours=self.chance.randrange(1, 4)))
        while await SaleCalendar(self.pool).run():
            pass

    async def mark_all(self) -> None:
        families = await self.pool.fetch(
            "SELECT merchant_id, catalogue_id, family_id FROM normalized_product"
        )
        async with unit_of_work(self.pool) as connection:
            await mark(connection, listed((*family, None, None) for family in families))

    async def found(self) -> list[Any]:
        """All that is stored of the families but when they were evaluated, and from what."""
        return list(
            await self.pool.fetch(
                """SELECT family_id, state, digest, revision, category_id, title, image_urls, rules,
                    missing, is_parent, due_at, event::jsonb - 'changed_at'
                FROM normalized_product ORDER BY family_id"""
            )
        )


@pytest.mark.usefixtures("connected_shop")
@pytest.mark.parametrize("seed", range(4))
async def test_what_was_not_evaluated_again_is_what_would_have_been_found(
    pool: Pool, ingest: Ingest, settle: Settle, seed: int
) -> None:
    history = History(pool, ingest, seed)
    await history.begin()
    for _ in range(15):
        await history.step()
        await settle()
        by_difference = await history.found()
        await pool.execute("UPDATE normalized_product SET inputs = NULL")
        await history.mark_all()
        await settle()
        assert await history.found() == by_difference


@pytest.mark.usefixtures("connected_shop")
async def test_a_family_that_is_marked_for_nothing_is_not_written(
    pool: Pool, ingest: Ingest, settle: Settle
) -> None:
    history = History(pool, ingest, 1)
    await history.begin()
    await ingest(row("simple", 1))
    await settle()
    await history.mark_all()  # some were evaluated before a schema was there that they do not need
    await settle()
    written = (
        "SELECT family_id, xmin::text FROM normalized_product WHERE state <> 'deleted' ORDER BY 1"
    )
    before = await pool.fetch(written)
    await history.mark_all()
    await settle()
    assert await pool.fetch(written) == before
    await ingest(row("simple", 2, price="77"))
    await settle()
    after = {str(row[0]): str(row[1]) for row in await pool.fetch(written)}
    assert len(after) > 20
    assert [family for family, xmin in before if after[family] != xmin] == ["simple"]
