"""REST over the members of a merchant and the operators of the installation."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from auth_service.access import MemberReader, MemberWriter, PersonId, operators_only
from auth_service.people import store
from auth_service.people.manage_members import change_role, remove_member, remove_operator
from auth_service.people.person import Role
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router


class MemberView(BaseModel):
    """A member of a merchant. While the invitation is open, `accepted_at` is null, and so is what
    the person says of themselves."""

    person_id: str
    email: str
    display_name: str | None
    language: str | None
    time_zone: str | None
    role: str
    created_at: datetime
    accepted_at: datetime | None


class OperatorView(BaseModel):
    """A person who runs the installation."""

    model_config = ConfigDict(from_attributes=True)

    person_id: str
    email: str
    display_name: str
    language: str
    time_zone: str


class Operators(BaseModel):
    """All operators; there are a few."""

    items: list[OperatorView]


class RoleBody(BaseModel):
    """What the member may do: everything (owner), the daily work (agent), or look (viewer)."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class MemberPlace(NamedTuple):
    """Members are listed by address."""

    email: str


After = Annotated[MemberPlace | None, Depends(Keyset(MemberPlace))]


def people_router(pool: Pool) -> APIRouter:
    """The routes; how people come in is `invitations/`."""
    router = new_router(tags=["people"])
    members = "/v1/merchants/{merchant_id}/members"

    @router.get(members)
    async def get_members(
        merchant_id: MemberReader, after: After = None, limit: Limit = 50
    ) -> Page[MemberView]:
        """Who works for the merchant, and who is invited, by address."""
        async with reading(pool) as connection:
            found = await store.list_members(
                connection, merchant_id, after=after.email if after else "", limit=limit + 1
            )
        page = Page.of(found, limit, lambda last: MemberPlace(last.email))
        return page.with_items([_member(item) for item in page.items])

    @router.put(members + "/{person_id}", status_code=204)
    async def put_role(merchant_id: MemberWriter, person_id: PersonId, body: RoleBody) -> None:
        """Change the member's role; the last owner stays one."""
        await change_role(pool, merchant_id, person_id, body.role)

    @router.delete(members + "/{person_id}", status_code=204)
    async def delete_member(merchant_id: MemberWriter, person_id: PersonId) -> None:
        """End the membership, or take an invitation back; the last owner stays."""
        await remove_member(pool, merchant_id, person_id)

    @router.get("/v1/operators", dependencies=[operators_only])
    async def get_operators() -> Operators:
        """The people who run the installation."""
        async with reading(pool) as connection:
            found = await store.operators(connection)
        return Operators(items=[OperatorView.model_validate(person) for person in found])

    @router.delete("/v1/operators/{person_id}", status_code=204, dependencies=[operators_only])
    async def delete_operator(person_id: PersonId) -> None:
        """Make a person an operator no longer; the last one stays."""
        await remove_operator(pool, person_id)

    return router


def _member(member: store.Membership) -> MemberView:
    # who is only invited has not agreed to be known by this merchant
    is_known = member.accepted_at is not None
    return MemberView(
        person_id=member.person_id,
        email=member.email,
        display_name=member.display_name if is_known else None,
        language=member.language if is_known else None,
        time_zone=member.time_zone if is_known else None,
        role=member.role,
        created_at=member.created_at,
        accepted_at=member.accepted_at,
    )
