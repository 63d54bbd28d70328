"""Passwords: what is taken for one, and how it is hashed (argon2id, RFC 9106), in few threads."""

import asyncio
import base64
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from common.errors import Outage, Refusal

R = TypeVar("R")

SHORTEST, LONGEST = 12, 1_000
AT_ONCE = 2
"""Passwords hashed at once by a process: each takes its memory and a core for as long."""
WAITING = 100
"""Passwords that may wait for that; more are answered 503."""
_COME_AGAIN = timedelta(seconds=5)


class PasswordUnfit(Refusal):
    """The password is not taken for one."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(
            f"the password {why}",
            status=422,
            slug="password-unfit",
            field="password",
            remedy=remedy,
        )


def require_good_password(password: str, email: str) -> None:
    """Raises `PasswordUnfit`. Length is what counts (NIST SP 800-63B, 5.1.1.2): no kinds of
    characters are asked for."""
    if len(password) < SHORTEST:
        raise PasswordUnfit(
            f"has fewer than {SHORTEST} characters", "Choose a longer one: a few words do."
        )
    if len(password) > LONGEST:
        raise PasswordUnfit(f"has more than {LONGEST} characters", "Choose a shorter one.")
    plain = _normal(password).casefold().strip()
    if plain in {email, email.partition("@")[0]} or len(set(plain)) < 4:
        raise PasswordUnfit(
            "is the e-mail address, or hardly more than one character",
            "Choose a few words that nobody would think of.",
        )


@dataclass(frozen=True)
class Verdict:
    """Whether the password is right; `needs_rehash`: its hash was made by other parameters."""

    is_right: bool
    needs_rehash: bool


@dataclass(frozen=True)
class Cost:
    """What a hash costs: kibibytes of memory, passes over them, lanes."""

    memory_kib: int = RFC_9106_LOW_MEMORY.memory_cost
    passes: int = RFC_9106_LOW_MEMORY.time_cost
    lanes: int = RFC_9106_LOW_MEMORY.parallelism


class Passwords:
    """Hashes and verifies, `AT_ONCE` at a time; close it at the end."""

    def __init__(self, cost: Cost) -> None:
        self._hasher = PasswordHasher(cost.passes, cost.memory_kib, cost.lanes)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._waiting = 0
        self._nobodys = _hash_of_no_password(cost)

    def close(self) -> None:
        """Begin nothing any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """What is stored of it. Raises `Outage` when too many wait."""
        return await self._apart(partial(self._hasher.hash, _normal(password)))

    async def verify(self, stored: str | None, password: str) -> Verdict:
        """Whether the stored hash is this password's; without one the same work is done, and it is
        not. Raises `Outage` when too many wait."""
        compared = stored or self._nobodys
        is_right = await self._apart(
            partial(_is_hash_of, self._hasher, compared, _normal(password))
        )
        if stored is None or not is_right:
            return Verdict(is_right=False, needs_rehash=False)
        return Verdict(is_right=True, needs_rehash=self._hasher.check_needs_rehash(stored))

    async def _apart(self, work: Callable[[], R]) -> R:
        if self._waiting >= WAITING:
            raise Outage("too many people sign in at once", retry_after=_COME_AGAIN)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _is_hash_of(hasher: PasswordHasher, stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """The same text however a keyboard composes it (RFC 8265, 4.2)."""
    return unicodedata.normalize("NFC", password)


def _hash_of_no_password(cost: Cost) -> str:
    """As made of a password, of the same cost, and no password's."""
    salt, digest = (base64.b64encode(os.urandom(n)).rstrip(b"=").decode() for n in (16, 32))
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"
