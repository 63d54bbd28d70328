"""Signing in, sessions, forgotten passwords, and a second factor."""

import time
from datetime import timedelta
from statistics import median

import jwt
import pytest
from structlog.testing import capture_logs

from auth_service.sealing.token_vault import SealBroken, SealedToken
from auth_service.second_factor.store import FactorOwner
from auth_service.second_factor.totp import code_at, step_of
from auth_service.sessions.passwords import Cost, Passwords, Verdict
from common import clock

from ..auth_harness import Auth
from ..people_harness import (
    PASSWORD,
    Mailbox,
    SignedIn,
    audited,
    join,
    pass_time,
    sign_in,
    token,
    try_sign_in,
)

pytestmark = pytest.mark.usefixtures("_own_clock")
NEW = "other words nobody guesses"


async def status(auth: Auth, person: SignedIn) -> int:
    return (await auth.http.get("/v1/me", headers=person.headers)).status_code


async def test_a_session_is_exchanged_for_a_token_as_api_clients_get_them(auth: Auth) -> None:
    await auth.register()
    person = await join(auth, "a@shein.example", "agent")
    answer = await auth.http.post("/v1/sessions/token", json={}, headers=person.headers)
    given = answer.json()
    assert (given["merchant_id"], given["role"], given["expires_in"]) == ("shein", "agent", 600)
    claims = jwt.decode(given["access_token"], options={"verify_signature": False})
    assert claims["sub"] == f"person:{person.person_id}"
    assert claims["merchant"] == "shein"
    assert claims["email"] == "a@shein.example"
    assert set(claims["scope"].split()) == set(given["scopes"])
    assert {"feeds:run", "orders:ship", "alerts:write"} <= set(given["scopes"])
    assert not {"feeds:write", "shops:write", "members:read"} & set(given["scopes"])


async def test_for_which_of_several_merchants_has_to_be_said(auth: Auth) -> None:
    for merchant in ("shein", "other"):
        await auth.register(merchant)
    person = await join(auth, "a@shein.example", "viewer")
    second = await auth.http.post(
        "/v1/merchants/other/members",
        json={"email": person.email, "role": "owner"},
        headers=auth.operator,
    )
    link = second.json()["link"].partition("link=")[2]
    await auth.http.post("/v1/invitations/accept", json={"link": link})
    unsaid = await auth.http.post("/v1/sessions/token", json={}, headers=person.headers)
    assert (unsaid.status_code, unsaid.json()["field"]) == (422, "merchant_id")
    assert await token(auth, person, "other")
    unknown = await auth.http.post(
        "/v1/sessions/token", json={"merchant_id": "third"}, headers=person.headers
    )
    assert unknown.status_code == 404


async def test_every_sign_in_makes_a_session_of_its_own_and_stores_its_hash(auth: Auth) -> None:
    await auth.register()
    first = await join(auth, "a@shein.example")
    second = await sign_in(auth, "a@shein.example")
    assert first.secret != second.secret
    # a session that somebody planted with the request is not taken over
    planted = await auth.http.post(
        "/v1/sessions",
        json={"email": first.email, "password": PASSWORD},
        headers={"authorization": f"Bearer {'A' * 43}"},
    )
    assert planted.json()["session"] not in {"A" * 43, first.secret, second.secret}
    stored = str(await auth.pool.fetch("SELECT * FROM person_session"))
    assert first.secret not in stored
    shown = (await auth.http.get("/v1/me/sessions", headers=second.headers)).json()["items"]
    assert [
        (s["is_this"], s["address"]) for s in shown if s["session_id"] == second.session_id
    ] == [(True, "127.0.0.1")]
    assert len(shown) == 3


async def test_a_session_ends_when_idle_and_in_any_case(auth: Auth) -> None:
    await auth.register()
    idle = await join(auth, "a@shein.example")
    pass_time(timedelta(hours=12, seconds=1))
    assert await status(auth, idle) == 401
    used = await sign_in(auth, "a@shein.example")
    for _ in range(30):
        pass_time(timedelta(hours=11))
        assert await status(auth, used) == 200
    pass_time(timedelta(hours=6, seconds=1))
    assert await status(auth, used) == 401


async def test_sessions_are_ended_one_by_one_and_all(auth: Auth) -> None:
    await auth.register()
    first = await join(auth, "a@shein.example")
    second, third = [await sign_in(auth, first.email) for _ in range(2)]
    stranger = await join(auth, "b@shein.example")
    foreign = await auth.http.delete(
        f"/v1/me/sessions/{second.session_id}", headers=stranger.headers
    )
    assert foreign.status_code == 404
    ended = await auth.http.delete(f"/v1/me/sessions/{second.session_id}", headers=first.headers)
    assert ended.status_code == 204
    assert [await status(auth, each) for each in (first, second, third)] == [200, 401, 200]
    others = await auth.http.delete("/v1/me/sessions?others=true", headers=first.headers)
    assert others.json() == {"ended": 1}
    assert [await status(auth, each) for each in (first, third)] == [200, 401]
    current = await auth.http.delete("/v1/me/sessions/current", headers=first.headers)
    assert current.status_code == 204
    assert await status(auth, first) == 401
    assert await status(auth, stranger) == 200
    by_operator = f"/v1/people/{stranger.person_id}/sessions"
    assert len((await auth.http.get(by_operator, headers=auth.operator)).json()["items"]) == 1
    assert (await auth.http.delete(by_operator, headers=auth.operator)).json() == {"ended": 1}
    assert await status(auth, stranger) == 401


async def test_a_changed_password_ends_all_other_sessions(auth: Auth) -> None:
    await auth.register()
    mine = await join(auth, "a@shein.example")
    other = await sign_in(auth, "a@shein.example")
    wrong = {"current": "not this one at all", "password": NEW}
    refused = await auth.http.put("/v1/me/password", json=wrong, headers=mine.headers)
    assert refused.status_code == 401
    right = {"current": PASSWORD, "password": NEW}
    changed = await auth.http.put("/v1/me/password", json=right, headers=mine.headers)
    assert changed.status_code == 204
    assert [await status(auth, each) for each in (mine, other)] == [200, 401]
    assert (await try_sign_in(auth, mine.email)).status_code == 401
    assert await sign_in(auth, mine.email, NEW)


async def test_a_forgotten_password_is_set_anew_once_by_the_mailed_link(
    mailbox: Mailbox, auth: Auth
) -> None:
    await auth.register()
    person = await join(auth, "a@shein.example")
    mailbox.mails.clear()
    for email in ("A@shein.example", "nobody@shein.example", "no address"):
        answer = await auth.http.post("/v1/password/forgot", json={"email": email})
        assert (answer.status_code, answer.content) == (202, b"null")
    [mail] = mailbox.mails
    assert (mail.to, mail.template) == ("a@shein.example", "reset")
    body = {"link": mail.secret, "password": NEW}
    assert (await auth.http.post("/v1/invitations/accept", json=body)).status_code == 410
    assert (await auth.http.post("/v1/password/reset", json=body)).status_code == 204
    assert (await auth.http.post("/v1/password/reset", json=body)).status_code == 410
    assert await status(auth, person) == 401
    assert await sign_in(auth, person.email, NEW)

    for _ in range(5):  # nobody's mail is flooded
        await auth.http.post("/v1/password/forgot", json={"email": person.email})
    assert len(mailbox.mails) == 3
    pass_time(timedelta(hours=1, seconds=1))
    body["link"] = mailbox.mails[-1].secret
    assert (await auth.http.post("/v1/password/reset", json=body)).status_code == 410


async def test_nobody_learns_whether_an_account_exists(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.register()
    await join(auth, "a@shein.example")
    await auth.http.post(
        "/v1/merchants/shein/members",
        json={"email": "invited@shein.example", "role": "viewer"},
        headers=auth.operator,
    )
    hashed = []
    verify = Passwords.verify

    async def counted(self: Passwords, stored: str | None, password: str) -> Verdict:
        hashed.append(stored is None)
        return await verify(self, stored, password)

    monkeypatch.setattr(Passwords, "verify", counted)
    answers = set()
    for email in ("a@shein.example", "invited@shein.example", "nobody@x.example", "no address"):
        answer = await try_sign_in(auth, email, "not the password")
        answers.add((answer.status_code, answer.content))
    assert len(answers) == 1
    assert hashed == [False, True, True, True]


async def test_who_has_no_account_costs_the_same_work() -> None:
    passwords = Passwords(Cost(memory_kib=16_384, passes=3, lanes=1))
    stored = await passwords.hash(PASSWORD)
    taken: dict[str | None, list[float]] = {stored: [], None: []}
    for _ in range(7):
        for each, times in taken.items():  # in turns, so that a busy machine is busy for both
            began = time.perf_counter()
            assert not (await passwords.verify(each, "not the password")).is_right
            times.append(time.perf_counter() - began)
    passwords.close()
    assert 0.4 < median(taken[stored]) / median(taken[None]) < 2.5


async def test_too_many_wrong_passwords_are_answered_429_for_everybody_alike(auth: Auth) -> None:
    await auth.register()
    await join(auth, "a@shein.example")
    for email in ("a@shein.example", "nobody@shein.example"):
        wrong = [
            (await try_sign_in(auth, email, "wrong, wrong, wrong")).status_code for _ in range(11)
        ]
        assert wrong == [401] * 10 + [429]
        held = await try_sign_in(auth, email)
        assert held.status_code == 429
        assert 0 < int(held.headers["retry-after"]) <= 60


async def test_a_hash_of_other_parameters_is_made_again_at_the_next_sign_in(auth: Auth) -> None:
    await auth.register()
    await join(auth, "a@shein.example")
    other = await Passwords(Cost(memory_kib=16, passes=2, lanes=1)).hash(PASSWORD)
    await auth.pool.execute("UPDATE person_password SET hash = $1", other)
    assert await sign_in(auth, "a@shein.example")
    stored = await auth.pool.fetchval("SELECT hash FROM person_password")
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert await sign_in(auth, "a@shein.example")


async def test_one_changes_ones_own_profile(auth: Auth) -> None:
    await auth.register()
    person = await join(auth, "a@shein.example")
    wanted = {"display_name": "Ana", "language": "es", "time_zone": "Europe/Madrid"}
    changed = await auth.http.put("/v1/me", json=wanted, headers=person.headers)
    assert changed.status_code == 200
    assert changed.json().items() >= wanted.items()
    refused = await auth.http.put(
        "/v1/me", json=wanted | {"time_zone": "Moon"}, headers=person.headers
    )
    assert refused.status_code == 422


async def enrolled(auth: Auth, person: SignedIn) -> tuple[str, list[str]]:
    """The secret of a factor in use, and its recovery codes."""
    made = await auth.http.post(
        "/v1/me/second-factor", json={"password": PASSWORD}, headers=person.headers
    )
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    assert secret in made.json()["uri"]
    code = code_at(secret, step_of(clock.now()))
    confirmed = await auth.http.post(
        "/v1/me/second-factor/confirm", json={"code": code}, headers=person.headers
    )
    assert confirmed.status_code == 200, confirmed.text
    return secret, confirmed.json()["recovery_codes"]


def slug(answer: object) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]  # type: ignore[attr-defined]


async def test_a_code_is_asked_for_once_a_factor_is_confirmed_and_taken_once(auth: Auth) -> None:
    await auth.register()
    person = await join(auth, "a@shein.example")
    await auth.http.post(
        "/v1/me/second-factor", json={"password": PASSWORD}, headers=person.headers
    )
    assert await sign_in(auth, person.email)  # not confirmed yet
    secret, _ = await enrolled(auth, person)

    assert slug(await try_sign_in(auth, person.email)) == "code-needed"
    used = code_at(secret, step_of(clock.now()))
    assert slug(await try_sign_in(auth, person.email, code=used)) == "code-wrong"
    ahead = code_at(secret, step_of(clock.now()) + 1)
    assert await sign_in(auth, person.email, code=ahead)
    assert slug(await try_sign_in(auth, person.email, code=ahead)) == "code-wrong"
    pass_time(timedelta(minutes=3))
    for off, expected in ((-2, 401), (2, 401), (-1, 201)):
        code = code_at(secret, step_of(clock.now()) + off)
        assert (await try_sign_in(auth, person.email, code=code)).status_code == expected
    # without the right password a code says nothing
    fresh = code_at(secret, step_of(clock.now()))
    refused = await try_sign_in(auth, person.email, "not the password", fresh)
    assert slug(refused) == "sign-in-refused"


async def test_recovery_codes_are_good_once(auth: Auth) -> None:
    await auth.register()
    person = await join(auth, "a@shein.example")
    _, codes = await enrolled(auth, person)
    assert len(set(codes)) == 10
    assert await sign_in(auth, person.email, code=codes[0].upper().replace("-", " "))
    assert slug(await try_sign_in(auth, person.email, code=codes[0])) == "code-wrong"
    assert await sign_in(auth, person.email, code=codes[1])
    assert len(await audited(auth, "second-factor.recovery-code-used")) == 2
    stored = str(await auth.pool.fetch("SELECT * FROM recovery_code"))
    assert codes[2] not in stored


async def test_wrong_codes_are_throttled_like_passwords(auth: Auth) -> None:
    await auth.register()
    person = await join(auth, "a@shein.example")
    await enrolled(auth, person)
    tried = [
        (await try_sign_in(auth, person.email, code=f"{n:06d}")).status_code for n in range(11)
    ]
    assert tried[-1] == 429


async def test_a_factor_is_sealed_for_its_person_and_disabled_by_the_password(auth: Auth) -> None:
    await auth.register()
    person = await join(auth, "a@shein.example")
    secret, _ = await enrolled(auth, person)
    row = await auth.pool.fetchrow("SELECT * FROM second_factor")
    assert row is not None
    assert secret.encode() not in row["ciphertext"]
    sealed = SealedToken(row["sealed_under"], row["wrapped_key"], row["nonce"], row["ciphertext"])
    assert auth.vault.open(sealed, FactorOwner(person.person_id)) == secret
    with pytest.raises(SealBroken):
        auth.vault.open(sealed, FactorOwner("another"))

    again = await auth.http.post(
        "/v1/me/second-factor", json={"password": PASSWORD}, headers=person.headers
    )
    assert again.status_code == 409
    path = "/v1/me/second-factor/disable"
    wrong = await auth.http.post(path, json={"password": "wrong"}, headers=person.headers)
    assert wrong.status_code == 401
    right = await auth.http.post(path, json={"password": PASSWORD}, headers=person.headers)
    assert right.status_code == 204
    assert await sign_in(auth, person.email)
    assert not await auth.pool.fetchval("SELECT count(*) FROM recovery_code")


async def test_no_secret_of_a_person_is_in_a_log_or_an_audit_row(
    mailbox: Mailbox, auth: Auth, capfd: pytest.CaptureFixture[str]
) -> None:
    await auth.register()
    with capture_logs() as logs:
        person = await join(auth, "a@shein.example")
        secret, codes = await enrolled(auth, person)
        bearer = (await token(auth, person))["authorization"]
        await try_sign_in(auth, person.email, code=codes[0])
        await try_sign_in(auth, person.email, "wrong, wrong, wrong")
        await auth.http.post("/v1/password/forgot", json={"email": person.email})
    rows = await auth.pool.fetch("SELECT * FROM audit")
    written = f"{logs}{capfd.readouterr()}{rows}"
    links = [mail.secret for mail in mailbox.mails]
    assert len(links) == 1 + 1
    for canary in (PASSWORD, person.secret, secret, *codes, bearer, *links):
        assert canary not in written
