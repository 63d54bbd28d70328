"""People are invited, join, and manage who works for their merchant."""

import asyncio
from datetime import timedelta

import pytest

from auth_service.invitations.bootstrap import bootstrap_operator
from auth_service.invitations.invite_person import Sender
from auth_service.people.person import Member
from auth_service.people.store import members_of
from common.postgres.unit_of_work import reading

from ..auth_harness import Auth
from ..people_harness import (
    PASSWORD,
    Mailbox,
    accept,
    audited,
    invited,
    join,
    pass_time,
    sign_in,
    token,
    try_sign_in,
)

pytestmark = pytest.mark.usefixtures("_own_clock")
MEMBERS = "/v1/merchants/shein/members"


async def members(auth: Auth) -> list[Member]:
    async with reading(auth.pool) as connection:
        return await members_of(connection, "shein")


async def test_an_owner_invites_a_colleague_who_joins_by_the_mailed_link(
    mailbox: Mailbox, auth: Auth
) -> None:
    await auth.register()
    owner = await join(auth, "Owner@Shein.example")
    headers = await token(auth, owner, "shein")
    answer = await auth.http.post(
        MEMBERS,
        json={"email": " Agent@shein.EXAMPLE ", "role": "agent", "language": "fr"},
        headers=headers,
    )
    assert answer.status_code == 201
    assert answer.json()["link"] is None  # the mail's reader joins, not who invites
    mail = mailbox.mails[-1]
    assert (mail.to, mail.template, mail.language) == ("agent@shein.example", "invitation", "fr")
    assert mail.parameters.keys() == {"name", "link", "expires_at", "merchant"}

    assert [m.email for m in await members(auth)] == ["owner@shein.example"]
    listed = (await auth.http.get(MEMBERS, headers=headers)).json()["items"]
    assert [(m["email"], m["display_name"]) for m in listed] == [
        ("agent@shein.example", None),
        ("owner@shein.example", "owner"),
    ]
    assert (await accept(auth, mail.secret)).status_code == 204
    joined = await members(auth)
    assert [(m.email, m.role, m.language) for m in joined] == [
        ("agent@shein.example", "agent", "fr"),
        ("owner@shein.example", "owner", "en"),
    ]
    [row] = (await audited(auth, "member.joined"))[-1:]
    assert (row["actor_email"], row["merchant_id"]) == ("agent@shein.example", "shein")
    [row] = (await audited(auth, "member.invited"))[-1:]
    assert row["actor"] == f"person:{owner.person_id}"
    assert row["actor_email"] == "owner@shein.example"
    assert row["address"] == "127.0.0.1"


async def test_a_link_opens_once_for_its_purpose_and_for_a_while(auth: Auth) -> None:
    await auth.register()
    link = await invited(auth, "a@shein.example")
    reset = {"link": link, "password": PASSWORD}
    assert (await auth.http.post("/v1/password/reset", json=reset)).status_code == 410
    assert (await accept(auth, link)).status_code == 204
    assert (await accept(auth, link)).status_code == 410
    assert (await accept(auth, "A" * 43)).status_code == 410

    late = await invited(auth, "b@shein.example")
    pass_time(timedelta(days=7, seconds=1))
    assert (await accept(auth, late)).status_code == 410
    assert (await try_sign_in(auth, "b@shein.example")).status_code == 401


async def test_only_the_newest_invitation_opens_and_none_once_it_is_taken_back(auth: Auth) -> None:
    await auth.register()
    first = await invited(auth, "a@shein.example", "viewer")
    second = await invited(auth, "a@shein.example", "agent")
    assert (await accept(auth, first)).status_code == 410
    [member] = (await auth.http.get(MEMBERS, headers=auth.operator)).json()["items"]
    await auth.http.delete(f"{MEMBERS}/{member['person_id']}", headers=auth.operator)
    assert (await accept(auth, second)).status_code == 410


async def test_two_who_open_a_link_at_once_set_one_password(auth: Auth) -> None:
    await auth.register()
    link = await invited(auth, "a@shein.example")
    answers = await asyncio.gather(
        *(accept(auth, link, f"{PASSWORD} {number}") for number in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 410, 410, 410]


async def test_who_has_a_password_joins_another_merchant_without_one(auth: Auth) -> None:
    await auth.register()
    await auth.register("other")
    person = await join(auth, "a@shein.example")
    link = await invited(auth, "A@shein.example", "viewer", "other")
    assert (await accept(auth, link, None)).status_code == 204
    me = (await auth.http.get("/v1/me", headers=person.headers)).json()
    assert me["memberships"] == [
        {"merchant_id": "other", "role": "viewer"},
        {"merchant_id": "shein", "role": "owner"},
    ]
    assert await sign_in(auth, "a@shein.example")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody", "role": "owner"}, "email"),
        ({"email": "a b@x.example", "role": "owner"}, "email"),
        ({"email": "a@x.example", "role": "boss"}, "role"),
        ({"email": "a@x.example", "role": "owner", "language": "de"}, "language"),
        ({"email": "a@x.example", "role": "owner", "time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
async def test_what_is_no_invitation_is_refused(
    auth: Auth, body: dict[str, str], field: str
) -> None:
    await auth.register()
    answer = await auth.http.post(MEMBERS, json=body, headers=auth.operator)
    assert answer.status_code == 422
    assert field in answer.text


@pytest.mark.parametrize("password", ["short", "a@shein.example", "aaaaaaaaaaaaaaa", "x" * 1_001])
async def test_a_password_that_is_none_leaves_the_link_usable(auth: Auth, password: str) -> None:
    await auth.register()
    link = await invited(auth, "a@shein.example")
    refused = await accept(auth, link, password)
    assert (refused.status_code, refused.json()["field"]) == (422, "password")
    assert (await accept(auth, link, None)).status_code == 422
    assert (await accept(auth, link)).status_code == 204


async def test_the_last_owner_stays_one(auth: Auth) -> None:
    await auth.register()
    owner = await join(auth, "a@shein.example")
    headers = await token(auth, owner, "shein")
    mine = f"{MEMBERS}/{owner.person_id}"
    await invited(auth, "b@shein.example")  # one who has not accepted is none yet
    for answer in (
        await auth.http.delete(mine, headers=headers),
        await auth.http.put(mine, json={"role": "viewer"}, headers=headers),
        await auth.http.post(
            MEMBERS, json={"email": "a@shein.example", "role": "agent"}, headers=headers
        ),
    ):
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (
            409,
            "last-owner",
        )


async def test_of_two_owners_who_leave_at_once_one_stays(auth: Auth) -> None:
    await auth.register()
    owners = [await join(auth, f"{name}@shein.example") for name in "abc"]
    answers = await asyncio.gather(
        *(
            auth.http.delete(f"{MEMBERS}/{owner.person_id}", headers=auth.operator)
            for owner in owners
        )
    )
    assert sorted(answer.status_code for answer in answers) == [204, 204, 409]
    assert len(await members(auth)) == 1


async def test_a_role_that_changed_holds_from_the_next_token_on(auth: Auth) -> None:
    await auth.register()
    await join(auth, "a@shein.example")
    person = await join(auth, "b@shein.example")
    changed = await auth.http.put(
        f"{MEMBERS}/{person.person_id}", json={"role": "viewer"}, headers=auth.operator
    )
    assert changed.status_code == 204
    headers = await token(auth, person, "shein")
    assert (await auth.http.get(MEMBERS, headers=headers)).status_code == 403
    assert (await auth.http.get("/v1/merchants/shein", headers=headers)).status_code == 200
    assert (await auth.http.get("/v1/merchants/other", headers=headers)).status_code == 404
    assert (
        await auth.http.delete(f"{MEMBERS}/{person.person_id}", headers=auth.operator)
    ).status_code == 204
    gone = await auth.http.post(
        "/v1/sessions/token", json={"merchant_id": "shein"}, headers=person.headers
    )
    assert gone.status_code == 404


async def test_operators_invite_operators_and_the_last_one_stays(auth: Auth) -> None:
    first = await join(auth, "ops@channel.example", None)
    headers = await token(auth, first)
    assert (await auth.http.get("/v1/merchants", headers=headers)).status_code == 200
    path = f"/v1/operators/{first.person_id}"
    assert (await auth.http.delete(path, headers=headers)).status_code == 409
    second = await join(auth, "night@channel.example", None)
    assert (await auth.http.delete(path, headers=headers)).status_code == 204
    listed = (await auth.http.get("/v1/operators", headers=headers)).json()["items"]
    assert [person["person_id"] for person in listed] == [second.person_id]
    found = await auth.http.get("/v1/people", params={"limit": 1}, headers=headers)
    assert found.json()["next_cursor"]
    only = await auth.http.get(
        "/v1/people", params={"email": "OPS@channel.example"}, headers=headers
    )
    assert [person["is_operator"] for person in only.json()["items"]] == [False]


async def test_the_first_operators_link_is_printed_once(
    auth: Auth, capsys: pytest.CaptureFixture[str]
) -> None:
    sender = Sender("http://127.0.0.1:8001", Mailbox())
    await asyncio.gather(
        *(bootstrap_operator(auth.pool, sender, "First@channel.example") for _ in range(3))
    )
    [line] = [one for one in capsys.readouterr().out.splitlines() if "first@channel" in one]
    link = line.partition("link=")[2].split()[0]
    assert (await accept(auth, link)).status_code == 204
    await bootstrap_operator(auth.pool, sender, "first@channel.example")
    assert "first@channel" not in capsys.readouterr().out
    assert await token(auth, await sign_in(auth, "first@channel.example"))


async def test_an_owner_sees_who_changed_what_of_the_own_merchant(auth: Auth) -> None:
    await auth.register()
    await auth.register("other")
    owner = await join(auth, "a@shein.example")
    await join(auth, "b@other.example", "owner", "other")
    agent = await join(auth, "c@shein.example", "agent")
    path = "/v1/merchants/shein/audit"
    headers = await token(auth, owner, "shein")
    shown = (await auth.http.get(path, headers=headers)).json()["items"]
    assert [(row["action"], row["subject"]) for row in shown] == [
        ("member.joined", "c@shein.example"),
        ("member.invited", "c@shein.example"),
        ("member.joined", "a@shein.example"),
        ("member.invited", "a@shein.example"),
        ("merchant.registered", "shein"),
    ]
    assert shown[1]["details"] == {"role": "agent"}
    joined = (
        await auth.http.get(path, params={"action": "member.joined"}, headers=headers)
    ).json()["items"]
    assert [row["actor_email"] for row in joined] == ["c@shein.example", "a@shein.example"]
    for other in (
        await token(auth, agent, "shein"),
        auth.bearer("shops:read", merchant_id="shein"),
    ):
        assert (await auth.http.get(path, headers=other)).status_code == 403
    everything = (await auth.http.get("/v1/audit", headers=auth.operator)).json()["items"]
    assert {row["merchant_id"] for row in everything} == {"shein", "other", None}
    assert "four words" not in str(everything)
