"""Idempotency keys: what is asked for again under its key is not done again (M8.4)."""

from typing import Annotated

from fastapi import Header

from common.errors import Refusal

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
