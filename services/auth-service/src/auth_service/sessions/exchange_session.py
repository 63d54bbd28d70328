"""Exchange a session for a token like those API clients get, with what the person may do."""

from dataclasses import dataclass

from auth_service.clients.issue_jwt import LIFETIME, Grant, sign_claims
from auth_service.clients.scopes import OPERATOR_SCOPES, SCOPES_OF_ROLE
from auth_service.clients.signing_keys import SigningKeys
from auth_service.people.person import Person
from auth_service.people.store import roles_of
from common.errors import NotFound, Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import PERSON


@dataclass(frozen=True)
class PersonGrant:
    """A person's token: for a merchant and by the role there, or an operator's."""

    grant: Grant
    merchant_id: str | None
    role: str
    scopes: list[str]


async def exchange_session(
    pool: Pool, keys: SigningKeys, person: Person, merchant_id: str | None
) -> PersonGrant:
    """A token for this merchant; without one that of an operator, or of the only merchant.

    Raises `NotFound` for a merchant the person is no member of, and `Refusal` when it is not said
    for which of several, or of none.
    """
    async with reading(pool) as connection:
        roles = await roles_of(connection, person.person_id)
    if merchant_id is None and person.is_operator:
        return _grant(keys, person, None, "operator", OPERATOR_SCOPES)
    if merchant_id is None and len(roles) == 1:
        [merchant_id] = roles
    if merchant_id is None:
        raise Refusal(
            "it is not said for which merchant the token is",
            status=422,
            slug="merchant-needed",
            field="merchant_id",
            remedy=f"Send merchant_id, one of: {', '.join(sorted(roles))}."
            if roles
            else "Ask an owner of the merchant to invite you.",
        )
    if merchant_id not in roles:
        raise NotFound("merchant", remedy="Ask an owner of the merchant to invite you.")
    role = roles[merchant_id]
    return _grant(keys, person, merchant_id, role, SCOPES_OF_ROLE[role])


def _grant(
    keys: SigningKeys,
    person: Person,
    merchant_id: str | None,
    role: str,
    scopes: frozenset[str],
) -> PersonGrant:
    token = sign_claims(
        keys, PERSON + person.person_id, merchant_id, sorted(scopes), email=person.email
    )
    return PersonGrant(Grant(token, LIFETIME), merchant_id, role, sorted(scopes))
