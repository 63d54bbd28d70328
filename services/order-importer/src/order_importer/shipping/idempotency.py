"""Idempotency keys: what is asked for again under its key is not done again (M8.4)."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol, TypeVar

import asyncpg
from fastapi import Header

from common.errors import Refusal
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading


class Made(Protocol):
    """What was made under a key, with the fingerprint of the request that asked for it."""

    @property
    def request_fingerprint(self) -> bytes:
        """Equal for equal requests."""
        ...


M = TypeVar("M", bound=Made)
Find = Callable[[Connection], Awaitable[M | None]]
"""Finds what was made under the key. Raises `KeyUsed` where that was for another request."""

IdempotencyKey = Annotated[str | None, Header(max_length=128)]


class KeyMissing(Refusal):
    """Without a key a repeated request could ship twice."""

    def __init__(self) -> None:
        super().__init__(
            "the header Idempotency-Key is missing",
            status=400,
            slug="idempotency-key-missing",
            field="Idempotency-Key",
            rule="M8.4",
            remedy="Send a key of your own for each parcel, and the same key when you repeat.",
        )


class KeyUsed(Refusal):
    """The idempotency key stands for another request."""

    def __init__(self) -> None:
        super().__init__(
            "this idempotency key was used for another request",
            status=422,
            slug="idempotency-key-used",
            field="Idempotency-Key",
            rule="M8.4",
            remedy="Repeat a request unchanged under its key; another parcel needs its own.",
        )


def require_key(key: str | None) -> str:
    """The key. Raises `KeyMissing`."""
    if not key:
        raise KeyMissing
    return key


def same_request(before: M | None, fingerprint: bytes) -> M | None:
    """What was made under the key. Raises `KeyUsed` where that was for another request."""
    if before is not None and before.request_fingerprint != fingerprint:
        raise KeyUsed
    return before


async def once_per_key(
    pool: Pool, find: Find[M], make: Callable[[], Awaitable[M]], *, constraint: str
) -> M:
    """What was made before under the key, else what `make` makes; `constraint` holds keys unique.

    Raises what `find` and `make` raise. A refusal counts only where nothing was made under the key
    meanwhile: the same request, made at once, took what this one is refused for.
    """
    try:
        before = await _find(pool, find)
        return await _make(make, constraint) if before is None else before
    except Refusal:
        before = await _find(pool, find)
        if before is None:
            raise
        return before


async def _find(pool: Pool, find: Find[M]) -> M | None:
    async with reading(pool) as connection:
        return await find(connection)


async def _make(make: Callable[[], Awaitable[M]], constraint: str) -> M:
    try:
        return await make()
    except asyncpg.UniqueViolationError as taken:
        if taken.constraint_name == constraint:
            raise KeyUsed from taken
        raise
