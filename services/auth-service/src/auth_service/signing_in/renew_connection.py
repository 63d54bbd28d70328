"""Who may renew a shop's connection from its mail, and beginning to."""

from dataclasses import dataclass

from auth_service.connecting.connect_shop import Ticket, connect_shop
from auth_service.merchants.store import load_merchant
from auth_service.people.person import Member, Person
from auth_service.people.store import members_of, roles_of
from auth_service.shops.store import Shop, load_shop
from common.errors import NotFound, Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading


class NotAnOwner(Refusal):
    """The person works for the merchant, and may not renew."""

    def __init__(self, owners: list[Member]) -> None:
        super().__init__(
            "Only an owner may renew this connection",
            status=403,
            slug="not-an-owner",
            rule="M1.4",
            remedy="You are signed in, and your role with this merchant does not allow it.",
        )
        self.owners = owners


@dataclass(frozen=True)
class Renewal:
    """What a person is about to renew."""

    merchant_name: str
    shop: Shop


async def show_renewal(pool: Pool, person: Person, merchant_id: str, shop_id: str) -> Renewal:
    """The shop, for an owner of its merchant or an operator.

    Raises `NotAnOwner` for other members, and `NotFound` for everybody else, as for a shop that
    does not exist.
    """
    async with reading(pool) as connection:
        roles = await roles_of(connection, person.person_id)
        role = "owner" if person.is_operator else roles.get(merchant_id)
        if role is None:
            raise NotFound("shop", remedy="Sign in as somebody who works for its merchant.")
        if role != "owner":
            members = await members_of(connection, merchant_id)
            raise NotAnOwner([member for member in members if member.role == "owner"])
        merchant = await load_merchant(connection, merchant_id)
        shop = await load_shop(connection, merchant_id, shop_id)
    return Renewal(merchant.name, shop)


async def begin_renewal(
    pool: Pool, person: Person, merchant_id: str, shop_id: str, *, contact: str
) -> Ticket:
    """A ticket to renew the shop that exists. Raises as `show_renewal` does, and `NotEligible`."""
    await show_renewal(pool, person, merchant_id, shop_id)
    return await connect_shop(pool, merchant_id, shop_id, contact=contact)
