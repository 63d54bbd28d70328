"""Producers' keys, asked of auth-service by id and kept in memory alone (decision 18)."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from pydantic import SecretStr

from common.auth_client import AuthClient, read_answer
from common.contracts.signature import ProducerKey
from common.errors import Outage

ASKED_AGAIN_AFTER = timedelta(minutes=1)
"""How long a deleted key goes on working at most, while auth-service answers."""
UNKNOWN_ASKED_AGAIN_AFTER = timedelta(seconds=10)
USED_WITHOUT_ANSWER_FOR = timedelta(minutes=10)
"""How long a known key is used while auth-service does not answer."""
KEPT_AT_MOST = 20_000
ASKED_AT_ONCE = 1_000


@dataclass(frozen=True)
class MerchantKey:
    """A live key and the merchant it signs for."""

    merchant_id: str
    key: ProducerKey


@dataclass(frozen=True)
class _Answer:
    found: MerchantKey | None = None
    asked_at: float = -math.inf

    def is_younger_than(self, age: timedelta) -> bool:
        return time.monotonic() - self.asked_at < age.total_seconds()

    @property
    def is_fresh(self) -> bool:
        return self.is_younger_than(
            ASKED_AGAIN_AFTER if self.found is not None else UNKNOWN_ASKED_AGAIN_AFTER
        )

    @property
    def is_usable(self) -> bool:
        return self.found is not None and self.is_younger_than(USED_WITHOUT_ANSWER_FOR)


_NEVER_ASKED = _Answer()


class _OpenedKey(msgspec.Struct):
    merchant_id: str
    signing_key: str


class _OpenedKeys(msgspec.Struct):
    keys: list[_OpenedKey]


class ProducerKeys:
    """Finds keys by id, in sets. Close it with `aclose`.

    An id that is not known is asked once in ten seconds. No key is there before it was made, so
    what was not known a moment ago was signed with no key of ours.
    """

    def __init__(self, auth_url: str, client_id: str, client_secret: SecretStr) -> None:
        self._auth = AuthClient(auth_url, client_id, client_secret)
        self._answers: dict[str, _Answer] = {}

    async def find(self, key_ids: Iterable[str]) -> dict[str, MerchantKey]:
        """The live ones among these keys. Raises `Outage` when auth-service must be asked and does
        not answer."""
        wanted = set(key_ids)
        stale = sorted(key_id for key_id in wanted if not self._answer(key_id).is_fresh)
        try:
            for start in range(0, len(stale), ASKED_AT_ONCE):
                await self._ask(stale[start : start + ASKED_AT_ONCE])
        except Outage:
            if not all(self._answer(key_id).is_usable for key_id in stale):
                raise
        found = {key_id: self._answer(key_id).found for key_id in wanted}
        return {key_id: key for key_id, key in found.items() if key is not None}

    async def aclose(self) -> None:
        """Close the connections to auth-service."""
        await self._auth.aclose()

    def _answer(self, key_id: str) -> _Answer:
        return self._answers.get(key_id, _NEVER_ASKED)

    async def _ask(self, key_ids: Sequence[str]) -> None:
        asked_at = time.monotonic()
        answer = await self._auth.request(
            "POST", "/internal/v1/producer-keys/lookup", {"key_ids": key_ids}
        )
        opened = read_answer(answer, _OpenedKeys).keys
        live = [MerchantKey(k.merchant_id, ProducerKey.parse(k.signing_key)) for k in opened]
        by_id = {found.key.key_id: found for found in live}
        if len(self._answers) > KEPT_AT_MOST:
            self._answers = {k: a for k, a in self._answers.items() if a.is_fresh and a.found}
        self._answers |= {key_id: _Answer(by_id.get(key_id), asked_at) for key_id in key_ids}
