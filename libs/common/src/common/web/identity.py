"""Who calls: a short-lived JWT (EdDSA) of auth-service, verified offline, scoped to a merchant.

Every merchant route is `/v1/merchants/{merchant_id}/...`. A token of one merchant that asks for
another's things is answered as if they did not exist. Tokens without a merchant belong to
operators and to our services; their scopes say what they may.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import httpx2
import jwt
from fastapi import Depends, Path, Request, Security
from fastapi.params import Security as SecurityParameter
from fastapi.security import HTTPBearer

from common import clock
from common.errors import NotFound, Outage, Refusal
from common.outbound.http_client import HttpClient
from common.postgres import audit
from common.postgres.acting import EVERYBODY, act_for

AUDIENCE = "aliexpress-channel"
ISSUER = "auth-service"
OPERATOR = "operator"
"""The scope of operators: every merchant, every route."""
HELD_BY = {"feeds:run": "feeds:write", "orders:ship": "orders:write"}
"""Scopes of daily work, each with the wider scope that holds it."""
PERSON = "person:"
"""The subject of a person's token is this and the person's id; API clients' ids have no colon."""
LEEWAY = timedelta(seconds=30)
REFETCH_AFTER = timedelta(seconds=10)
"""How soon keys are fetched again for a key id that is not among them."""
_IDENTITY = "channel.identity"
_NO_KEYS = "auth-service's keys cannot be fetched"

IDENTIFIER_PATTERN = r"^[A-Za-z0-9._~-]{1,64}$"


class Unauthenticated(Refusal):
    """No valid token came with the request."""

    def __init__(self, title: str) -> None:
        super().__init__(
            title,
            status=401,
            slug="unauthenticated",
            remedy="Ask auth-service for a token (POST /v1/token) and send it as a bearer token.",
        )


class ScopeMissing(Refusal):
    """The token does not allow this."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"this needs the scope {scope}",
            status=403,
            slug="scope-missing",
            remedy="Ask the operator for an API client with that scope.",
        )


@dataclass(frozen=True)
class Identity:
    """Who calls. `merchant_id` is None for operators and services."""

    subject: str
    merchant_id: str | None
    scopes: frozenset[str]
    email: str | None = None
    """A person's address; None for API clients and services."""

    @property
    def name(self) -> str:
        """What people call the caller: a person's address, a client's id."""
        return self.email or self.subject

    @property
    def is_operator(self) -> bool:
        """Whether every merchant and route is open."""
        return OPERATOR in self.scopes

    def may(self, scope: str) -> bool:
        """Whether the token carries this scope or one that holds it, or is an operator's."""
        return (
            scope in self.scopes
            or self.is_operator
            or (scope in HELD_BY and HELD_BY[scope] in self.scopes)
        )


class Verifier:
    """Verifies tokens against auth-service's public keys, which it fetches and keeps.

    Keys are fetched by one request at a time, whose outcome those that wait for it share; and for
    unknown key ids once in `REFETCH_AFTER` at most: tokens with ids that nobody issued would else
    make a request each.
    """

    def __init__(self, jwks_url: str) -> None:
        self._jwks_url = jwks_url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetching = asyncio.Lock()
        self._fetched_at = self._failed_at = -math.inf

    def trust(self, keys: dict[str, jwt.PyJWK]) -> None:
        """Take these keys as known; auth-service trusts its own so."""
        self._keys = keys

    async def has_keys(self) -> bool:
        """Whether tokens can be verified: the keys are known, or can be fetched now."""
        if not self._keys:
            with suppress(Outage):
                await self._fetch_again()
        return bool(self._keys)

    async def verify(self, token: str) -> Identity:
        """Whose token this is. Raises `Unauthenticated`, or `Outage` without the keys."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise Unauthenticated("the bearer token is not a JWT") from None
        if header.get("alg") != "EdDSA":
            raise Unauthenticated("the token's algorithm is not EdDSA")
        key = await self._key(str(header.get("kid", "")))
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"the token is not valid: {error}") from None
        return _identity(claims)

    async def _key(self, key_id: str) -> jwt.PyJWK:
        if key_id not in self._keys:
            await self._fetch_again()
        found = self._keys.get(key_id)
        if found is None:
            raise Unauthenticated("the token is signed with an unknown key")
        return found

    async def _fetch_again(self) -> None:
        asked_at = time.monotonic()
        async with self._fetching:
            if self._failed_at >= asked_at:
                raise Outage(_NO_KEYS)
            if self._keys and asked_at - self._fetched_at < REFETCH_AFTER.total_seconds():
                return
            try:
                await self._fetch()
            except Outage:
                self._failed_at = time.monotonic()
                raise
            self._fetched_at = time.monotonic()

    async def _fetch(self) -> None:
        try:
            async with HttpClient(timeout=5.0) as client:
                response = await client.get(self._jwks_url)
                response.raise_for_status()
                self._keys = {str(key["kid"]): jwt.PyJWK(key) for key in response.json()["keys"]}
        except (httpx2.HTTPError, ValueError, KeyError) as error:
            raise Outage(_NO_KEYS) from error


def _identity(claims: dict[str, Any]) -> Identity:
    # The installation's clock decides, not the system's: the local stack moves it.
    if not isinstance(claims["exp"], int) or clock.now().timestamp() > (
        claims["exp"] + LEEWAY.total_seconds()
    ):
        raise Unauthenticated("the token has expired")
    merchant = claims.get("merchant")
    return Identity(
        str(claims["sub"]),
        str(merchant) if merchant is not None else None,
        frozenset(str(claims.get("scope", "")).split()),
        str(claims["email"]) if "email" in claims else None,
    )


_bearer = HTTPBearer(
    bearerFormat="JWT", scheme_name="token", description="A token of auth-service", auto_error=False
)
"""Says in the OpenAPI document how callers name themselves; `identify` looks at what they send."""


async def identify(request: Request) -> Identity:
    """FastAPI dependency: the caller, found out once a request. The app's state holds the
    `verifier`."""
    known: Identity | None = request.scope.get(_IDENTITY)
    if known is not None:
        return known
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("no bearer token came with the request")
    verifier: Verifier = request.app.state.verifier
    identity = await verifier.verify(token.strip())
    request.scope[_IDENTITY] = identity
    audit.act_as(identity.subject, identity.email)
    return identity


async def _identified(
    request: Request, _documented: Annotated[object, Security(_bearer)]
) -> Identity:
    return await identify(request)


Caller = Annotated[Identity, Depends(_identified)]


def act_as(caller: Identity, merchant_id: str, scope: str) -> None:
    """Let the request see the merchant's rows, if the caller may act for it with this scope.

    A foreign merchant is answered like one that does not exist. Raises `NotFound`, `ScopeMissing`.
    """
    if caller.merchant_id is None and not caller.may(scope):
        raise ScopeMissing(scope)
    if caller.merchant_id is not None and caller.merchant_id != merchant_id:
        raise NotFound("merchant")
    if not caller.may(scope):
        raise ScopeMissing(scope)
    act_for(merchant_id)


def merchant_with(scope: str) -> SecurityParameter:
    """FastAPI dependency: the path's merchant, if the caller may act for it with this scope
    (`act_as`), which the OpenAPI document names."""

    async def scoped_merchant(
        caller: Caller, merchant_id: Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]
    ) -> str:
        act_as(caller, merchant_id, scope)
        return merchant_id

    return _needing(scope, scoped_merchant)


async def for_everybody() -> None:
    """FastAPI dependency of a route that anyone may call and that looks among all merchants' rows,
    by a secret that came with the request."""
    act_for(EVERYBODY)


def caller_with(scope: str) -> SecurityParameter:
    """FastAPI dependency: a caller that is not bound to a merchant and has this scope.

    From here on the request sees the rows of all merchants.
    """

    async def scoped_caller(caller: Caller) -> Identity:
        if caller.merchant_id is not None or not caller.may(scope):
            raise ScopeMissing(scope)
        act_for(EVERYBODY)
        return caller

    return _needing(scope, scoped_caller)


def _needing(scope: str, dependency: Callable[..., Coroutine[Any, Any, Any]]) -> SecurityParameter:
    needed: SecurityParameter = Security(dependency, scopes=[scope])
    return needed
