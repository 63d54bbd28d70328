"""Mails are sent once, outlive a mail server that is away, and keep their links to themselves."""

import re
from contextlib import suppress
from datetime import timedelta

import pytest

from auth_service.mailing.queue_mail import MailQueue
from common import clock
from common.failpoints import FailpointError, arm
from common.postgres.acting import acting_for
from common.postgres.unit_of_work import unit_of_work
from stack.ports import free_port
from stack.sandbox import Sandbox
from stack.testing import NewDatabase

from ..alerts_harness import Alerts, running_alerts
from ..auth_harness import migrate

LINK = "https://auth.example/v1/invitation?secret=canary-4711"


async def queue(alerts: Alerts, to: str = "ada@acme.example", language: str = "en") -> None:
    parameters = {
        "name": "Ada",
        "merchant": "Acme",
        "link": LINK,
        "expires_at": clock.now().isoformat(),
    }
    async with unit_of_work(alerts.auth.pool) as connection:
        await MailQueue(alerts.auth.vault).queue_mail(
            connection, to, "invitation", language, parameters
        )


async def states(alerts: Alerts) -> list[tuple[str, int]]:
    rows = await alerts.auth.pool.fetch(
        "SELECT state, attempts FROM mail ORDER BY queued_at, mail_id"
    )
    return [(row["state"], row["attempts"]) for row in rows]


async def stored(alerts: Alerts) -> str:
    return str(await alerts.auth.pool.fetch("SELECT * FROM mail"))


async def test_a_mail_arrives_and_its_link_is_stored_nowhere(alerts: Alerts) -> None:
    await queue(alerts, language="fr")
    assert "canary" not in await stored(alerts)
    await alerts.auth.run("send-mails")
    [mail] = await alerts.mails()
    assert mail["recipients"] == ["ada@acme.example"]
    assert mail["subject"] == "Vous êtes invité à travailler pour Acme"
    assert LINK in mail["text"]
    assert LINK in mail["html"]
    assert re.fullmatch(r"<[0-9a-f]{32}@channel\.example>", mail["message_id"])
    assert await states(alerts) == [("sent", 1)]
    row = await alerts.auth.pool.fetchrow("SELECT sealed_under, ciphertext FROM mail")
    assert row is not None
    assert tuple(row) == (None, None)


async def test_a_transaction_that_fails_sends_nothing(alerts: Alerts) -> None:
    with suppress(ZeroDivisionError):
        async with unit_of_work(alerts.auth.pool) as connection:
            await MailQueue(alerts.auth.vault).queue_mail(
                connection, "ada@acme.example", "test", "en", {"name": "Acme"}
            )
            raise ZeroDivisionError
    await alerts.auth.run("send-mails")
    assert await alerts.mails() == []


async def test_a_merchant_sees_its_own_mails_alone(alerts: Alerts) -> None:
    with acting_for("shein"):
        await queue(alerts)
    row = await alerts.auth.pool.fetchval("SELECT merchant_id FROM mail")
    assert row == "shein"


@pytest.mark.parametrize("place", ["mail.after-claim", "mail.after-send"])
async def test_a_mail_whose_sender_was_killed_is_sent_and_recognisable(
    alerts: Alerts, place: str
) -> None:
    await queue(alerts)
    arm(f"{place}=error")
    with pytest.raises(FailpointError):
        await alerts.auth.run("send-mails")
    assert await states(alerts) == [("sending", 1)]
    await alerts.auth.run("send-mails")
    assert await states(alerts) == [("sending", 1)], "its claim stands still"
    await alerts.auth.pool.execute("UPDATE mail SET claimed_until = $1", clock.wall_now())
    await alerts.auth.run("send-mails")
    [mail] = await alerts.mails()
    assert mail["times"] == (2 if place == "mail.after-send" else 1)
    assert await states(alerts) == [("sent", 2)]


async def test_a_process_that_starts_again_takes_its_claims_back(
    alerts: Alerts, database: NewDatabase
) -> None:
    await queue(alerts)
    until = clock.wall_now() + timedelta(minutes=1)
    holder = alerts.auth.settings.instance_id
    await alerts.auth.pool.execute(
        "UPDATE mail SET state = 'sending', claimed_until = $1, claimed_by = $2", until, holder
    )
    await alerts.auth.run("send-mails")
    assert len(await alerts.mails()) == 1


async def test_a_mail_the_server_does_not_take_now_is_tried_again_over_a_day(
    alerts: Alerts,
) -> None:
    await queue(alerts)
    await alerts.refuse_mails(451, 3)
    for _ in range(3):
        await alerts.auth.run("send-mails")
        alerts.after(hours=1)
    assert await alerts.mails() == []
    await alerts.auth.run("send-mails")
    assert len(await alerts.mails()) == 1
    assert await states(alerts) == [("sent", 4)]

    await queue(alerts)
    await alerts.refuse_mails(451, 1_000)
    for _ in range(30):
        await alerts.auth.run("send-mails")
        alerts.after(hours=2)
    state, attempts = (await states(alerts))[1]
    assert state == "given_up"
    assert attempts >= 8
    assert "canary" not in await stored(alerts)


async def test_a_mail_the_server_refuses_is_given_up_and_its_neighbours_go_out(
    alerts: Alerts,
) -> None:
    for number in range(7):
        await queue(alerts, f"p{number}@acme.example")
    await alerts.refuse_mails(550, 1)
    await alerts.auth.run("send-mails")
    assert sorted(state for state, _ in await states(alerts)) == ["given_up"] + ["sent"] * 6
    assert len(await alerts.mails()) == 6


@pytest.mark.usefixtures("_own_clock")
async def test_without_a_server_mails_are_kept_for_a_week(
    database: NewDatabase, sandbox: Sandbox
) -> None:
    async with running_alerts(await database(migrate), sandbox, smtp_host="") as alerts:
        await queue(alerts)
        await alerts.auth.run("send-mails", "forget-mails")
        assert await states(alerts) == [("due", 0)]
        alerts.after(days=8)
        await alerts.auth.run("forget-mails")
        assert await states(alerts) == []


@pytest.mark.usefixtures("_own_clock")
async def test_while_the_server_is_away_nothing_is_lost(
    database: NewDatabase, sandbox: Sandbox
) -> None:
    url = await database(migrate)
    async with running_alerts(url, sandbox, smtp_port=free_port()) as alerts:
        for number in range(3):
            await queue(alerts, f"p{number}@acme.example")
        await alerts.auth.run("send-mails")
        assert await states(alerts) == [("due", 1)] * 3
    async with running_alerts(url, sandbox) as alerts:
        alerts.after(minutes=1)
        await alerts.auth.run("send-mails")
        assert len(await alerts.mails()) == 3


@pytest.mark.usefixtures("_own_clock")
async def test_a_new_master_key_takes_waiting_mails_over(
    database: NewDatabase, sandbox: Sandbox
) -> None:
    url = await database(migrate)
    async with running_alerts(url, sandbox, smtp_host="") as alerts:
        await queue(alerts)
    new = "k2:" + "Mg" * 21 + "I="
    former = alerts.auth.settings.master_keys.get_secret_value()
    async with running_alerts(url, sandbox, master_keys=f"{new},{former}", smtp_host="") as alerts:
        await alerts.auth.run("rotate-mail-keys")
    async with running_alerts(url, sandbox, master_keys=new) as alerts:
        await alerts.auth.run("send-mails")
        assert len(await alerts.mails()) == 1
