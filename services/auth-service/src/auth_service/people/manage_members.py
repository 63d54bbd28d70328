"""Change what a member may do, or end a membership."""

from auth_service.people import store
from auth_service.people.membership import require_owner_left
from auth_service.people.person import Role
from common.errors import NotFound, Refusal
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work


async def change_role(pool: Pool, merchant_id: str, person_id: str, role: Role) -> None:
    """Give the member this role; it holds from the next token on, ten minutes at the latest.

    Raises `NotFound` and `LastOwner`.
    """
    async with unit_of_work(pool) as connection:
        members = await store.lock_members(connection, merchant_id)
        if role != "owner":
            require_owner_left(members, person_id)
        member = _member(members, person_id)
        await store.set_role(connection, merchant_id, person_id, role)
        await record(
            connection, "member.role-changed", member.email, {"from": member.role, "to": role}
        )


async def remove_member(pool: Pool, merchant_id: str, person_id: str) -> None:
    """End the membership, or take the invitation back; the person stays.

    Raises `NotFound` and `LastOwner`.
    """
    async with unit_of_work(pool) as connection:
        members = await store.lock_members(connection, merchant_id)
        require_owner_left(members, person_id)
        member = _member(members, person_id)
        await store.delete_membership(connection, merchant_id, person_id)
        await record(connection, "member.removed", member.email, {"role": member.role})


async def remove_operator(pool: Pool, person_id: str) -> None:
    """Make the person an operator no longer. Raises `NotFound`, and `Refusal` for the last one."""
    async with unit_of_work(pool) as connection:
        ids = await store.lock_operators(connection)
        person = await store.find_person(connection, person_id)
        if person is None or person_id not in ids:
            raise NotFound("operator", remedy="List the operators.")
        if ids == [person_id]:
            raise Refusal(
                "this is the installation's last operator",
                status=409,
                slug="last-operator",
                remedy="Invite another operator first.",
            )
        await store.set_operator(connection, person_id, is_operator=False)
        await record(connection, "operator.removed", person.email)


def _member(members: list[store.Membership], person_id: str) -> store.Membership:
    for member in members:
        if member.person_id == person_id:
            return member
    raise NotFound("member", remedy="List the members.")
