"""For whom a request and a job act on the database: fail closed, and never for the one before."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import asyncpg
import httpx2
import pytest
from fastapi import Depends

from common.postgres.acting import EVERYBODY, NOBODY, acting_for, current_merchant
from common.postgres.migrate import BACKBONE_VERSIONS, backbone_statements
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.door import Door
from common.web.identity import OPERATOR, Verifier, caller_with, for_everybody, merchant_with
from common.web.problem import ProblemApp
from stack.testing import NewDatabase

from .test_common_identity import KEY, as_, jwk, token

BOTH = ["m1", "m2"]


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    for version in BACKBONE_VERSIONS:
        for statement in backbone_statements(version):
            await connection.execute(statement)
    await connection.execute(
        "INSERT INTO schedule (kind, merchant_id, subject, every_seconds, next_due_at)"
        " SELECT 'test', m, 'main', 60, '-infinity' FROM unnest($1::text[]) AS m",
        BOTH,
    )
    await connection.close()


@pytest.fixture
async def pool(database: NewDatabase) -> AsyncIterator[Pool]:
    """One connection, so that each acquires what another has just released."""
    opened = await open_pool(await database(prepare), max_size=1)
    yield opened
    await opened.close()


async def merchants(pool: Pool) -> list[str]:
    """Whose rows a query finds that names no merchant."""
    async with reading(pool) as connection:
        rows = await connection.fetch("SELECT merchant_id FROM schedule ORDER BY merchant_id")
    return [row["merchant_id"] for row in rows]


@pytest.fixture
async def http(pool: Pool) -> AsyncIterator[httpx2.AsyncClient]:
    app = ProblemApp()
    app.add_middleware(Door, public=[])
    app.state.verifier = Verifier("http://127.0.0.1:1/never-asked")
    app.state.verifier.trust({"k1": jwk(KEY, "k1")})

    @app.get("/v1/forgotten")
    async def forgotten() -> list[str]:
        return await merchants(pool)

    @app.get("/v1/everybody", dependencies=[Depends(for_everybody)])
    async def everybody() -> list[str]:
        return await merchants(pool)

    @app.get("/v1/operators", dependencies=[caller_with(OPERATOR)])
    async def operators() -> list[str]:
        return await merchants(pool)

    @app.get("/v1/merchants/{merchant_id}/rows")
    async def rows(merchant_id: Annotated[str, merchant_with("x:read")]) -> list[str]:
        return await merchants(pool)

    @app.get("/v1/merchants/{merchant_id}/background")
    async def background(
        merchant_id: Annotated[str, merchant_with("x:read")],
    ) -> list[str]:
        return await asyncio.create_task(merchants(pool))

    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/v1/forgotten", []),
        ("/v1/everybody", BOTH),
        ("/v1/operators", BOTH),
        ("/v1/merchants/m1/rows", ["m1"]),
        ("/v1/merchants/m2/background", ["m2"]),
    ],
)
async def test_a_query_without_a_condition_finds_what_its_request_may_see(
    http: httpx2.AsyncClient, pool: Pool, path: str, seen: list[str]
) -> None:
    operator = as_(token(scope=OPERATOR, without="merchant"))
    for _ in range(2):
        assert (await http.get(path, headers=operator)).json() == seen
        assert await merchants(pool) == BOTH  # a job, on the same connection


async def test_requests_at_the_same_time_do_not_act_for_each_other(
    http: httpx2.AsyncClient,
) -> None:
    operator = as_(token(scope=OPERATOR, without="merchant"))
    names = BOTH * 20
    answers = await asyncio.gather(
        *(http.get(f"/v1/merchants/{name}/rows", headers=operator) for name in names)
    )
    assert [answer.json() for answer in answers] == [[name] for name in names]


async def test_whoever_says_nothing_acts_for_everybody_until_a_block_says_otherwise(
    pool: Pool,
) -> None:
    assert current_merchant() == EVERYBODY
    for merchant_id, seen in {"m1": ["m1"], NOBODY: [], "m3": []}.items():
        with acting_for(merchant_id):
            assert await merchants(pool) == seen
    assert await merchants(pool) == BOTH


async def test_a_merchant_changes_no_other_merchants_rows(pool: Pool) -> None:
    with acting_for("m1"):
        async with unit_of_work(pool) as connection:
            assert await connection.execute("UPDATE schedule SET is_paused = true") == "UPDATE 1"
            assert await connection.execute("DELETE FROM schedule") == "DELETE 1"
    assert await merchants(pool) == ["m2"]
