"""REST over who is told of what, and tests of the channels."""

from typing import Annotated

from fastapi import APIRouter, Path

from auth_service.access import AlertReader
from auth_service.alerts import store
from auth_service.alerts.people import find_member
from auth_service.alerts.subscriptions import overrides_of, require_kinds
from auth_service.alerts.try_channels import send_test_delivery, send_test_mail
from auth_service.alerts.views import (
    ChoicesBody,
    Subscriptions,
    TestBody,
    TestView,
)
from auth_service.languages import language_of
from auth_service.mailing.queue_mail import MailQueue
from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.identity import IDENTIFIER_PATTERN, Caller, Identity, ScopeMissing
from common.web.routing import new_router

Reader = Annotated[
    str, Path(pattern=IDENTIFIER_PATTERN, description="A member, or `me`: the person who calls.")
]


def subscription_router(pool: Pool, mails: MailQueue) -> APIRouter:
    """The routes of this slice."""
    router = new_router(tags=["alerts"])

    @router.get("/v1/merchants/{merchant_id}/alerts/subscriptions/{person_id}")
    async def get_subscriptions(
        merchant_id: AlertReader, caller: Caller, person_id: Reader
    ) -> Subscriptions:
        """What a member is told of; others' only for operators."""
        async with reading(pool) as connection:
            member = await find_member(connection, merchant_id, caller, person_id)
            chosen = (await store.load_choices(connection, merchant_id)).get(member.person_id, {})
        return Subscriptions.of(member, chosen, language_of(member.language))

    @router.put("/v1/merchants/{merchant_id}/alerts/subscriptions/{person_id}")
    async def put_subscriptions(
        merchant_id: AlertReader, caller: Caller, person_id: Reader, body: ChoicesBody
    ) -> Subscriptions:
        """Choose what to be told of. Everybody may for themselves, operators for all."""
        require_kinds((choice.kind for choice in body.choices), "choices")
        async with unit_of_work(pool) as connection:
            member = await find_member(connection, merchant_id, caller, person_id)
            chosen = overrides_of(
                member.role, ((one.kind, one.channel, one.is_on) for one in body.choices)
            )
            await store.save_choices(connection, merchant_id, member.person_id, chosen)
            off = [f"{kind} {channel}" for (kind, channel), value in chosen.items() if not value]
            on = [f"{kind} {channel}" for (kind, channel), value in chosen.items() if value]
            await record(
                connection,
                "alert.subscriptions.saved",
                member.email,
                {"on": on, "off": off},
            )
        return Subscriptions.of(member, chosen, language_of(member.language))

    @router.post("/v1/merchants/{merchant_id}/alerts/test", status_code=202)
    async def try_channel(merchant_id: AlertReader, caller: Caller, body: TestBody) -> TestView:
        """Send a test mail to the person who asks, or a test event to a webhook endpoint."""
        async with unit_of_work(pool) as connection:
            if body.channel == "mail":
                to = await send_test_mail(connection, mails, merchant_id, caller, body.person_id)
                return TestView(channel="mail", to=to)
            endpoint_id = _require_endpoint(caller, body)
            delivery = await send_test_delivery(connection, merchant_id, endpoint_id)
        return TestView(
            channel="webhook", to=delivery.endpoint_id, delivery_id=delivery.delivery_id
        )

    return router


def _require_endpoint(caller: Identity, body: TestBody) -> str:
    """Whom to send the test to. Raises `ScopeMissing` and `Refusal`."""
    if not caller.may("webhooks:write"):
        raise ScopeMissing("webhooks:write")
    if body.endpoint_id is None:
        raise Refusal(
            "it is not said which endpoint",
            status=422,
            slug="endpoint-needed",
            field="endpoint_id",
            remedy="Send the id of one of the merchant's webhook endpoints.",
        )
    return body.endpoint_id
