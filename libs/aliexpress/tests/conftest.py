"""A client whose transport gives recorded answers; everything but the network is real."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from aliexpress.client import Client
from aliexpress.gateway import Gateway, new_gateway
from aliexpress.limits import BucketLimiter, Limits
from aliexpress.memory_limits import MemoryBuckets
from aliexpress.operation import AccessToken, AppCredentials
from aliexpress.transport import AnswerLost, NotSent, Reply

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Recorded:
    """`Transport` that plays one answer, or one failure, and keeps what was sent."""

    def __init__(self, answer: Reply | NotSent | AnswerLost) -> None:
        self.answer = answer
        self.url = ""
        self.fields: dict[str, str] = {}
        self.files: dict[str, bytes] = {}

    async def post(self, url: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Reply:
        self.url, self.fields, self.files = url, dict(fields), dict(files)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self) -> None:
        pass


class Answering(Client):
    """A client that knows the transport it plays from."""

    recorded: Recorded


def as_reply(answer: Any, status: int = 200) -> Reply:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    return Reply(status, body)


@pytest.fixture(scope="session")
def answering() -> Callable[..., Answering]:
    def build(
        answer: Any,
        *,
        status: int = 200,
        gateway: Gateway | None = None,
        limiter: Any = None,
        is_simplified: bool = False,
    ) -> Answering:
        is_failure = isinstance(answer, NotSent | AnswerLost)
        recorded = Recorded(answer if is_failure else as_reply(answer, status))
        client = Answering(
            AppCredentials("500100", "helloworld"),
            gateway or new_gateway("https://gateway.test"),
            recorded,
            limiter or BucketLimiter(MemoryBuckets(), Limits({}, {}), now=lambda: NOW),
            is_simplified=is_simplified,
            now=lambda: NOW,
        )
        client.recorded = recorded
        return client

    return build


@pytest.fixture(scope="session")
def token() -> AccessToken:
    return AccessToken("2200100001", "canary-token")
