"""The jobs that tell people and systems of troubles, on one screen."""

from collections.abc import Sequence
from datetime import timedelta

from auth_service.alerts.links import Links
from auth_service.alerts.tell import Teller
from auth_service.mailing import store as mail_store
from auth_service.mailing.queue_mail import MailQueue
from auth_service.mailing.send_mails import MailSender
from auth_service.sealing.token_vault import TokenVault
from auth_service.settings import AuthSettings
from auth_service.troubles.store import TELLING
from auth_service.troubles.tend import forget_old_troubles, measure_troubles, tend_troubles
from auth_service.webhooks import store as webhook_store
from auth_service.webhooks.deliver import Deliverer
from common.jobs import Job
from common.postgres.pool import Pool

HOUR = timedelta(hours=1)


class Alerting:
    """What runs in the worker for mails, troubles and webhooks."""

    def __init__(
        self,
        pool: Pool,
        vault: TokenVault,
        mails: MailQueue,
        links: Links,
        settings: AuthSettings,
        *,
        poll: timedelta,
    ) -> None:
        self._pool = pool
        self._poll = poll
        self._kept = timedelta(days=settings.troubles_kept_days)
        self._teller = Teller(
            pool, mails, links, timedelta(seconds=settings.alerts_gathered_seconds)
        )
        self._sender = MailSender(pool, mails, settings.smtp, settings.instance_id)
        self._deliverer = Deliverer(
            pool, vault, settings.webhook_allowed_hosts, settings.instance_id
        )

    def jobs(self) -> Sequence[Job]:
        """All of them."""
        pool, poll = self._pool, self._poll
        return [
            Job("tend-troubles", lambda: tend_troubles(pool), every=poll),
            Job("tell", self._teller.take_turn, every=poll, woken_by=[TELLING]),
            Job("send-mails", self._sender.take_turn, every=poll, woken_by=[mail_store.SENDING]),
            Job(
                "deliver-webhooks",
                self._deliverer.take_turn,
                every=poll,
                woken_by=[webhook_store.DELIVERING],
            ),
            Job("forget-mails", self._sender.forget_old, every=HOUR),
            Job("forget-deliveries", self._deliverer.forget_old, every=HOUR),
            Job("forget-troubles", lambda: forget_old_troubles(pool, self._kept), every=HOUR),
            Job("measure-troubles", lambda: measure_troubles(pool), every=timedelta(seconds=10)),
        ]

    async def aclose(self) -> None:
        """Close the connections to webhooks."""
        await self._deliverer.aclose()
