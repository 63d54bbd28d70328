"""REST over a shop's audits: run now, history, what was found."""

from datetime import datetime
from typing import Annotated, NamedTuple, Self

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, computed_field

from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router
from order_importer.access import Reader, ShopId, Writer
from order_importer.auditing import store
from order_importer.auditing.compare import Difference, Kind
from order_importer.importing.api import ShopNotUsable
from order_importer.shops.store import load_shop

REMEDIES: dict[Kind, str] = {
    "missing-here": "Nothing: an import of it was asked for at once. If the next audit shows it "
    "again, look at the shop's imports, which say what could not be read.",
    "status": "Nothing: an import of it was asked for at once.",
    "total": "Nothing: an import of it was asked for at once. If the next audit shows it again, "
    "compare the order's amounts in the AliExpress seller centre.",
    "missing-there": "Look for the order in the AliExpress seller centre: AliExpress no longer "
    "lists it for this account.",
}


class OrderAuditView(BaseModel):
    """An audit of the orders placed in a time. `differences` 0 means: one to one."""

    model_config = ConfigDict(from_attributes=True)

    audit_id: int
    cause: str
    state: str
    requested_at: datetime
    placed_from: datetime | None
    placed_to: datetime | None
    compared: int | None
    pending: int | None
    differences: int | None
    problem: str | None
    ended_at: datetime | None


class OrderDifferenceView(BaseModel):
    """What is not the same of an order here (`ours`) and at AliExpress (`theirs`)."""

    model_config = ConfigDict(from_attributes=True)

    order_id: str
    kind: Kind
    ours: str | None
    theirs: str | None

    @computed_field  # type: ignore[prop-decorator]  # mypy takes none above it
    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.kind]


class AuditAsked(BaseModel):
    """The audit that will be made."""

    audit_id: int


class AuditPlace(NamedTuple):
    """A shop's audits are listed by falling id."""

    audit_id: int


class DifferencePlace(NamedTuple):
    """What an audit found is listed by order number and kind."""

    order_id: str
    kind: str

    @classmethod
    def of(cls, found: Difference) -> Self:
        """Where this difference stands."""
        return cls(found.order_id, found.kind)


Before = Annotated[AuditPlace | None, Depends(Keyset(AuditPlace))]
After = Annotated[DifferencePlace | None, Depends(Keyset(DifferencePlace))]
AuditId = Annotated[int, Path(ge=1, le=2**63 - 1)]


def audit_router(pool: Pool) -> APIRouter:
    """For merchants; audits read only, and ask for imports of what differs."""
    router = new_router(
        prefix="/v1/merchants/{merchant_id}/shops/{shop_id}/order-audits",
        tags=["order audits"],
    )

    @router.post("", status_code=202)
    async def audit_now(merchant_id: Writer, shop_id: ShopId) -> AuditAsked:
        """Compare all orders of 90 days with AliExpress's list now. One that is due is that one."""
        async with unit_of_work(pool) as connection:
            shop = await load_shop(connection, merchant_id, shop_id)
            if not shop.is_usable:
                raise ShopNotUsable(shop.connection)
            audit_id = await store.request_audit(connection, merchant_id, shop_id, "asked")
            await record(connection, "orders.audit-asked", shop_id, {"audit": audit_id})
        return AuditAsked(audit_id=audit_id)

    @router.get("")
    async def get_audits(
        merchant_id: Reader, shop_id: ShopId, before: Before = None, limit: Limit = 50
    ) -> Page[OrderAuditView]:
        """The shop's audits, the newest first."""
        async with reading(pool) as connection:
            await load_shop(connection, merchant_id, shop_id)
            found = await store.list_audits(
                connection,
                merchant_id,
                shop_id,
                before=before.audit_id if before else None,
                limit=limit + 1,
            )
        page = Page.of(found, limit, lambda last: AuditPlace(last.audit_id))
        return page.with_items([OrderAuditView.model_validate(one) for one in page.items])

    @router.get("/{audit_id}")
    async def get_audit(merchant_id: Reader, shop_id: ShopId, audit_id: AuditId) -> OrderAuditView:
        """The audit."""
        async with reading(pool) as connection:
            return OrderAuditView.model_validate(
                await store.load_audit(connection, merchant_id, shop_id, audit_id)
            )

    @router.get("/{audit_id}/differences")
    async def get_differences(
        merchant_id: Reader,
        shop_id: ShopId,
        audit_id: AuditId,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[OrderDifferenceView]:
        """What the audit found, order by order."""
        async with reading(pool) as connection:
            await store.load_audit(connection, merchant_id, shop_id, audit_id)
            found = await store.list_differences(connection, audit_id, after=after, limit=limit + 1)
        page = Page.of(found, limit, DifferencePlace.of)
        return page.with_items([OrderDifferenceView.model_validate(one) for one in page.items])

    return router
