"""A merchant's people work by `channel`; programs read its JSON."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from storyteller import Sold

from stack.run import Stack
from stack.settings import CHECKOUT
from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER

pytestmark = [pytest.mark.xdist_group("stories"), pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


async def channel(system: Stack, *words: str) -> Said:
    """`channel` as somebody else's installation would be asked, by settings alone."""
    addresses = system.addresses
    environment = {
        "CHANNEL_AUTH_URL": system.url(AUTH.name),
        "CHANNEL_CATALOG_URL": system.url(CATALOG.name),
        "CHANNEL_PUBLISHER_URL": system.url(PUBLISHER.name),
        "CHANNEL_ORDERS_URL": system.url(ORDERS.name),
        "CHANNEL_CLIENT_ID": addresses.operator_client_id,
        "CHANNEL_CLIENT_SECRET": addresses.operator_client_secret,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "channel_cli",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
        cwd=CHECKOUT,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    said = Said(process.returncode or 0, out.decode(), err.decode())
    assert addresses.operator_client_secret not in said.out + said.err
    assert "Bearer" not in said.out + said.err
    return said


@pytest.mark.parametrize(
    "words",
    [
        "status --json",
        "shops list --json",
        "shops renew main --json",
        "feeds list --json",
        "feeds check examples/sample/feed.yaml --json",
        "preview --state excluded --json",
        "preview ODD-06",
        "run offer-feed --json",
        "run orders --json",
        "report --json",
        "orders list --json",
        "dead-letters list --json",
        "merchants register newcomer --json",
    ],
)
async def test_what_programs_ask_is_one_json_document(
    system: Stack, sold: Sold, words: str
) -> None:
    said = await channel(system, *words.split())
    assert said.code == 0, said.err
    assert said.document is not None


async def test_the_preview_names_what_is_wrong_as_it_is(system: Stack, sold: Sold) -> None:
    said = await channel(system, "preview", "ODD-06")
    assert [issue["rule"] for issue in said.document["issues"]] == ["M3.9"]
    listed = await channel(system, "preview", "--rule", "M3.9", "--json")
    assert {"ODD-06", "ODD-07", "ODD-08"} == {item["family_id"] for item in listed.document}


async def test_a_paused_feed_says_why_until_it_is_resumed(system: Stack, sold: Sold) -> None:
    paused = await channel(system, "feeds", "pause", "--reason", "stocktaking", "--json")
    assert {item["pause_reason"] for item in paused.document["schedules"]} == {"stocktaking"}
    resumed = await channel(system, "feeds", "resume", "--json")
    assert not any(item["is_paused"] for item in resumed.document["schedules"])


async def test_of_two_plans_the_older_is_refused_and_the_newer_named(
    system: Stack, sold: Sold
) -> None:
    dry_run = ("run", "offer-feed", "--dry-run", "--json")
    older, newer = [(await channel(system, *dry_run)).document["run_id"] for _ in range(2)]
    refused = await channel(system, "run", "confirm", older)
    assert (refused.code, refused.out) == (1, "")
    assert f"/runs/{newer}" in "".join(refused.err.split())
    assert "Next:" in refused.err
    confirmed = await channel(system, "run", "confirm", newer, "--json")
    assert confirmed.document["state"] == "completed"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(
            "orders ship 1 --carrier UPS --tracking-number 1Z", 1, "Next:", id="no-such-order"
        ),
        pytest.param("shops renew nowhere", 1, "Next:", id="no-such-shop"),
        pytest.param("feeds apply README.md", 1, "README.md", id="no-configuration"),
        pytest.param("import examples/sample/products.jsonl", 1, "events", id="not-by-files"),
        pytest.param("orders ship 1", 2, "carrier", id="no-carrier"),
        pytest.param("demo --catalogue README.md", 2, "go together", id="half-a-wish"),
    ],
)
async def test_what_cannot_be_done_ends_with_the_next_step(
    system: Stack, sold: Sold, words: str, code: int, says: str
) -> None:
    said = await channel(system, *words.split())
    assert (said.code, said.out) == (code, "")
    assert says in said.err
