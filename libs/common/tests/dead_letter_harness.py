"""A running consumer and the REST over its dead letters, as a merchant and an operator call it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from common import clock
from common.contracts.envelope import encode
from common.messaging.replay import Replayer
from common.web.dead_letters import READ, WRITE, dead_letter_router
from common.web.door import Door
from common.web.identity import OPERATOR, Verifier
from common.web.problem import ProblemApp
from common.web.quarantines import quarantine_router
from stack.testing import eventually

from .backbone_harness import Harness, product
from .test_common_identity import KEY, as_, jwk, token

GROUP = "test.sources"
M1 = "/v1/merchants/m1/dead-letters"
# They are made when tests are collected, and must outlast the longest run.
_AT_NIGHT = int((clock.now() + timedelta(hours=12)).timestamp())
MERCHANT = as_(token(scope=f"{READ} {WRITE}", sub="erp-of-m1", exp=_AT_NIGHT))
OPERATORS = as_(token(scope=OPERATOR, without="merchant", sub="ops", exp=_AT_NIGHT))


@dataclass
class DeadLetters:
    """A running consumer, and the REST of its service as a merchant or an operator calls it."""

    harness: Harness
    replayer: Replayer
    http: httpx2.AsyncClient

    async def get(self, path: str, who: dict[str, str] = MERCHANT, **query: Any) -> Any:
        answer = await self.http.get(path, params=query, headers=who)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, who: dict[str, str] = MERCHANT, **body: Any) -> Any:
        answer = await self.http.post(path, json=body, headers=who)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ids(self, **query: Any) -> list[int]:
        """The open dead letters, by rising id."""
        page = await self.get("/v1/dead-letters", OPERATORS, limit=200, **query)
        return [item["id"] for item in page["items"]]

    async def broken(self, *products: str, merchant: str = "m1") -> list[int]:
        """The dead letters of these products: the database refuses them until `accept_all`."""
        before = await self.harness.count("dead_letter")
        await self.refuse("product_id LIKE 'x%'")
        await self.harness.send(*(product(name, merchant=merchant) for name in products))
        await eventually(self.harness.table_has("dead_letter", before + len(products)))
        rows = await self.harness.fetch("SELECT id, key FROM dead_letter")
        by_name = {row["key"].decode().rpartition("/")[2]: row["id"] for row in rows}
        return [by_name[name] for name in products]

    async def refuse(self, which: str) -> None:
        """From now on, the database refuses these products."""
        await self.harness.execute_as_owner(
            f"ALTER TABLE seen ADD CONSTRAINT broken CHECK (NOT {which}) NOT VALID"
        )

    async def accept_all(self) -> None:
        await self.harness.execute_as_owner("ALTER TABLE seen DROP CONSTRAINT broken")

    async def unreadable(self, key: str) -> int:
        """A dead letter that only an edit corrects."""
        before = await self.harness.count("dead_letter")
        await self.harness.send_raw(b"{not json", key.encode())
        await eventually(self.harness.table_has("dead_letter", before + 1))
        return int(await self.harness.pool.fetchval("SELECT max(id) FROM dead_letter"))

    async def state(self, letter_id: int) -> tuple[str, str]:
        row = await self.harness.pool.fetchrow(
            "SELECT state, reason FROM dead_letter WHERE id = $1", letter_id
        )
        assert row is not None
        return row["state"], row["reason"]

    async def seen(self) -> set[str]:
        return {
            row["product_id"] for row in await self.harness.fetch("SELECT product_id FROM seen")
        }


@pytest.fixture
async def dead_letters(harness: Harness) -> AsyncIterator[DeadLetters]:
    consumer = harness.consumer()
    consumer.start()
    replayer = Replayer(harness.pool, [consumer.applier])
    app = ProblemApp()
    app.add_middleware(Door, public=[])
    app.state.verifier = Verifier("http://127.0.0.1:1/never-asked")
    app.state.verifier.trust({"k1": jwk(KEY, "k1")})
    app.include_router(dead_letter_router(harness.pool, replayer))
    app.include_router(quarantine_router(harness.pool))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as http:
        yield DeadLetters(harness, replayer, http)


def data(product_id: str, catalogue: str = "main") -> str:
    """What a producer should have sent."""
    return encode(product(product_id, catalogue=catalogue), source="/x").value.decode()
