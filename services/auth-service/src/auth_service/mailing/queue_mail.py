"""Queue a mail in the transaction of what it tells of."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec

from auth_service.languages import language_of
from auth_service.mailing import store
from auth_service.mailing.content import content_of
from auth_service.sealing.token_vault import TokenVault
from common.postgres.acting import EVERYBODY, NOBODY, current_merchant
from common.postgres.pool import Connection


@dataclass(frozen=True)
class MailOwner:
    """The row that a mail's parameters are sealed for."""

    mail_id: str

    def __str__(self) -> str:
        return f"mail {self.mail_id}"

    def additional_data(self) -> bytes:
        """The same bytes for the same mail, and for no other."""
        return msgspec.json.encode(["mail", self.mail_id])


def new_mail_id() -> str:
    """An id that sorts by when it was made: mails of one moment are sent in the order of their
    queueing."""
    return f"{time.time_ns():016x}{uuid4().hex[:16]}"


class MailQueue:
    """Queues mails. Their parameters, among them links that sign somebody in, are sealed until the
    mail is sent, and forgotten then."""

    def __init__(self, vault: TokenVault) -> None:
        self._vault = vault

    async def queue_mail(
        self,
        connection: Connection,
        to: str,
        template: str,
        language: str,
        parameters: Mapping[str, Any],
    ) -> None:
        """Queue it in the caller's transaction.

        Templates (`content.TEMPLATES`): `invitation` and `reset` (name of the person, link,
        expires_at; of an invitation the merchant's name, too), `test`, `trouble`, `digest`. Times
        are RFC 3339, shown in `time_zone` (by default UTC). Raises `ValueError` or `KeyError` for a
        mail that could not be written.
        """
        content_of(template, language_of(language), parameters)
        mail_id = new_mail_id()
        sealed = self._vault.seal(
            msgspec.json.encode(dict(parameters)).decode(), MailOwner(mail_id)
        )
        acting = current_merchant()
        await store.insert_mail(
            connection,
            mail_id,
            sealed,
            merchant_id=None if acting in {EVERYBODY, NOBODY} else acting,
            recipient=to,
            template=template,
            language=language,
        )

    def parameters_of(self, mail: store.Mail) -> Mapping[str, Any]:
        """What the mail was queued with. Raises `SealBroken`."""
        opened = self._vault.open(mail.sealed, MailOwner(mail.mail_id))
        parameters: dict[str, Any] = msgspec.json.decode(opened)
        return parameters
