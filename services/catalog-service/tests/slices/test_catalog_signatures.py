"""Catalogue events are of the merchant whose key signed them (decision 18)."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, HTTPException
from pydantic import SecretStr

from catalog_service.app import SERVICE
from catalog_service.settings import CatalogSettings
from catalog_service.sources import producer_keys
from catalog_service.sources.producer_keys import ProducerKeys
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import EncodedEvent, encode
from common.contracts.signature import HEADER, ProducerKey
from common.errors import Outage
from common.messaging.create_topics import create_topics
from common.postgres.pool import Pool
from common.service import Context, create_app
from common.web.identity import OPERATOR, Verifier
from stack.testing import eventually, running_parts, serving

from ..rest import signer

KEY = ProducerKey("key-of-m", bytes(range(32)))
OTHER = ProducerKey("key-of-other", bytes(range(1, 33)))
LOOKUP = "/internal/v1/producer-keys/lookup"


@dataclass
class KeyIssuer:
    """auth-service's look-up of producers' keys, as catalog-service sees it."""

    merchants: dict[str, str] = field(default_factory=dict)
    """Merchant by the key's text."""
    is_away: bool = False
    asked: list[list[str]] = field(default_factory=list)

    def app(self) -> FastAPI:
        app = FastAPI()
        app.post("/v1/token")(self._service_token)
        app.post(LOOKUP)(self._look_up)
        return app

    async def _service_token(self) -> dict[str, Any]:
        return {"access_token": "service", "token_type": "bearer", "expires_in": 600}

    async def _look_up(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        self.asked.append(asked["key_ids"])
        if self.is_away:
            raise HTTPException(503, "away")
        return {
            "keys": [
                {"merchant_id": merchant, "signing_key": key}
                for key, merchant in self.merchants.items()
                if key.partition(":")[0] in asked["key_ids"]
            ]
        }


@dataclass
class Running:
    """catalog-service at work, and ways to publish and to look."""

    pool: Pool
    producer: AIOKafkaProducer
    prefix: str
    issuer: KeyIssuer
    http: httpx2.AsyncClient
    sign_token: Callable[..., str]

    async def publish(self, *records: EncodedEvent) -> None:
        for record in records:
            await self.producer.send(
                self.prefix + record.topic, record.value, record.key, headers=record.headers
            )
        await self.producer.flush()

    async def products(self) -> set[str]:
        rows = await self.pool.fetch("SELECT product_id FROM source_product")
        return {row["product_id"] for row in rows}

    async def reasons(self) -> dict[str, str]:
        """Reason by product, of the open dead letters."""
        rows = await self.pool.fetch("SELECT key, reason FROM dead_letter WHERE state = 'open'")
        return {row["key"].decode().rpartition("/")[2]: row["reason"] for row in rows}

    async def settled(self, *products: str) -> None:
        """Wait until each of these is in the catalogue or a dead letter."""

        async def are_settled() -> bool:
            return set(products) <= {*await self.products(), *await self.reasons()}

        await eventually(are_settled)

    async def replay(self, product: str, who: dict[str, str]) -> httpx2.Response:
        letter = await self.pool.fetchval(
            "SELECT id FROM dead_letter WHERE key = $1", f"m/c/{product}".encode()
        )
        return await self.http.post(
            f"/v1/merchants/m/dead-letters/{letter}/replay", json={}, headers=who
        )

    def bearer(self, merchant: str | None, scope: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.sign_token(merchant, scope)}"}


def record(product: str, *, merchant: str = "m") -> EncodedEvent:
    event = CatalogUpdated(
        merchant_id=merchant, catalogue_id="c", product_id=product, action="upsert", version=1,
        fields={"title": product},
    )  # fmt: skip
    return encode(event, source="/erp")


def signed(what: EncodedEvent, key: ProducerKey = KEY) -> EncodedEvent:
    return replace(what, headers=[*what.headers, key.sign(what.topic, what.key, what.value)])


def with_signature(what: EncodedEvent, header: bytes) -> EncodedEvent:
    return replace(what, headers=[*what.headers, (HEADER, header)])


@pytest.fixture(params=[True])
async def running(
    request: pytest.FixtureRequest,
    pool: Pool,
    database_url: str,
    kafka_bootstrap: str,
    topic_prefix: str,
) -> AsyncIterator[Running]:
    await create_topics(kafka_bootstrap, topic_prefix, partitions=1)
    issuer = KeyIssuer({KEY.as_text(): "m", OTHER.as_text(): "other"})
    sign, keys = signer()
    async with serving(issuer.app()) as auth_url:
        settings = CatalogSettings(
            database_url=SecretStr(database_url),
            kafka_bootstrap=kafka_bootstrap,
            topic_prefix=topic_prefix,
            auth_url=auth_url,
            instance_id="one",
            requires_signatures=request.param,
        )
        context = Context(settings, pool, Verifier("http://127.0.0.1:9/jwks"))
        context.verifier.trust(keys)
        parts = SERVICE.build(context)
        app = create_app(SERVICE, context, parts)
        producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
        async with (
            producer,
            running_parts(replace(parts, jobs=())),
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app), base_url="http://catalog"
            ) as http,
        ):
            made = Running(pool, producer, topic_prefix, issuer, http, sign)
            for merchant in ("m", "other"):
                declared = await http.put(
                    f"/v1/merchants/{merchant}/catalogues/c",
                    json={"versioning": "explicit"},
                    headers=made.bearer(merchant, "catalogue:write"),
                )
                assert declared.status_code == 200, declared.text
            yield made


async def test_only_what_its_merchants_key_signed_is_taken(running: Running) -> None:
    proper = signed(record("proper"))
    changed = replace(proper, key=b"m/c/changed")
    other_value = replace(signed(record("edited")), value=record("proper").value)
    await running.publish(
        record("bare"),
        signed(record("foreign"), OTHER),
        signed(record("unknown"), ProducerKey("nobody", bytes(32))),
        signed(record("guessed"), ProducerKey(KEY.key_id, bytes(32))),
        with_signature(record("malformed"), b"v9=what"),
        changed,
        other_value,
        proper,
        signed(record("theirs", merchant="other"), OTHER),
    )
    await running.settled("bare", "changed", "proper", "theirs")
    assert await running.products() == {"proper", "theirs"}
    assert await running.reasons() == {
        "bare": "unsigned",
        "foreign": "foreign-signature",
        "unknown": "unknown-signing-key",
        "guessed": "bad-signature",
        "malformed": "bad-signature",
        "changed": "bad-signature",
        "edited": "bad-signature",
    }
    remedies = await running.pool.fetch("SELECT DISTINCT remedy FROM dead_letter")
    assert len(remedies) == 1
    assert "Sign it" in remedies[0]["remedy"]
    stored = await running.pool.fetchval("SELECT string_agg(detail, ' ') FROM dead_letter")
    assert KEY.as_text().partition(":")[2] not in stored


async def test_a_key_does_not_lend_another_merchants_name_to_the_data(running: Running) -> None:
    body_of_victim = record("forged", merchant="victim")
    forged = replace(body_of_victim, key=b"m/c/forged")  # X1: key and data name two merchants
    await running.publish(signed(forged))
    await running.settled("forged")
    assert await running.reasons() == {"forged": "foreign-key"}


async def test_forged_records_do_not_put_their_victim_in_quarantine(running: Running) -> None:
    forged = [record(f"f{n}") for n in range(120)]
    poison = [replace(signed(item, OTHER), value=b"{not json") for item in forged]
    await running.publish(*poison, signed(record("proper")))
    await running.settled("proper", "f119")
    assert set((await running.reasons()).values()) == {"bad-signature"}
    assert await running.pool.fetchval("SELECT count(*) FROM quarantine") == 0
    await running.publish(signed(record("later")))
    await running.settled("later")
    assert await running.products() == {"proper", "later"}


async def test_an_operator_alone_replays_what_is_not_proven(running: Running) -> None:
    await running.publish(record("bare"))
    await running.settled("bare")
    merchant = running.bearer("m", "dead-letters:read dead-letters:write")
    refused = await running.replay("bare", merchant)
    assert refused.status_code == 403
    assert "operator" in refused.json()["remedy"]
    assert await running.products() == set()
    done = await running.replay("bare", running.bearer(None, OPERATOR))
    assert (done.status_code, done.json()["outcome"]) == (200, "taken")
    assert await running.products() == {"bare"}


async def test_while_keys_cannot_be_had_records_wait(running: Running) -> None:
    running.issuer.is_away = True
    await running.publish(signed(record("waits")))
    await eventually(lambda: len(running.issuer.asked) >= 2)
    assert (await running.products(), await running.reasons()) == (set(), {})
    running.issuer.is_away = False
    await running.settled("waits")
    assert await running.products() == {"waits"}


@pytest.mark.parametrize("running", [False], indirect=True)
async def test_where_signatures_are_not_required_a_wrong_one_is_refused_all_the_same(
    running: Running,
) -> None:
    await running.publish(
        record("bare"), signed(record("proper")), signed(record("foreign"), OTHER)
    )
    await running.settled("bare", "proper", "foreign")
    assert await running.products() == {"bare", "proper"}
    assert await running.reasons() == {"foreign": "foreign-signature"}


async def test_keys_are_asked_in_sets_and_forgotten_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(producer_keys, "time", SimpleNamespace(monotonic=lambda: now))
    issuer = KeyIssuer({KEY.as_text(): "m"})
    async with serving(issuer.app()) as auth_url:
        keys = ProducerKeys(auth_url, "catalog-service", SecretStr("s"))
        ids = {KEY.key_id, *(f"unknown-{n}" for n in range(1_500))}
        for _ in range(3):
            assert set(await keys.find(ids)) == {KEY.key_id}
        assert [len(some) for some in issuer.asked] == [1_000, 501]
        issuer.asked.clear()
        now += 11
        assert set(await keys.find([KEY.key_id, "unknown-1"])) == {KEY.key_id}
        assert issuer.asked == [["unknown-1"]]
        now += 50
        issuer.is_away = True
        assert set(await keys.find([KEY.key_id])) == {KEY.key_id}
        with pytest.raises(Outage):
            await keys.find(["unknown-2"])
        now += 540
        with pytest.raises(Outage):
            await keys.find([KEY.key_id])
        issuer.is_away = False
        issuer.merchants.clear()
        assert await keys.find([KEY.key_id]) == {}
        await keys.aclose()
