"""REST over a shop's order imports: run now, pause, resume, history."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, computed_field

from common import clock
from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router
from order_importer.access import Reader, Shipper, ShopId, Writer
from order_importer.importing.problems import find_known
from order_importer.importing.store import list_unreadable
from order_importer.imports.schedule import find_schedule, pause_imports
from order_importer.imports.store import list_imports, request_import
from order_importer.orders.store import list_problems
from order_importer.shops.store import load_shop

PROBLEMS_SHOWN = 100


class ShopNotUsable(Refusal):
    """The shop's token lapsed, or its merchant is not eligible."""

    def __init__(self, connection: str) -> None:
        super().__init__(
            f"the shop is {connection}",
            status=409,
            slug="shop-not-connected",
            rule="M1.3",
            remedy="Renew the shop's connection; the import then runs by itself.",
        )


class Explained(BaseModel):
    """Something that may have met a problem: AliExpress's words, and ours where it is known."""

    problem: str | None

    @computed_field  # type: ignore[prop-decorator]  # mypy takes none above it
    @property
    def explanation(self) -> str | None:
        """What the problem means."""
        known = find_known(self.problem)
        return known.explanation if known else None

    @computed_field  # type: ignore[prop-decorator]  # mypy takes none above it
    @property
    def remedy(self) -> str | None:
        """What to do about it."""
        known = find_known(self.problem)
        return known.remedy if known else None


class ImportView(Explained):
    """An import: the time of changes it read, and what it brought."""

    model_config = ConfigDict(from_attributes=True)

    import_id: int
    cause: str
    state: str
    requested_at: datetime
    attempts: int
    window_from: datetime | None
    window_to: datetime | None
    orders_seen: int
    orders_received: int
    orders_updated: int
    orders_unreadable: int
    reads_from: datetime | None
    ended_at: datetime | None


class OrderProblem(Explained):
    """An order that could not be read in full; it is tried again with every import."""

    order_id: str
    problem: str


class UnreadableRow(BaseModel):
    """A row of the order list that is not of an order's form; its raw text is stored."""

    reason: str
    seen_at: datetime


class ImportsView(BaseModel):
    """The shop's imports. All orders changed until `covered_until` are here."""

    covered_until: datetime | None
    next_due_at: datetime | None
    is_paused: bool
    pause_reason: str | None
    problems: list[OrderProblem]
    unreadable: list[UnreadableRow]
    items: list[ImportView]
    next_cursor: str | None = None


class ImportPlace(NamedTuple):
    """A shop's imports are listed by falling id."""

    import_id: int


Before = Annotated[ImportPlace | None, Depends(Keyset(ImportPlace))]


class Asked(BaseModel):
    """The import that will run."""

    import_id: int


class PauseBody(BaseModel):
    """Why the imports are paused."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")


def import_router(pool: Pool) -> APIRouter:
    """For merchants; an import that is asked for runs whether or not the schedule is paused."""
    router = new_router(
        prefix="/v1/merchants/{merchant_id}/shops/{shop_id}/order-imports",
        tags=["order imports"],
    )

    @router.post("", status_code=202)
    async def run_now(merchant_id: Shipper, shop_id: ShopId) -> Asked:
        """Import now. One that is due already is that one."""
        async with unit_of_work(pool) as connection:
            shop = await load_shop(connection, merchant_id, shop_id)
            if not shop.is_usable:
                raise ShopNotUsable(shop.connection)
            import_id = await request_import(
                connection, merchant_id, shop_id, "asked", at=clock.now()
            )
            await record(connection, "orders.import-asked", shop_id, {"import": import_id})
        return Asked(import_id=import_id)

    @router.get("")
    async def get_imports(
        merchant_id: Reader, shop_id: ShopId, before: Before = None, limit: Limit = 50
    ) -> ImportsView:
        """How far the shop's orders are covered, what could not be read, and past imports."""
        shown = PROBLEMS_SHOWN
        async with reading(pool) as connection:
            shop = await load_shop(connection, merchant_id, shop_id)
            due = await find_schedule(connection, merchant_id, shop_id)
            found = await list_imports(
                connection,
                merchant_id,
                shop_id,
                before=before.import_id if before else None,
                limit=limit + 1,
            )
            problems = await list_problems(connection, merchant_id, shop_id, limit=shown)
            unreadable = await list_unreadable(connection, merchant_id, shop_id, limit=shown)
        page = Page.of(found, limit, lambda last: ImportPlace(last.import_id))
        return ImportsView(
            covered_until=shop.covered_until,
            next_due_at=due.next_due_at if due else None,
            is_paused=due.is_paused if due else False,
            pause_reason=due.pause_reason if due else None,
            problems=[OrderProblem(order_id=one[0], problem=one[1]) for one in problems],
            unreadable=[UnreadableRow(reason=one[0], seen_at=one[1]) for one in unreadable],
            items=[ImportView.model_validate(one) for one in page.items],
            next_cursor=page.next_cursor,
        )

    @router.post("/pause", status_code=204)
    async def pause(merchant_id: Writer, shop_id: ShopId, body: PauseBody) -> None:
        """Let no import begin by schedule; one asked for still runs."""
        await _pause(merchant_id, shop_id, body.reason)

    @router.post("/resume", status_code=204)
    async def resume(merchant_id: Writer, shop_id: ShopId) -> None:
        """Let the schedule go on; what was missed is caught up by the next import."""
        await _pause(merchant_id, shop_id, None)

    async def _pause(merchant_id: str, shop_id: str, reason: str | None) -> None:
        async with unit_of_work(pool) as connection:
            await load_shop(connection, merchant_id, shop_id)
            await pause_imports(connection, merchant_id, shop_id, reason)
            action = "orders.imports-resumed" if reason is None else "orders.imports-paused"
            await record(connection, action, shop_id)

    return router
