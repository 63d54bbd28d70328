"""Query parameters: what a route does not have is refused, wherever its parameters are declared."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from common.web.pagination import Limit
from common.web.parameters import Instant, known_parameters_only
from common.web.problem import ProblemApp


class Model(BaseModel):
    reason: str | None = None
    source: str | None = Field(default=None, alias="from")


def dependency(shop: str | None = None) -> str | None:
    return shop


router = APIRouter()


@router.get("/plain/{name}")
async def plain(name: str, at: Instant | None = None, limit: Limit = 1) -> list[str]:
    return [name, str(at), str(limit)]


@router.get("/model")
async def model(query: Annotated[Model, Query()]) -> Model:
    return query


@router.get("/dependency")
async def with_dependency(shop: Annotated[str | None, Depends(dependency)]) -> str | None:
    return shop


@router.get("/none")
async def none() -> None:
    return None


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    app = ProblemApp()
    app.include_router(router, dependencies=[known_parameters_only])
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://parameters.test"
    ) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/plain/a?at=2026-11-26T12:30:00Z&limit=2",
        "/plain/a",
        "/model?reason=x&from=y",
        "/dependency?shop=x",
        "/none",
    ],
)
async def test_parameters_that_a_route_has_are_taken(http: httpx2.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("path", "field", "remedy"),
    [
        ("/plain/a?name=b", "name", "Its parameters are at, limit."),
        ("/plain/a?limt=2", "limt", "Did you mean limit? Its parameters are at, limit."),
        ("/plain/a?limit=2&x", "x", "Its parameters are at, limit."),
        ("/plain/a?LIMIT=2", "LIMIT", "Its parameters are at, limit."),
        ("/model?source=y", "source", "Its parameters are from, reason."),
        ("/dependency?shop=x&other=", "other", "Its parameters are shop."),
        ("/none?a=1", "a", "It has none."),
        ("/none?" + "a" * 5_000, "a" * 100, "It has none."),
        ("/none?%00", "\x00", "It has none."),
    ],
)
async def test_another_parameter_is_refused_with_those_there_are(
    http: httpx2.AsyncClient, path: str, field: str, remedy: str
) -> None:
    answer = await http.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["type"][-17:]) == (422, "unknown-parameter")
    assert (problem["field"], problem["remedy"]) == (field, remedy)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-26T12:30:00Z", datetime(2026, 11, 26, 12, 30, tzinfo=UTC)),
        ("2026-11-26T12:30:00.5%2B01:30", datetime(2026, 11, 26, 11, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-26T12:30+00:00", datetime(2026, 11, 26, 12, 30, tzinfo=UTC)),
        ("2026-11-26T00:30-08:00", datetime(2026, 11, 26, 8, 30, tzinfo=UTC)),
    ],
)
async def test_a_time_is_read_as_utc(http: httpx2.AsyncClient, text: str, time: datetime) -> None:
    assert (await http.get(f"/plain/a?at={text}")).json()[1] == str(time)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-26",
        "2026-11-26T12:30:00",
        "2026-11-26 12:30:00Z",
        "26.11.2026",
        "1764160200",
        "1e9",
        "0",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-11-26T12:30:00%2B99:00",
        "2026-11-26T12:30:00.1234567Z",
        "２０２６-11-26T12:30:00Z",
        "2026-11-26T12:30:00Z%0a",
    ],
)
async def test_what_is_no_time_is_refused_with_an_example(
    http: httpx2.AsyncClient, text: str
) -> None:
    answer = await http.get(f"/plain/a?at={text}")
    assert (answer.status_code, answer.json()["field"]) == (422, "at")
    assert "2026-11-26T12:30:00Z" in answer.json()["errors"][0]["message"]
