"""Give an API client a token for ten minutes (OAuth 2.0 client credentials, RFC 6749 4.4)."""

from dataclasses import dataclass
from datetime import timedelta

import jwt

from auth_service.clients import store
from auth_service.clients.secrets import hash_of, is_hash_of
from auth_service.clients.signing_keys import SigningKeys
from common import clock
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import AUDIENCE, ISSUER

LIFETIME = timedelta(minutes=10)
_NOBODY = hash_of("no client has this secret")


class ClientUnknown(Refusal):
    """No API client of this id and secret; which of the two is wrong stays open."""

    def __init__(self) -> None:
        super().__init__(
            "the client id or its secret is wrong",
            status=401,
            slug="client-unknown",
            remedy="Compare both with what was shown when the client was made.",
        )


@dataclass(frozen=True)
class Grant:
    """A signed bearer token and how long it is valid."""

    access_token: str
    lifetime: timedelta


async def issue_jwt(pool: Pool, keys: SigningKeys, client_id: str, secret: str) -> Grant:
    """A token with the client's scopes and merchant. Raises `ClientUnknown`."""
    async with reading(pool) as connection:
        client = await store.find_client(connection, client_id)
    is_right = is_hash_of(client.secret_hash if client else _NOBODY, secret)
    is_previous = is_hash_of(_previous(client), secret)
    if client is None or not (is_right or is_previous):
        raise ClientUnknown
    return Grant(sign_claims(keys, client.client_id, client.merchant_id, client.scopes), LIFETIME)


def _previous(client: store.ApiClient | None) -> bytes:
    """The hash of the secret that was rotated away, while it is still taken."""
    if client is None or client.previous_secret_hash is None or client.previous_ends_at is None:
        return _NOBODY
    return client.previous_secret_hash if clock.now() < client.previous_ends_at else _NOBODY


def sign_claims(
    keys: SigningKeys,
    subject: str,
    merchant_id: str | None,
    scopes: list[str],
    *,
    email: str | None = None,
) -> str:
    """The JWT of these claims, signed by the current key; `email` of a person."""
    now = clock.now()
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "scope": " ".join(sorted(scopes)),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
    }
    if merchant_id is not None:
        claims["merchant"] = merchant_id
    if email is not None:
        claims["email"] = email
    return jwt.encode(claims, keys.current, algorithm="EdDSA", headers={"kid": keys.current_id})
