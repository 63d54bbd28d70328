"""Which member a request speaks of: the person who calls, or one that an operator names."""

from auth_service.people.person import Member
from auth_service.people.store import members_of
from common.errors import NotFound, Refusal
from common.postgres.pool import Connection
from common.web.identity import PERSON, Identity

ME = "me"


def person_of(caller: Identity) -> str | None:
    """The id of the person who calls; None for an API client."""
    if not caller.subject.startswith(PERSON):
        return None
    return caller.subject.removeprefix(PERSON)


async def find_member(
    connection: Connection, merchant_id: str, caller: Identity, person_id: str = ME
) -> Member:
    """The member of this id, `me` for the person who calls. Others' are for operators.

    Raises `NotFound`, and `Refusal` for a caller that is no person.
    """
    own = person_of(caller)
    if person_id == ME and own is None:
        raise Refusal(
            "this caller is an API client, not a person",
            status=409,
            slug="not-a-person",
            remedy="Sign in, or name a member by id as an operator.",
        )
    wanted = own if person_id == ME else person_id
    if wanted != own and not caller.is_operator:
        raise NotFound("member")
    for member in await members_of(connection, merchant_id):
        if member.person_id == wanted:
            return member
    raise NotFound("member", remedy="Ask an owner of the merchant to invite them.")
