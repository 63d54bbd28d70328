"""An operator's day with dead letters, quarantines and the park, by `channel` and over REST."""

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from channel_cli.client import Channel
from channel_cli.session import Problem, open_session
from channel_cli.settings import CATALOG, Access
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import encode
from stack.run import Stack
from stack.system import CATALOG as CATALOG_SERVICE
from stack.testing import Programs, Result, eventually

from ..command_line import ChannelCommand

GROUP = "catalog-service.sources"
SOURCE = "/careless"


@dataclass(frozen=True)
class Seller:
    """A merchant of this story's own, its catalogue `main`, and the operator who looks after it."""

    system: Stack
    command: ChannelCommand
    operator: Channel
    name: str

    async def channel(self, *words: str, **environment: str) -> Result:
        """`channel` for this seller."""
        return await self.command(*words, CHANNEL_MERCHANT=self.name, **environment)

    def product(self, name: str, catalogue: str = "main", version: int = 1) -> CatalogUpdated:
        return CatalogUpdated(
            merchant_id=self.name,
            catalogue_id=catalogue,
            product_id=name,
            action="upsert",
            version=version,
            fields={"title": "A product among others"},
        )

    def data(self, name: str, catalogue: str = "main") -> str:
        """What should have been sent of it."""
        return encode(self.product(name, catalogue), source=SOURCE).value.decode()

    async def send(self, *names: str, value: bytes | None = None, catalogue: str = "main") -> None:
        """Records of these products, with `value` in place of their data if given."""
        async with AIOKafkaProducer(
            bootstrap_servers=self.system.addresses.kafka_bootstrap
        ) as producer:
            for name in names:
                record = encode(self.product(name, catalogue), source=SOURCE)
                await producer.send(
                    self.system.addresses.topic_prefix + record.topic,
                    record.value if value is None else value,
                    record.key,
                    headers=record.headers,
                )

    async def spoil(self, *names: str, catalogue: str = "main") -> list[int]:
        """Dead letters of these products: their data was cut short."""
        before = {letter.id async for letter in self.letters("all")}
        await self.send(*names, value=b'{"merchant_id": ', catalogue=catalogue)

        async def are_kept() -> bool:
            return len([0 async for _ in self.letters("all")]) == len(before) + len(names)

        await eventually(are_kept, within=30)
        by_name = {
            (letter.key or "").rpartition("/")[2]: letter.id
            async for letter in self.letters("all")
            if letter.id not in before
        }
        return [by_name[name] for name in names]

    def letters(self, state: str) -> AsyncIterator[Any]:
        return self.operator.dead_letters(CATALOG, self.name, {"state": state})

    async def state(self, letter_id: int) -> str:
        return (await self.operator.dead_letter(CATALOG, self.name, letter_id)).state

    async def products(self, catalogue: str = "main") -> set[str]:
        return {
            product.product_id
            async for product in self.operator.source_products(self.name, catalogue)
        }


@pytest.fixture
async def seller(channel: ChannelCommand, system: Stack) -> AsyncIterator[Seller]:
    name = f"m{uuid4().hex[:8]}"
    async with open_session(Access.of_stack(system.addresses)) as session:
        operator = Channel(session)
        await operator.register_merchant(name, name="Careless", is_eligible=True)
        await operator.register_catalogue(name, "main", versioning="explicit", fed_by="events")
        yield Seller(system, channel, operator, name)


async def test_a_dead_letter_is_found_shown_corrected_from_a_file_and_replayed(
    seller: Seller, tmp_path: Path
) -> None:
    [letter] = await seller.spoil("P-1")
    listed = await seller.channel("dead-letters", "list", "--json")
    assert [
        (row["service"], row["letter"]["id"], row["letter"]["reason"]) for row in listed.document
    ] == [(CATALOG, letter, "not-json")]
    shown = await seller.channel("dead-letters", "show", str(letter))
    assert shown.code == 0
    assert "Send the data as JSON" in " ".join(shown.out.split())
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({"merchant_id": seller.name}))
    still = await seller.channel("dead-letters", "edit", str(letter), "--value", str(bad), "--json")
    assert (still.code, still.document["outcome"]["reason"]) == (1, "wrong-shape")
    whole = (await seller.channel("dead-letters", "show", str(letter), "--json")).document["letter"]
    assert (whole["state"], whole["reason"], whole["attempts"]) == ("open", "wrong-shape", 2)
    assert whole["value"] == '{"merchant_id": '
    good = tmp_path / "good.json"
    good.write_text(seller.data("P-1"))
    done = await seller.channel("dead-letters", "edit", str(letter), "--value", str(good))
    assert done.code == 0, done.err
    assert "taken" in done.out
    assert await seller.products() == {"P-1"}
    audited = (await seller.channel("dead-letters", "show", str(letter), "--json")).document[
        "letter"
    ]
    assert [(entry["action"], entry["actor"], entry["outcome"]) for entry in audited["audit"]] == [
        ("replay-edited", "channel-cli", "rejected: wrong-shape"),
        ("replay-edited", "channel-cli", "taken"),
    ]
    again = await seller.channel("dead-letters", "edit", str(letter), "--value", str(good))
    assert (again.code, again.out) == (1, "")
    assert "was replayed before" in again.err
    assert "Next:" in again.err


EDITOR = """
import pathlib, sys
file = pathlib.Path(sys.argv[-1])
file.write_text(file.read_text().replace({old!r}, {new!r}))
"""


async def test_without_a_file_the_value_opens_in_the_editor(seller: Seller, tmp_path: Path) -> None:
    [letter] = await seller.spoil("P-1")
    number = str(letter)
    script = tmp_path / "editor.py"
    editor = {"EDITOR": f"{sys.executable} {script}", "TMPDIR": str(tmp_path)}
    script.write_text(EDITOR.format(old="nothing", new=""))
    same = await seller.channel("dead-letters", "edit", number, **editor)
    assert (same.code, "nothing was changed" in same.err) == (1, True)
    script.write_text(EDITOR.format(old="merchant_id", new="merchant"))
    worse = await seller.channel("dead-letters", "edit", number, **editor)
    assert (worse.code, "not-json" in worse.out) == (1, True)
    [kept] = tmp_path.glob("channel-dead-letter-*")
    assert kept.read_text() == '{"merchant": '
    assert str(kept) in "".join(worse.err.split("\n"))
    kept.unlink()
    whole = json.dumps(json.loads(seller.data("P-1")), indent=2)
    script.write_text(EDITOR.format(old='{"merchant_id": ', new=whole))
    done = await seller.channel("dead-letters", "edit", number, "--json", **editor)
    assert (done.code, done.document["outcome"]["outcome"]) == (0, "taken"), done.err
    assert not list(tmp_path.glob("channel-dead-letter-*"))
    assert await seller.products() == {"P-1"}
    nobody = await seller.channel(
        "dead-letters", "edit", str((await seller.spoil("P-2"))[0]), EDITOR="", VISUAL=""
    )
    assert (nobody.code, "--value FILE" in "".join(nobody.err.split("\n"))) == (1, True)


async def test_in_bulk_what_can_be_replayed_is_and_the_rest_shows_why(
    seller: Seller,
) -> None:
    """A catalogue that was missing for longer than records are parked."""
    await seller.send("L-1", "L-2", "L-3", catalogue="late")
    waits = f"catalogue:{seller.name}/late"

    async def are_parked() -> bool:
        return [wait.parked async for wait in seller.operator.parked(CATALOG, seller.name)] == [3]

    await eventually(are_parked, within=30)
    listed = await seller.channel("parked", "list", "--json")
    assert [(row["waits_for"], row["parked"]) for row in listed.document] == [(waits, 3)]
    connection = await asyncpg.connect(seller.system.database_url(CATALOG))
    await connection.execute(
        "UPDATE parked_event SET parked_at = parked_at - interval '8 days' WHERE merchant_id = $1",
        seller.name,
    )
    await connection.close()

    async def have_expired() -> bool:
        return len([0 async for _ in seller.letters("open")]) == 3

    await eventually(have_expired, within=30)
    [broken] = await seller.spoil("P-1")
    await seller.operator.register_catalogue(
        seller.name, "late", versioning="explicit", fed_by="events"
    )
    dry = await seller.channel(
        "dead-letters", "replay", "--reason", "parked-too-long", "--dry-run", "--json"
    )
    assert dry.code == 0, dry.err
    assert (dry.document["found"], dry.document["counts"]) == (3, {"open": 3})
    assert "Nothing was touched" in dry.err
    assert await seller.products("late") == set()
    done = await seller.channel("dead-letters", "replay", "--all", "--json")
    assert (done.code, done.document["counts"]) == (1, {"taken": 3, "rejected": 1})
    [rejected] = [item for item in done.document["outcomes"] if item["outcome"] == "rejected"]
    assert (rejected["id"], rejected["reason"]) == (broken, "not-json")
    assert await seller.products("late") == {"L-1", "L-2", "L-3"}
    gone = await seller.channel("dead-letters", "discard", "--all", "--why", "sold out")
    assert (gone.code, "discarded" in gone.out) == (0, True), gone.err
    assert await seller.state(broken) == "discarded"
    none = await seller.channel("dead-letters", "replay", "--all")
    assert (none.code, none.out) == (0, "")
    assert "No open dead letter fits" in none.err


async def test_by_numbers_each_has_its_outcome(seller: Seller) -> None:
    first, second, third = await seller.spoil("P-1", "P-2", "P-3")
    gone = await seller.channel("dead-letters", "discard", str(first), "--why", "a test", "--json")
    assert (gone.code, gone.document["counts"]) == (0, {"discarded": 1})
    mixed = await seller.channel(
        *("dead-letters", "discard", str(first), str(second), "999999999"),
        *("--why", "a test", "--json"),
    )
    assert mixed.code == 1
    assert [(item["id"], item["outcome"]) for item in mixed.document["outcomes"]] == [
        (first, "already-settled"),
        (second, "discarded"),
        (999999999, "not-found"),
    ]
    letter = await seller.operator.dead_letter(CATALOG, seller.name, second)
    assert [(entry.action, entry.outcome) for entry in letter.audit] == [("discard", "a test")]
    assert await seller.state(third) == "open"


async def test_hundreds_are_settled_part_by_part_under_a_bar(seller: Seller) -> None:
    names = [f"P-{n}" for n in range(130)]
    await seller.spoil(*names)
    done = await seller.channel(
        *("dead-letters", "discard", "--source", SOURCE, "--why", "a bad export", "--json")
    )
    assert (done.code, done.document["counts"]) == (0, {"discarded": 130}), done.err
    assert "130/130" in done.err
    assert [letter.state async for letter in seller.letters("all")] == ["discarded"] * 130


async def test_a_quarantine_is_listed_and_lifted_and_what_was_parked_is_replayed(
    seller: Seller,
) -> None:
    await seller.spoil(*(f"X-{n}" for n in range(150)))

    async def is_quarantined() -> bool:
        found = seller.operator.quarantines(CATALOG, seller.name)
        return [item.source async for item in found] == [SOURCE]

    await eventually(is_quarantined, within=30)
    await seller.send("G-1", "G-2")

    async def are_parked() -> bool:
        return [wait.parked async for wait in seller.operator.parked(CATALOG, seller.name)] == [2]

    await eventually(are_parked, within=30)
    listed = await seller.channel("quarantines", "list", "--json")
    assert [(row["service"], row["group"], row["source"]) for row in listed.document] == [
        (CATALOG, GROUP, SOURCE)
    ]
    everyone = await seller.channel("quarantines", "list", "--every-merchant", "--json")
    assert seller.name in {row["merchant_id"] for row in everyone.document}
    wrong = await seller.channel("quarantines", "lift", "/careful")
    assert (wrong.code, wrong.out, "Next:" in wrong.err) == (1, "", True)
    lifted = await seller.channel("quarantines", "lift", SOURCE, "--json")
    assert (lifted.code, [row["source"] for row in lifted.document]) == (0, [SOURCE]), lifted.err

    async def are_replayed() -> bool:
        return await seller.products() == {"G-1", "G-2"}

    await eventually(are_replayed, within=30)
    assert (await seller.channel("parked", "list", "--json")).document == []
    assert (await seller.channel("quarantines", "list", "--json")).document == []


async def test_a_merchants_own_client_reads_and_settles_its_own_and_lifts_nothing(
    seller: Seller, system: Stack
) -> None:
    [letter] = await seller.spoil("P-1")
    other = f"m{uuid4().hex[:8]}"
    await seller.operator.register_merchant(other, name="Other", is_eligible=True)
    for caller, mine in ((seller.name, True), (other, False)):
        client = await seller.operator.make_api_client(
            caller, name="erp", scopes=["dead-letters:read", "dead-letters:write"]
        )
        access = Access(
            seller.operator.session.access.urls, client.client_id, SecretStr(client.client_secret)
        )
        async with open_session(access) as session:
            own = Channel(session)
            found = [item.id async for item in own.dead_letters(CATALOG, caller)]
            assert found == ([letter] if mine else [])
            for scope in (None, seller.name if not mine else other):
                with pytest.raises(Problem) as refused:
                    await own.dead_letter(CATALOG, scope, letter)
                assert refused.value.details.status == (403 if scope is None else 404)
            settled = await own.settle_dead_letters(
                CATALOG, caller, "discard", {"ids": [letter], "why": "mine"}
            )
            assert [i.outcome for i in settled.items] == ["discarded" if mine else "not-found"]
    letter_now = await seller.operator.dead_letter(CATALOG, None, letter)
    assert letter_now.state == "discarded"
    assert letter_now.audit[0].actor != "channel-cli"


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        pytest.param("dead-letters replay", 2, "--all", id="nothing-named"),
        pytest.param("dead-letters replay 1 --all", 2, "not both", id="two-things-named"),
        pytest.param("dead-letters replay 999999999", 1, "Next:", id="no-such-number"),
        pytest.param("dead-letters show 999999999", 1, "Next:", id="nothing-to-show"),
        pytest.param("dead-letters discard --all", 2, "--why", id="no-reason-given"),
        pytest.param("dead-letters edit 0", 2, "or equal to 1", id="no-number"),
        pytest.param("dead-letters list --state closed", 1, "state", id="no-such-state"),
        pytest.param("dead-letters list --service catalog", 2, "catalog-service", id="no-service"),
        pytest.param("quarantines lift /nobody", 1, "Next:", id="no-quarantine"),
        pytest.param("set-aside release nothing", 1, "Next:", id="nothing-set-aside"),
        pytest.param("imports cancel 999999999", 1, "Next:", id="no-import"),
        pytest.param("imports cancel 0", 2, "or equal to 1", id="no-import-number"),
    ],
)
async def test_what_cannot_be_done_ends_with_the_next_step(
    seller: Seller, words: str, code: int, expected: str
) -> None:
    result = await seller.channel(*words.split())
    assert (result.code, result.out) == (code, "")
    assert expected in result.err


async def test_positions_are_not_reset_under_a_living_service(
    programs: Programs, system: Stack
) -> None:
    environment = system.environment(CATALOG_SERVICE)
    result = await programs.run(
        *(CATALOG_SERVICE.module, "positions", "reset"),
        *("--group", GROUP, "--topic", "catalog.updated"),
        environment={**environment, "CATALOG_SESSION_TIMEOUT_SECONDS": "0"},
    )
    assert result.code == 1
    assert f"{GROUP} has members" in result.err
