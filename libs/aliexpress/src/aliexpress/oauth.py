"""Authorisation of a shop: the page a person agrees on, and its code turned into a token."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import msgspec

from aliexpress.client import Client
from aliexpress.errors import CallerFault
from aliexpress.operation import AccessToken, Operation
from aliexpress.wire import Fields, Unreadable

CREATE_TOKEN = Operation("/auth/token/create", is_write=True)
CREATE_TOKEN_SECURELY = Operation("/auth/token/security/create", is_write=True)
REFRESH_TOKEN = Operation("/auth/token/refresh", is_write=True)
REFRESH_TOKEN_SECURELY = Operation("/auth/token/security/refresh", is_write=True)


class TokenGrant(msgspec.Struct, frozen=True):
    """What AliExpress grants: a token and its end (UTC). Secrets show in no representation.

    `refresh_expires_at` is None where a refresh token is absent or, as usual, dead on arrival.
    """

    access_token: str
    expires_at: datetime
    seller_id: str
    user_id: str | None = None
    account: str | None = None
    account_platform: str | None = None
    user_nick: str | None = None
    locale: str | None = None
    refresh_token: str | None = None
    refresh_expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"TokenGrant(seller_id={self.seller_id!r}, expires_at={self.expires_at})"

    @property
    def token(self) -> AccessToken:
        """The token as the typed methods take it."""
        return AccessToken(self.seller_id, self.access_token)

    def is_refreshable(self, now: datetime) -> bool:
        """Whether `refresh_token` can be used at `now`; otherwise the seller must agree again."""
        return (
            self.refresh_token is not None
            and self.refresh_expires_at is not None
            and self.refresh_expires_at > now
        )


@dataclass(frozen=True, repr=False)
class CodeVerifier:
    """Proof that who exchanges a code is who asked for it (RFC 7636, S256): 43 characters."""

    text: str

    @classmethod
    def of(cls, secret: str) -> "CodeVerifier":
        """The verifier that belongs to a secret of the browser's, which need not be stored."""
        return cls(_base64url(hashlib.sha256(b"code-verifier:" + secret.encode()).digest()))

    @property
    def challenge(self) -> str:
        """What travels with the question for a code."""
        return _base64url(hashlib.sha256(self.text.encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def authorize_url(
    client: Client, *, redirect_uri: str, state: str, verifier: CodeVerifier | None = None
) -> str:
    """The page where the seller agrees; AliExpress returns to `redirect_uri` with code and state.

    `redirect_uri` must equal the one registered with the app. With a `verifier` the code is good
    for who brings that along, where the platform knows PKCE.
    """
    query = {
        "response_type": "code",
        "client_id": client.app.key,
        "redirect_uri": redirect_uri,
        "state": state,
    }
    if verifier is not None:
        query |= {"code_challenge": verifier.challenge, "code_challenge_method": "S256"}
    if client.gateway.kind == "new":
        query["force_auth"] = "true"
    else:
        query |= {"view": "web", "sp": "ae"}
    return f"{client.gateway.oauth_url}?{urlencode(query)}"


async def create_token(
    client: Client,
    code: str,
    *,
    redirect_uri: str | None = None,
    is_secure: bool = False,
    verifier: CodeVerifier | None = None,
) -> TokenGrant:
    """Exchange a code (single use) for a token.

    Source: `/auth/token/create`, or `/auth/token/security/create` if `is_secure`; on the old
    gateway its `/token`, which also wants `redirect_uri`. Errors: `CallerFault` (code used,
    expired or unknown), `OutcomeUnknown` (the code is probably spent: start over).
    """
    proof = {"code_verifier": verifier.text} if verifier is not None else {}
    if client.gateway.token_url is not None:
        form = {
            "client_id": client.app.key,
            "client_secret": client.app.secret,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri or "",
            "sp": "ae",
            "state": "",
            "view": "web",
            **proof,
        }
        return await client.exchange(
            CREATE_TOKEN,
            client.gateway.token_url,
            form,
            lambda answer: _grant(answer, client.now()),
        )
    operation = CREATE_TOKEN_SECURELY if is_secure else CREATE_TOKEN
    return await client.call(
        operation, {"code": code, **proof}, None, lambda answer: _grant(answer, client.now())
    )


async def refresh_token(
    client: Client, refresh_token: str, *, is_secure: bool = False
) -> TokenGrant:
    """Exchange a refresh token that is still usable (`TokenGrant.is_refreshable`) for a new grant.

    Source: `/auth/token/refresh`, or `/auth/token/security/refresh` if `is_secure`. Errors:
    `TokenDead` (the seller must agree again), `CallerFault` (among others: the old gateway, whose
    refresh tokens are dead on arrival).
    """
    operation = REFRESH_TOKEN_SECURELY if is_secure else REFRESH_TOKEN
    if client.gateway.token_url is not None:
        raise CallerFault(
            operation.name, "the old gateway refreshes no token", code="not-on-this-gateway"
        )
    return await client.call(
        operation,
        {"refresh_token": refresh_token},
        None,
        lambda answer: _grant(answer, client.now()),
    )


def _grant(answer: Fields, now: datetime) -> TokenGrant:
    expires_at = _end(answer, "expire_time", "expires_in", now)
    if expires_at is None:
        raise Unreadable(f"{answer.path}.expire_time", "the token's end is expected")
    return TokenGrant(
        access_token=answer.text("access_token"),
        expires_at=expires_at,
        seller_id=answer.id("seller_id", "user_id"),
        user_id=answer.find_id("user_id"),
        account=answer.find_text("account", "account_id"),
        account_platform=answer.find_text("account_platform"),
        user_nick=answer.find_text("user_nick"),
        locale=answer.find_text("locale"),
        refresh_token=answer.find_text("refresh_token"),
        refresh_expires_at=_end(answer, "refresh_token_valid_time", "refresh_expires_in", now),
    )


def _end(answer: Fields, moment: str, seconds: str, now: datetime) -> datetime | None:
    """An end given as epoch milliseconds or, failing that, as seconds from now."""
    at = answer.find_integer(moment)
    left = answer.find_integer(seconds)
    try:
        if at is not None and at > 0:
            return datetime.fromtimestamp(at / 1000, UTC)
        return now + timedelta(seconds=left) if left is not None and left > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
