"""Tell people, and other systems, of troubles: each message once.

A notice stands in the transaction of what it tells of. One transaction takes notices and makes, for
each person who wants it, a notification, and for each webhook a delivery; another turns
notifications into queued mails. What is killed in between is as if it had not begun.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from auth_service.alerts import store
from auth_service.alerts.digest import WINDOW, plan
from auth_service.alerts.links import RENEW, Links
from auth_service.alerts.store import Notification
from auth_service.alerts.subscriptions import is_on
from auth_service.languages import language_of
from auth_service.mailing.queue_mail import MailQueue
from auth_service.merchants.store import find_names
from auth_service.people.person import Member
from auth_service.people.store import members_of
from auth_service.troubles import store as trouble_store
from auth_service.troubles.kinds import KINDS
from auth_service.troubles.store import Notice
from auth_service.troubles.texts.describe import describe
from auth_service.troubles.trouble import Trouble
from auth_service.webhooks.queue_deliveries import queue_deliveries
from common import clock
from common.failpoints import reach
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.unit_of_work import reading, unit_of_work

JOB = "tell"
MERCHANTS = 50
NOTICES = 500
PEOPLE = 100
NOT_FOR_WEBHOOKS = "reminded"


@dataclass(frozen=True)
class Teller:
    """Tells of troubles; `gathered` is how long messages to a person wait for others."""

    pool: Pool
    mails: MailQueue
    links: Links
    gathered: timedelta

    async def take_turn(self) -> bool:
        """Tell of what waits. Whether notices did: messages that are gathered wait for the poll."""
        async with reading(self.pool) as connection:
            merchants = await trouble_store.list_merchants_to_tell(
                connection, JOB, clock.now(), limit=MERCHANTS
            )
        turns: list[bool] = []

        async def spread(rows: Sequence[RowKey]) -> None:
            async with unit_of_work(self.pool) as connection:
                turns.append(await store.try_turn(connection))
                if turns[-1]:
                    await self._spread(connection, [row.merchant_id for row in rows])
                reach("alerts.before-spread")

        await each_apart(self.pool, JOB, merchants, spread, key=lambda row: row)
        async with reading(self.pool) as connection:
            people = await store.list_people_to_tell(connection, JOB, clock.now(), limit=PEOPLE)

        async def mail(rows: Sequence[RowKey]) -> None:
            async with unit_of_work(self.pool) as connection:
                if await store.try_turn(connection):
                    for row in rows:
                        await self._mail(connection, row)
                reach("alerts.before-mail")

        await each_apart(self.pool, JOB, people, mail, key=lambda row: row)
        return bool(merchants) and all(turns)

    async def _spread(self, connection: Connection, merchant_ids: Sequence[str]) -> None:
        notices = await trouble_store.take_notices(connection, merchant_ids, limit=NOTICES)
        troubles = await trouble_store.load_many(
            connection, [notice.trouble_id for notice in notices]
        )
        by_merchant: dict[str, list[Notice]] = {}
        for notice in notices:
            by_merchant.setdefault(notice.merchant_id, []).append(notice)
        for merchant_id, of_merchant in by_merchant.items():
            members = await members_of(connection, merchant_id)
            chosen = await store.load_choices(connection, merchant_id)
            for notice in of_merchant:
                trouble = troubles[notice.trouble_id]
                if _is_told(notice, trouble):
                    readers = [
                        member.person_id
                        for member in members
                        if is_on(
                            member.role, trouble.kind, "mail", chosen.get(member.person_id, {})
                        )
                    ]
                    await store.add_notification(
                        connection,
                        merchant_id=merchant_id,
                        person_ids=readers,
                        trouble_id=trouble.trouble_id,
                        event=notice.event,
                        at=notice.at,
                        details=notice.details,
                    )
                if notice.event != NOT_FOR_WEBHOOKS:
                    await queue_deliveries(
                        connection,
                        merchant_id,
                        kind=trouble.kind,
                        event=f"trouble.{notice.event}",
                        event_id=notice.event_id,
                        body=self._body(notice, trouble),
                    )

    def _body(self, notice: Notice, trouble: Trouble) -> str:
        """What a webhook is sent, in the form of the Standard Webhooks specification."""
        text = describe(trouble, "en")
        data: dict[str, Any] = {
            "trouble_id": trouble.trouble_id,
            "merchant_id": trouble.merchant_id,
            "kind": trouble.kind,
            "subject": trouble.subject,
            "severity": trouble.severity,
            "title": text.title,
            "meaning": text.meaning,
            "remedy": text.remedy,
            "link": self.links.to(trouble),
            "since": trouble.since.isoformat(),
            "shop_id": trouble.shop_id,
            "feed_id": trouble.feed_id,
            "catalogue_id": trouble.catalogue_id,
            "run_id": trouble.run_id,
            "order_id": trouble.order_id,
            "details": notice.details,
        }
        if notice.event == "closed" and trouble.ended_at is not None:
            data |= {
                "ended_at": trouble.ended_at.isoformat(),
                "times": trouble.times,
                "outcome": trouble.outcome,
            }
        kept = {name: value for name, value in data.items() if value is not None}
        body = {
            "type": f"trouble.{notice.event}",
            "timestamp": notice.at.isoformat(),
            "data": kept,
        }
        return json.dumps(body, ensure_ascii=False)

    async def _mail(self, connection: Connection, row: RowKey) -> None:
        """Queue the mails of one person about one merchant, unless they wait for others."""
        waiting = await store.list_waiting(connection, row)
        now = clock.now()
        told = await store.load_told(connection, *row, now - WINDOW)
        planned = plan([one.at for one in waiting], told, now, gathered=self.gathered)
        if planned == "wait":
            return
        members = await members_of(connection, row.merchant_id)
        reader = next((member for member in members if member.person_id == row.subject), None)
        if reader is not None:  # else they left meanwhile
            ids = sorted({one.trouble_id for one in waiting})
            troubles = await trouble_store.load_many(connection, ids)
            names = await find_names(connection, [row.merchant_id])
            await self._queue(
                connection,
                reader,
                names.get(row.merchant_id, row.merchant_id),
                [(one, troubles[one.trouble_id]) for one in waiting],
                is_digest=planned == "digest",
            )
        await store.mark_told(connection, [one.notification_id for one in waiting])

    async def _queue(
        self,
        connection: Connection,
        member: Member,
        name: str,
        told: list[tuple[Notification, Trouble]],
        *,
        is_digest: bool,
    ) -> None:
        if is_digest:
            parameters = self._digest(member, name, told)
            await self.mails.queue_mail(
                connection, member.email, "digest", member.language, parameters
            )
            return
        for one, trouble in told:
            parameters = self._message(member, name, one, trouble)
            await self.mails.queue_mail(
                connection, member.email, "trouble", member.language, parameters
            )

    def _message(
        self, member: Member, name: str, one: Notification, trouble: Trouble
    ) -> dict[str, Any]:
        text = describe(trouble, language_of(member.language))
        ended_at = trouble.ended_at or trouble.since
        return {
            "event": one.event,
            "name": name,
            "title": text.title,
            "meaning": text.meaning,
            "remedy": text.remedy,
            "since": trouble.since.isoformat(),
            "ended_at": ended_at.isoformat(),
            "times": trouble.times,
            "facts": sorted(one.details.items()),
            "link": self.links.to(trouble),
            "renews": KINDS[trouble.kind].page == RENEW,
            "time_zone": member.time_zone,
        }

    def _digest(
        self, member: Member, name: str, told: Iterable[tuple[Notification, Trouble]]
    ) -> dict[str, Any]:
        items = []
        for one, trouble in told:
            text = describe(trouble, language_of(member.language))
            items.append({"event": one.event, "title": text.title, "remedy": text.remedy})
        return {
            "name": name,
            "items": items,
            "link": self.links.alerts,
            "time_zone": member.time_zone,
        }


def _is_told(notice: Notice, trouble: Trouble) -> bool:
    """Whether people are told: not of the end of what became another trouble, of which they are."""
    return not (notice.event == "closed" and trouble.outcome == "superseded")
