"""What keeps a run of the tests cheap: stores in memory, validators built when they are needed."""

from pathlib import Path
from typing import Annotated

import httpx2
import pytest
from fastapi import FastAPI, Query

from stack.testing import stores
from stack.testing.deferred_fields import defer_validators

BOUNDED = Query(ge=1, description="How many.")


def test_stores_lie_in_memory_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(stores, "MEMORY", tmp_path)
    monkeypatch.setattr(stores, "MEMORY_NEEDED", 1)
    assert stores.ground_of_stores() == tmp_path

    monkeypatch.setattr(stores, "MEMORY_NEEDED", 2**80)
    assert stores.ground_of_stores() is None


def test_stores_lie_elsewhere_without_memory_or_where_a_place_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(stores, "MEMORY_NEEDED", 1)
    monkeypatch.setattr(stores, "MEMORY", tmp_path / "is-not-here")
    assert stores.ground_of_stores() is None

    monkeypatch.setattr(stores, "MEMORY", tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert stores.ground_of_stores() is None


async def test_a_deferred_validator_is_the_one_fastapi_would_have_built() -> None:
    defer_validators()
    app = FastAPI()

    @app.get("/")
    def answer(count: Annotated[int, BOUNDED], place: Annotated[str | None, Query()] = None) -> int:
        return count

    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://app") as client:
        assert (await client.get("/", params={"count": "7"})).json() == 7
        refused = await client.get("/", params={"count": "0"})
        described = (await client.get("/openapi.json")).json()

    assert refused.status_code == 422
    assert refused.json()["detail"][0]["type"] == "greater_than_equal"
    count, _ = described["paths"]["/"]["get"]["parameters"]
    assert count["schema"] == {
        "type": "integer",
        "minimum": 1,
        "description": "How many.",
        "title": "Count",
    }
