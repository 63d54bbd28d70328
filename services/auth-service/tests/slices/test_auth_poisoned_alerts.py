"""One row that a job of alerts fails on leaves the others unharmed."""

import pytest

from auth_service.alerts import tell
from auth_service.mailing import send_mails
from auth_service.mailing import store as mail_store
from auth_service.mailing.content import Content
from auth_service.sealing.rewrap import rewrap_next
from auth_service.sealing.token_vault import TokenVault
from auth_service.troubles import change
from auth_service.troubles.texts.describe import describe
from auth_service.troubles.trouble import Found, Trouble
from auth_service.webhooks import deliver
from auth_service.webhooks import store as webhook_store
from stack.sandbox import Sandbox
from stack.testing import NewDatabase

from ..alerts_harness import Alerts, running_alerts, running_receiver
from ..auth_harness import MASTER_KEY, migrate

POISON = "feed/poison"
NEW_KEY = "k2:" + "Mg" * 21 + "I="


class Poisoned(Exception):
    """About the data of one row."""


def poisoned(trouble: Trouble | Found, language: str) -> object:
    if trouble.subject == POISON:
        raise Poisoned
    return describe(trouble, language)  # type: ignore[arg-type]


async def failed(alerts: Alerts) -> list[str]:
    rows = await alerts.auth.pool.fetch("SELECT DISTINCT job FROM failed_row ORDER BY job")
    return [row["job"] for row in rows]


async def test_tend_troubles(alerts: Alerts, monkeypatch: pytest.MonkeyPatch) -> None:
    for subject in ("feed/a", POISON, "feed/b"):
        await alerts.condition(subject=subject)
        await alerts.condition(subject=subject, present=False)
    alerts.after(minutes=31)
    monkeypatch.setattr(change, "describe", poisoned)
    await alerts.auth.run("tend-troubles")
    rows = await alerts.auth.pool.fetch("SELECT subject FROM trouble WHERE closed_at IS NULL")
    assert [row["subject"] for row in rows] == [POISON]
    assert await failed(alerts) == ["tend-troubles"]


async def test_tell(alerts: Alerts, monkeypatch: pytest.MonkeyPatch) -> None:
    await alerts.auth.register("zara")
    await alerts.auth.member()
    good = await alerts.auth.member(merchant_id="zara")
    await alerts.condition(subject=POISON)
    await alerts.condition(merchant_id="zara")
    monkeypatch.setattr(tell, "describe", poisoned)
    await alerts.tell()
    assert len(await alerts.mails(good.email)) == len(await alerts.mails()) == 1
    assert await failed(alerts) == ["tell"]


async def test_send_mails(alerts: Alerts, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("feed_idle", "drift", "run_withheld"):
        await alerts.condition(kind)
    await alerts.auth.member()
    await alerts.auth.run("tell")

    def fails_once(*arguments: object) -> Content:
        monkeypatch.undo()
        raise Poisoned

    monkeypatch.setattr(send_mails, "content_of", fails_once)
    await alerts.auth.run("send-mails")
    assert len(await alerts.mails()) == 2
    assert await failed(alerts) == ["send-mails"]


async def test_deliver_webhooks(
    database: NewDatabase,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    _own_clock: None,  # noqa: PT019 - its order matters
) -> None:
    async with running_receiver() as receiver:
        allowed = receiver.url.removeprefix("http://")
        url = await database(migrate)
        async with running_alerts(url, sandbox, webhook_allowed_hosts=allowed) as alerts:
            headers = alerts.auth.bearer("webhooks:write", merchant_id="shein")
            made = await alerts.auth.http.post(
                "/v1/merchants/shein/webhooks", headers=headers, json={"url": receiver.url}
            )
            receiver.secret = made.json()["secret"]
            for kind in ("feed_idle", "drift", "run_withheld"):
                await alerts.condition(kind)
            await alerts.auth.run("tell")

            def fails_once(*arguments: object) -> dict[str, str]:
                monkeypatch.undo()
                raise Poisoned

            monkeypatch.setattr(deliver, "signed_headers", fails_once)
            await alerts.auth.run("deliver-webhooks")
            assert len(receiver.taken) == 2
            assert await failed(alerts) == ["deliver-webhooks"]


async def test_rotate_keys(alerts: Alerts) -> None:
    headers = alerts.auth.bearer("webhooks:write", merchant_id="shein")
    for number in range(3):
        await alerts.auth.http.post(
            "/v1/merchants/shein/webhooks",
            headers=headers,
            json={"url": f"https://hooks.example/{number}"},
        )
        await alerts.condition(subject=f"feed/{number}")
    await alerts.auth.member()
    await alerts.auth.run("tell")
    pool = alerts.auth.pool
    for table, key in (("mail", "mail_id"), ("webhook_secret", "secret_id")):
        await pool.execute(
            f"UPDATE {table} SET wrapped_key = $1 WHERE {key} = (SELECT min({key}) FROM {table})",
            b"\x00" * 40,
        )
    vault = TokenVault.parse(f"{NEW_KEY},{MASTER_KEY}")
    while await rewrap_next(pool, vault, mail_store.SEALED) or await rewrap_next(
        pool, vault, webhook_store.SEALED
    ):
        pass
    for table in ("mail", "webhook_secret"):
        rows = await pool.fetch(f"SELECT sealed_under FROM {table} ORDER BY sealed_under")
        assert [row["sealed_under"] for row in rows] == ["k1", "k2", "k2"]
    assert await failed(alerts) == ["rotate-mail-keys", "rotate-webhook-keys"]
