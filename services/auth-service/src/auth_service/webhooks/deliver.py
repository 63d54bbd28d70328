"""Deliver what is queued: signed, behind the SSRF guard, tried again over a day.

A delivery is claimed, posted, and its outcome written. A process that is killed in between leaves a
claim that lapses, and it is posted again with the same `webhook-id`, by which receivers know it. An
endpoint that answers 410, or fails for a day, is disabled, which is a trouble of its own.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import httpx2
import structlog

from auth_service.retries import next_attempt
from auth_service.sealing.token_vault import SealBroken, TokenVault
from auth_service.troubles.change import raise_trouble
from auth_service.troubles.trouble import Found
from auth_service.webhooks import store
from auth_service.webhooks.endpoints import DISABLED_KIND, subject_of
from auth_service.webhooks.rules import DISABLED_AFTER, name_of, require_endpoint_url
from auth_service.webhooks.secrets import SecretOwner, signed_headers
from auth_service.webhooks.store import Delivery, Endpoint
from common import clock
from common.errors import NotFound, Refusal
from common.failpoints import reach
from common.outbound.guard import AddressRefused
from common.outbound.guarded_request import guarded_request
from common.outbound.http_client import HttpClient
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import reading, unit_of_work
from common.telemetry.names import WEBHOOKS
from common.telemetry.setup import counter

log = structlog.get_logger()

JOB = "deliver-webhooks"
AT_ONCE = 16
PER_ENDPOINT = 2
ANSWERED_WITHIN = timedelta(seconds=15)
CLAIMED_FOR = timedelta(minutes=1)
"""By the system's clock; longer than a delivery may take."""
GONE = 410
KEPT = timedelta(days=30)

_webhooks = counter(WEBHOOKS)


@dataclass(frozen=True)
class Answer:
    """What a receiver answered: its status, or why there is none."""

    status: int | None = None
    error: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has the event."""
        return self.status is not None and 200 <= self.status < 300


class Deliverer:
    """Posts to the endpoints of all merchants."""

    def __init__(
        self, pool: Pool, vault: TokenVault, allowed_hosts: frozenset[str], holder: str
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._allowed = allowed_hosts
        self._holder = holder
        self._has_reclaimed = False
        self._client = HttpClient(
            timeout=httpx2.Timeout(10.0),
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": "aliexpress-channel (webhooks)"},
        )

    async def take_turn(self) -> bool:
        """Deliver the next few. Whether there were any."""
        async with unit_of_work(self._pool) as connection:
            if not self._has_reclaimed:
                await store.release_claims(connection, self._holder)
            claimed = await store.claim_due(
                connection,
                JOB,
                self._holder,
                lasts=CLAIMED_FOR,
                per_endpoint=PER_ENDPOINT,
                limit=AT_ONCE,
            )
        self._has_reclaimed = True
        if claimed:
            async with asyncio.TaskGroup() as group:
                for delivery in claimed:
                    row = RowKey(delivery.merchant_id, delivery.delivery_id)
                    work = alone(self._pool, JOB, row, partial(self._deliver, delivery))
                    group.create_task(work)
        return bool(claimed)

    async def forget_old(self) -> bool:
        """Delete what ended since long. Whether there was any."""
        async with unit_of_work(self._pool) as connection:
            return bool(await store.forget_deliveries(connection, clock.now() - KEPT, limit=1_000))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _deliver(self, delivery: Delivery) -> None:
        async with reading(self._pool) as connection:
            try:
                endpoint = await store.load_endpoint(
                    connection, delivery.merchant_id, delivery.endpoint_id
                )
            except NotFound:  # deleted meanwhile, its deliveries with it
                return
            secrets = await store.list_secrets(connection, delivery.endpoint_id)
        try:
            opened = [
                self._vault.open(one.sealed, SecretOwner(one.endpoint_id, one.secret_id))
                for one in secrets
            ]
        except SealBroken:
            answer = Answer(error="its secret cannot be opened")
        else:
            headers = signed_headers(opened, delivery.event_id, clock.wall_now(), delivery.body)
            reach("webhook.after-claim")
            answer = await self._post(endpoint, headers, delivery.body)
        reach("webhook.after-post")
        async with unit_of_work(self._pool) as connection:
            await _settle(connection, delivery, answer)

    async def _post(self, endpoint: Endpoint, headers: Mapping[str, str], body: str) -> Answer:
        try:
            target = require_endpoint_url(endpoint.url, self._allowed)
            async with asyncio.timeout(ANSWERED_WITHIN.total_seconds()):
                request = await guarded_request(
                    self._client,
                    "POST",
                    target,
                    headers={"content-type": "application/json", **headers},
                    content=body.encode(),
                )
                return await self._answer(request)
        except (AddressRefused, Refusal) as refused:
            return Answer(error=str(refused))
        except TimeoutError:
            return Answer(error="it did not answer in time")
        except (httpx2.HTTPError, OSError) as error:
            return Answer(error=f"it cannot be reached ({type(error).__name__})")

    async def _answer(self, request: httpx2.Request) -> Answer:
        """The answer's head; nothing is read of what it says."""
        response = await self._client.send(request, stream=True)
        try:
            return Answer(response.status_code, None, _retry_after(response))
        finally:
            await response.aclose()


def _retry_after(response: httpx2.Response) -> timedelta | None:
    text = response.headers.get("retry-after", "")
    return timedelta(seconds=int(text)) if text.isdecimal() and len(text) < 8 else None


async def _settle(connection: Connection, delivery: Delivery, answer: Answer) -> None:
    endpoint = await store.lock_endpoint(connection, delivery.endpoint_id)
    if endpoint is None:
        return
    if answer.is_taken:
        await _save(connection, delivery, answer, "delivered")
        if endpoint.failing_since is not None:
            await store.set_failing(connection, endpoint.endpoint_id, None)
        return
    now = clock.now()
    again = next_attempt(
        delivery.attempts,
        delivery.queued_at,
        now,
        drawn=random.random(),  # noqa: S311 - spreads attempts
        asked=answer.retry_after,
    )
    await _save(connection, delivery, answer, "due" if again else "failed", again)
    since = endpoint.failing_since or now
    if endpoint.failing_since is None:
        await store.set_failing(connection, endpoint.endpoint_id, since)
    is_gone = answer.status == GONE
    if endpoint.disabled_at is None and (is_gone or now - since >= DISABLED_AFTER):
        reason = "it answered 410 (gone)" if is_gone else "it failed for a day"
        await store.disable(connection, endpoint.endpoint_id, reason)
        await _report_disabled(connection, endpoint, answer, reason)


async def _save(
    connection: Connection,
    delivery: Delivery,
    answer: Answer,
    state: str,
    next_at: datetime | None = None,
) -> None:
    await store.save_outcome(
        connection,
        delivery.delivery_id,
        state=state,
        next_at=next_at,
        status=answer.status,
        error=answer.error,
    )
    outcome = {"delivered": "delivered", "due": "postponed", "failed": "given_up"}[state]
    _webhooks.add(1, {"outcome": outcome})


async def _report_disabled(
    connection: Connection, endpoint: Endpoint, answer: Answer, reason: str
) -> None:
    log.warning("webhook.disabled", endpoint=endpoint.endpoint_id, reason=reason)
    last = answer.error or f"it answered {answer.status}"
    name = name_of(endpoint.endpoint_id, endpoint.url, endpoint.description)
    details = {"endpoint": name, "reason": reason}
    await raise_trouble(
        connection,
        Found(
            merchant_id=endpoint.merchant_id,
            kind=DISABLED_KIND,
            subject=subject_of(endpoint.endpoint_id),
            since=endpoint.failing_since or clock.now(),
            details={**details, "last": last},
        ),
    )
