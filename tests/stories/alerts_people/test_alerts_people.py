"""90 days over several shops: whatever happens, each person and system is told of it once (M9.1).

Shops are renewed in time, late, after an attempt by the wrong seller, or never; an authorisation is
taken back; other services say what they see, some of it flapping. Two replicas of auth-service are
killed in the middle of telling. What was told is compared with `expected.py`, message by message.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from aiokafka import AIOKafkaProducer
from standardwebhooks import Webhook, WebhookVerificationError

from auth_service.app import SERVICE
from auth_service.people.store import ensure_person, save_membership
from common.contracts.condition import ConditionState
from common.contracts.envelope import encode
from common.messaging.create_topics import create_topics
from common.postgres.migrate import upgrade
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import unit_of_work
from stack.sandbox import Sandbox, running_sandbox
from stack.secrets import Secrets
from stack.testing import NewDatabase, Programs, eventually
from stack.testing.serving import serving

from .expected import DAY, LIFETIME, Expected, Key
from .replicas import SERVICE as A_SERVICE
from .replicas import Replica, Replicas, running_replicas

START = datetime(2026, 12, 1, 6, tzinfo=UTC)
KILLED_AT = (
    "expiry.before-commit",
    "consumer.after-write",
    "relay.after-publish",
    "alerts.before-spread",
    "alerts.before-mail",
    "mail.after-claim",
    "mail.after-send",
    "webhook.after-claim",
    "webhook.after-post",
)
NOT_IDLE = """
SELECT (SELECT count(*) FROM shop WHERE next_step_at <= $1 AND connection = 'connected')
    + (SELECT count(*) FROM trouble WHERE closed_at IS NULL
        AND (quiet_until <= $1 OR (remind_at <= $1 AND quiet_until IS NULL)))
    + (SELECT count(*) FROM trouble_notice)
    + (SELECT count(*) FROM mail WHERE next_at <= $1)
    + (SELECT count(*) FROM webhook_delivery WHERE next_at <= $1)
    + (SELECT count(*) FROM outbox)
"""


@dataclass
class Receivers:
    """Webhook receivers of all merchants, by path; each verifies with its own secret."""

    pool: Pool
    secrets: dict[str, str] = field(default_factory=dict)
    taken: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    """Bodies by merchant and `webhook-id`."""
    refused: set[str] = field(default_factory=set)
    """Events that were not taken once."""
    forged: int = 0
    asked: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return  # its sender was killed: half a body has no signature to verify
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        merchant = scope["path"].strip("/")
        self.asked += 1
        status = 204
        try:
            data = Webhook(self.secrets[merchant]).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
            status = 400
        else:
            event_id = headers["webhook-id"]
            is_drawn = random.random() < 0.1 and event_id not in self.refused
            if is_drawn and await self._works(merchant):
                self.refused.add(event_id)
                status = 503
            else:
                self.taken[merchant][event_id] = data
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _works(self, merchant: str) -> bool:
        """Whether auth-service takes the endpoint for one that works. To it, two refusals in a row,
        days apart, would be one to switch off; what was answered last does not tell, since answers
        are noted in another order, and one is lost with a replica that is killed."""
        return not await self.pool.fetchval(
            "SELECT count(failing_since) FROM webhook_endpoint WHERE merchant_id = $1", merchant
        )


@dataclass
class Story:
    """Everything that takes part."""

    replicas: Replicas
    sandbox: Sandbox
    pool: Pool
    producer: AIOKafkaProducer
    prefix: str
    receivers: Receivers
    hooks_url: str
    expected: Expected
    control: httpx2.AsyncClient
    sellers: dict[tuple[str, str], str] = field(default_factory=dict)
    revision: int = 0
    kills: list[float] = field(default_factory=list)

    async def move_to(self, day: float, *, is_killing: bool = False) -> None:
        """It is so many days after the start; everything due is told."""
        now = START + day * DAY
        body = {"set": now.isoformat(), "is_frozen": True}
        (await self.control.post("/control/clock", json=body)).raise_for_status()
        if is_killing:
            self.replicas.kill(random.randrange(2))
        await eventually(lambda: self.replicas.have_time(now), within=40)
        self.expected.go_to(now)
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is due any more."""

        async def is_idle() -> bool:
            left: int = await self.pool.fetchval(NOT_IDLE, self.expected.now)
            return left == 0

        await eventually(is_idle, within=60)

    async def register(self, merchant: str) -> None:
        """A merchant with an owner, and an endpoint for everything."""
        await self.replicas.call(
            "PUT", f"/v1/merchants/{merchant}", json={"name": merchant, "is_eligible": True}
        )
        async with unit_of_work(self.pool) as connection:
            person = await ensure_person(connection, f"owner@{merchant}.example")
            await save_membership(
                connection, merchant, person.person_id, "owner", accepted_at=START
            )
        made = await self.replicas.call(
            "POST",
            f"/v1/merchants/{merchant}/webhooks",
            json={"url": f"{self.hooks_url}/{merchant}"},
        )
        self.receivers.secrets[merchant] = made.json()["secret"]

    async def connect(self, merchant: str, shop: str) -> None:
        """The seller agrees, at the first connection and at each renewal."""
        status = await self._walk(merchant, shop, self.sellers[merchant, shop])
        assert status == 200
        self.expected.connect(merchant, shop)
        await self.settle()

    async def connect_as_another(self, merchant: str, shop: str) -> None:
        """Another seller agrees, which is refused (M1.4)."""
        other = next(s for key, s in self.sellers.items() if key != (merchant, shop))
        assert await self._walk(merchant, shop, other) == 409
        await self.settle()

    async def _walk(self, merchant: str, shop: str, seller_id: str) -> int:
        """How the callback's page answers; a walk that a kill cut off is begun again."""
        statuses: list[int] = []

        async def has_walked() -> bool:
            for replica in self.replicas.all:
                link = await self.replicas.call(
                    "POST", f"/v1/merchants/{merchant}/shops/{shop}/connect"
                )
                with suppress(httpx2.HTTPError):
                    start_url = str(link.json()["start_url"])
                    statuses.append(await self._agree(replica, start_url, seller_id))
                    return True
            return False

        await eventually(has_walked, within=40)
        return statuses[-1]

    async def _agree(self, replica: Replica, start_url: str, seller_id: str) -> int:
        place = urlsplit(start_url)
        start = f"{place.path}?{place.query}" if place.query else place.path
        async with httpx2.AsyncClient(base_url=replica.url, timeout=15) as browser:
            await browser.get(start)
            redirect = await browser.post(start)
            query = parse_qs(urlsplit(redirect.headers["location"]).query)
            form = {"seller_id": seller_id, "redirect_uri": query["redirect_uri"][0]}
            code = (await self.control.post("/control/codes", json=form)).json()["code"]
            page = await browser.get(
                "/v1/oauth/callback", params={"state": query["state"][0], "code": code}
            )
            return page.status_code

    async def take_back(self, merchant: str, shop: str) -> None:
        """The seller takes the authorisation back, which a service of ours finds out."""
        seller_id = self.sellers[merchant, shop]
        await self.control.post("/control/tokens/expire", json={"seller_id": seller_id})
        row = await self.pool.fetchrow(
            "SELECT generation FROM shop WHERE merchant_id = $1 AND shop_id = $2", merchant, shop
        )
        assert row is not None
        path = f"/internal/v1/shops/{merchant}/{shop}/token/dead"

        async def is_reported() -> bool:
            for replica in self.replicas.all:
                with suppress(httpx2.HTTPError):
                    token = await self.replicas.token(replica, A_SERVICE)
                    answer = await self.replicas.http.post(
                        replica.url + path,
                        json={"generation": row["generation"]},
                        headers={"authorization": f"Bearer {token}"},
                    )
                    if answer.status_code == 200:
                        return True
            return False

        await eventually(is_reported, within=40)
        self.expected.take_back(merchant, shop)
        await self.settle()

    async def conditions(self, *said: tuple[Key, bool]) -> None:
        """Other services say these."""
        for (merchant, kind, subject), present in said:
            self.revision += 1
            state = ConditionState(
                merchant_id=merchant,
                kind=kind,
                subject=subject,
                present=present,
                since=self.expected.now,
                ended_at=None if present else self.expected.now,
                revision=self.revision,
            )
            record = encode(state, source="/test")
            await self.producer.send(
                self.prefix + record.topic, record.value, record.key, headers=record.headers
            )
        await self.producer.flush()
        for key, present in said:
            self.expected.condition(key, present=present)

        async def are_heard() -> bool:
            ends = await self.pool.fetchval(
                "SELECT sum(next_offset) FROM consumer_position WHERE topic LIKE '%condition.state'"
            )
            return int(ends or 0) >= self.revision

        await eventually(are_heard, within=60)
        await self.settle()

    async def is_told(self) -> None:
        """Nothing is missing and nothing doubled."""
        mails = (await self.control.get("/control/mails")).json()["mails"]
        mails.sort(key=lambda mail: str(mail["message_id"]))  # in the order of their queueing
        repeated = sum(mail["times"] - 1 for mail in mails)
        assert repeated <= self.replicas.kills, "only a kill repeats a mail, by its Message-ID"
        told: dict[str, list[str]] = defaultdict(list)
        for mail in mails:
            merchant = mail["recipients"][0].partition("@")[2].removesuffix(".example")
            lines = [line[2:] for line in mail["text"].splitlines() if line.startswith("* ")]
            told[merchant] += lines or [mail["subject"].removesuffix(f" - {merchant}")]
        for merchant, heads in self.expected.mailed.items():
            assert Counter(told[merchant]) == Counter(heads), merchant
            for title in {head.partition(": ")[2] or head for head in heads}:
                assert [h for h in told[merchant] if h.endswith(title)] == [
                    h for h in heads if h.endswith(title)
                ]
        assert told.keys() == self.expected.mailed.keys()
        hooked = Counter(
            (merchant, body["type"], body["data"]["kind"], body["data"]["subject"])
            for merchant, bodies in self.receivers.taken.items()
            for body in bodies.values()
        )
        assert hooked == self.expected.hooked
        assert self.receivers.forged == 0


@asynccontextmanager
async def running_story(
    programs: Programs,
    sandbox: Sandbox,
    url: str,
    bootstrap: str,
    prefix: str,
    folder: Path,
) -> AsyncIterator[Story]:
    """The replicas with failpoints armed, each of which kills once."""
    marks = folder / "marks"
    marks.mkdir()
    secrets = Secrets.load(folder / "secrets")
    await create_topics(bootstrap, prefix=prefix, partitions=2)
    pool = await open_pool(url)
    receivers = Receivers(pool)
    async with (
        pool,
        serving(receivers) as hooks_url,  # type: ignore[arg-type]  # an ASGI app
        httpx2.AsyncClient(base_url=sandbox.url, timeout=15) as control,
    ):
        await control.post("/control/clock", json={"set": START.isoformat(), "is_frozen": True})
        environment = {
            "AUTH_HOST": "127.0.0.1",
            "AUTH_DATABASE_URL": url,
            "AUTH_KAFKA_BOOTSTRAP": bootstrap,
            "AUTH_TOPIC_PREFIX": prefix,
            "AUTH_CLOCK_URL": f"{sandbox.url}/control/clock",
            "AUTH_MARKETPLACE_URL": sandbox.url,
            "AUTH_APP_KEY": sandbox.app_key,
            "AUTH_APP_SECRET": sandbox.app_secret,
            "AUTH_MASTER_KEYS": secrets.sealing_key,
            "AUTH_SIGNING_KEY": secrets.signing_key,
            "AUTH_SMTP_HOST": "127.0.0.1",
            "AUTH_SMTP_PORT": str(sandbox.smtp_port),
            "AUTH_SMTP_SECURITY": "none",
            "AUTH_SMTP_FROM": "Channel <channel@channel.example>",
            "AUTH_ALERTS_GATHERED_SECONDS": "0",
            "AUTH_WEBHOOK_ALLOWED_HOSTS": hooks_url.removeprefix("http://"),
            "AUTH_SESSION_TIMEOUT_SECONDS": "6",
            "FAILPOINTS": ",".join(f"{place}=kill" for place in KILLED_AT),
            "FAILPOINT_MARKS": str(marks),
        }
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        await producer.start()
        try:
            async with running_replicas(programs, folder, environment) as replicas:
                yield Story(
                    replicas, sandbox, pool, producer, prefix, receivers, hooks_url,
                    Expected(START), control,
                )  # fmt: skip
        finally:
            await producer.stop()


async def migrated(url: str) -> None:
    await asyncio.to_thread(upgrade, SERVICE.migrations, url)


Steps = dict[float, list[Any]]


async def test_everything_is_told_once(
    programs: Programs,
    database: NewDatabase,
    kafka_bootstrap: str,
    topic_prefix: str,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    record_property: Any,
) -> None:
    is_long = pytestconfig.getoption("--length") == "long"
    url = await database(migrated)
    shops = 50 if is_long else 3
    async with (
        running_sandbox(tmp_path, more_sellers=str(shops)) as sandbox,
        running_story(programs, sandbox, url, kafka_bootstrap, topic_prefix, tmp_path) as story,
    ):
        await eventually(lambda: story.replicas.have_time(START), within=60)
        if is_long:
            await ninety_days(story, shops)
        else:
            await a_few_days(story)
        await finish(story)
        await story.is_told()
        struck = {mark.name for mark in (tmp_path / "marks").iterdir()}
        mails = sum(map(len, story.expected.mailed.values()))
        record_property(
            "summary",
            f"{shops} shops, {mails} messages, {story.expected.hooked.total()} webhooks,"
            f" {story.replicas.kills} kills, {len(struck)} places",
        )
        assert struck == set(KILLED_AT)


async def finish(story: Story) -> None:
    """Whatever waits for a digest or a later attempt comes."""
    day = (story.expected.now - START) / DAY
    for number in range(1, 40):
        left = await story.pool.fetchval(
            """
            SELECT (SELECT count(*) FROM notification WHERE told_at IS NULL)
                + (SELECT count(*) FROM mail WHERE next_at IS NOT NULL)
                + (SELECT count(*) FROM webhook_delivery WHERE next_at IS NOT NULL)
            """
        )
        if not left:
            return
        await story.move_to(day + number * 3 / 1_440)
    pytest.fail("something was never told")


async def a_few_days(story: Story) -> None:
    """The short form: three shops, each renewed in another way."""
    for merchant, shop, seller in (
        ("acme", "in-time", "2200100001"),
        ("acme", "late", "2200100002"),
        ("zara", "never", "2200100003"),
    ):
        story.sellers[merchant, shop] = seller
        if merchant not in story.receivers.secrets:
            await story.register(merchant)
        await story.connect(merchant, shop)
    idle: Key = ("acme", "feed_idle", "feed/summer")
    due: Key = ("zara", "order_due", "order/never/81")
    late: Key = ("zara", "order_late", "order/never/81")
    withheld: Key = ("acme", "run_withheld", "feed/summer")

    await story.move_to(7)
    await story.conditions((idle, True), (due, True), (withheld, True))
    await story.move_to(7.01)
    await story.conditions((idle, False), (withheld, False))
    await story.move_to(7.02)
    await story.conditions((idle, True))
    await story.move_to(8.1)
    await story.conditions((due, False), (late, True), (idle, False))
    await story.move_to(23.1)
    await story.connect("acme", "in-time")
    await story.conditions((late, False))
    await story.move_to(27.1)
    await story.move_to(29.1)
    await story.move_to(30.1)
    await story.connect_as_another("acme", "late")
    await story.move_to(33)
    await story.connect("acme", "late")
    await story.take_back("acme", "in-time")
    await story.move_to(62.9)
    await story.connect("acme", "in-time")
    await story.move_to(90)


async def ninety_days(story: Story, shops: int) -> None:
    """The long form: half a day at a time, whatever happens."""
    drawn = random.Random(1919)
    keys = [(f"m{number % 10}", f"s{number}") for number in range(shops)]
    for number, (merchant, shop) in enumerate(keys):
        story.sellers[merchant, shop] = str(2_200_200_001 + number)
        if merchant not in story.receivers.secrets:
            await story.register(merchant)
        await story.connect(merchant, shop)
    kinds = [
        "feed_idle", "drift", "run_withheld", "import_failed", "order_late", "source_quarantined",
        "mostly_refused", "orders_failing", "parcel_refused", "deletions_withheld",
    ]  # fmt: skip
    ways = {key: ("in time", "late", "wrong seller", "never")[n % 4] for n, key in enumerate(keys)}
    present: set[Key] = set()
    killing = set(drawn.sample(range(1, 180), 20))
    for half in range(1, 181):
        await story.move_to(half / 2, is_killing=half in killing)
        for key, way in ways.items():
            token = story.expected.tokens[key]
            left = token.expires_at - story.expected.now
            if way == "in time" and left < drawn.randrange(1, 6) * DAY:
                await story.connect(*key)
            elif way in {"late", "wrong seller"} and left < -drawn.randrange(1, 5) * DAY:
                if way == "wrong seller":
                    await story.connect_as_another(*key)
                await story.connect(*key)
            elif way == "in time" and left > LIFETIME / 2 and drawn.random() < 0.004:
                await story.take_back(*key)
        said: list[tuple[Key, bool]] = []
        for _ in range(drawn.randrange(6)):
            subject = (
                f"m{drawn.randrange(10)}",
                drawn.choice(kinds),
                f"feed/f{drawn.randrange(4)}",
            )
            said.append((subject, True))
            present.add(subject)
        ending: Sequence[Key] = sorted(present - {key for key, _ in said})
        for subject in drawn.sample(ending, min(len(ending), drawn.randrange(6))):
            said.append((subject, False))
            present.discard(subject)
        if said:
            await story.conditions(*dict(said).items())
