from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from stack.run import Stack
from stack.system import AUTH
from stack.testing import StartSystem

from ..stories.sample import bring_online, part_of, sample_of, sample_session
from .known import gather_known


@dataclass(frozen=True)
class Target:
    """A running system, parameters that name what is there, and a token for every route."""

    system: Stack
    known: dict[str, str]
    token: str


@pytest.fixture(scope="package")
async def target(
    start_system: StartSystem, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    """A system that nobody else uses: what is sent to it may change or delete anything."""
    async with start_system() as system, sample_session(system) as session:
        await bring_online(session, part_of(sample_of(system), "BLS", "TSH"))
        known = await gather_known(session, tmp_path_factory.mktemp("files"))
        yield Target(system, known, await operator_token(system))


async def operator_token(system: Stack) -> str:
    """A token that opens every route."""
    grant = {
        "grant_type": "client_credentials",
        "client_id": system.addresses.operator_client_id,
        "client_secret": system.addresses.operator_client_secret,
    }
    async with httpx2.AsyncClient(base_url=system.url(AUTH.name)) as http:
        answer = await http.post("/v1/token", data=grant)
    return str(answer.raise_for_status().json()["access_token"])
