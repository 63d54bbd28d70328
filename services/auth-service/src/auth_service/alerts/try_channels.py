"""The test button: a mail, or a delivery to an endpoint, that says only that it is a test."""

import json
from uuid import uuid4

from auth_service.alerts.people import ME, find_member
from auth_service.mailing.queue_mail import MailQueue
from auth_service.merchants.store import find_names
from auth_service.webhooks import store as webhook_store
from auth_service.webhooks.store import Delivery
from common import clock
from common.errors import Refusal
from common.postgres.pool import Connection
from common.web.identity import Identity

TEST = "test"


async def send_test_mail(
    connection: Connection,
    mails: MailQueue,
    merchant_id: str,
    caller: Identity,
    person_id: str | None,
) -> str:
    """Queue it to the person who asks, or to the one an operator names; the address."""
    member = await find_member(connection, merchant_id, caller, person_id or ME)
    names = await find_names(connection, [merchant_id])
    parameters = {"name": names.get(merchant_id, merchant_id)}
    await mails.queue_mail(connection, member.email, TEST, member.language, parameters)
    return member.email


async def send_test_delivery(
    connection: Connection, merchant_id: str, endpoint_id: str
) -> Delivery:
    """Queue it to the endpoint. Raises `NotFound`, and `Refusal` while it is disabled."""
    endpoint = await webhook_store.load_endpoint(connection, merchant_id, endpoint_id)
    if endpoint.disabled_at is not None:
        raise Refusal(
            f"the endpoint is disabled: {endpoint.disabled_reason}",
            status=409,
            slug="webhook-disabled",
            field="endpoint_id",
            remedy="Enable it first.",
        )
    body = {
        "type": TEST,
        "timestamp": clock.now().isoformat(),
        "data": {"merchant_id": merchant_id, "message": "A test of this endpoint."},
    }
    return await webhook_store.insert_delivery(
        connection, endpoint, event_id=uuid4().hex, event=TEST, kind=None, body=json.dumps(body)
    )
