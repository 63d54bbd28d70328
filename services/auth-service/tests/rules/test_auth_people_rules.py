"""Rules of people: addresses, roles, passwords, codes, and where a browser is sent."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.clients.scopes import MERCHANT_SCOPES, SCOPES_OF_ROLE
from auth_service.clients.throttle import FailureCounts, Limit
from auth_service.people.membership import LastOwner, require_owner_left
from auth_service.people.person import EmailUnusable, normal_email, require_time_zone
from auth_service.second_factor.totp import (
    code_at,
    hash_of_recovery_code,
    new_recovery_codes,
    step_of,
    step_of_code,
)
from auth_service.sessions.passwords import PasswordUnfit, require_good_password
from auth_service.sessions.throttle import PER_ACCOUNT, SignInThrottle, TooManySignIns
from common.errors import NotFound, Refusal
from common.web.identity import Identity

SECRET = base64.b32encode(b"12345678901234567890").decode()
"""Of the test values of RFC 6238, appendix B, and RFC 4226, appendix D."""
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("step", "code"),
    [
        *enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922"]),
        (1_111_111_109 // 30, "081804"),
        (20_000_000_000 // 30, "353130"),
    ],
)
def test_codes_are_those_of_the_rfcs(step: int, code: str) -> None:
    assert code_at(SECRET, step) == code


@given(off=st.integers(-5, 5), taken=st.none() | st.integers(-5, 5))
def test_a_code_is_taken_near_its_time_and_after_the_last_one(off: int, taken: int | None) -> None:
    current = step_of(NOW)
    found = step_of_code(
        SECRET,
        code_at(SECRET, current + off),
        NOW,
        after=None if taken is None else current + taken,
    )
    is_taken = abs(off) <= 1 and (taken is None or off > taken)
    assert found == (current + off if is_taken else None)


def test_recovery_codes_are_read_as_people_type_them() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    typed = f" {codes[0].upper().replace('-', '  ')} "
    assert hash_of_recovery_code("p", typed) == hash_of_recovery_code("p", codes[0])
    assert hash_of_recovery_code("q", codes[0]) != hash_of_recovery_code("p", codes[0])


@pytest.mark.parametrize(
    ("given_", "normal"),
    [
        ("A.B+c@Example.COM", "a.b+c@example.com"),
        ("  a@b ", "a@b"),
        ("cafe\u0301@b.example", "café@b.example"),
    ],
)
def test_an_address_has_one_form(given_: str, normal: str) -> None:
    assert normal_email(given_) == normal
    assert normal_email(normal) == normal


@pytest.mark.parametrize(
    "given_",
    [
        "",
        "a",
        "@b",
        "a@",
        "a b@c",
        "a@b@c",
        "Ana <a@b>",
        "a@b\n",
        "a\x00@b",
        "a,b@c",
        "a" * 65 + "@b",
        "a@" + "b" * 253,
    ],
)
def test_what_is_no_address_is_refused(given_: str) -> None:
    if given_ == "a@b\n":
        assert normal_email(given_) == "a@b"
        return
    with pytest.raises(EmailUnusable):
        normal_email(given_)


def test_time_zones_are_those_of_iana() -> None:
    assert require_time_zone("America/Los_Angeles") == "America/Los_Angeles"
    for name in ("", "../etc/passwd", "Mars/Olympus", "utc+1"):
        with pytest.raises(Refusal):
            require_time_zone(name)


@pytest.mark.parametrize("password", ["", "a" * 11, "a" * 50, "x" * 1_001, "Ana.Long@Shop.example"])
def test_passwords_that_are_none(password: str) -> None:
    with pytest.raises(PasswordUnfit):
        require_good_password(password, "ana.long@shop.example")


def test_long_passwords_of_any_characters_are_taken() -> None:
    for password in ("correct horse", "ß漢字ña éè 1234", "abc " * 250):
        require_good_password(password, "ana@shop.example")


@dataclass(frozen=True)
class Row:
    person_id: str
    role: str
    accepted_at: datetime | None


members = st.lists(
    st.builds(
        Row,
        st.sampled_from("abcd"),
        st.sampled_from(["owner", "agent", "viewer"]),
        st.none() | st.just(NOW),
    ),
    unique_by=lambda row: row.person_id,
)


@given(members, st.sampled_from("abcd"))
def test_a_merchant_that_has_an_owner_keeps_one(rows: list[Row], leaving: str) -> None:
    def owners(of: list[Row]) -> int:
        return sum(row.role == "owner" and row.accepted_at is not None for row in of)

    left = [row for row in rows if row.person_id != leaving]
    try:
        require_owner_left(rows, leaving)
    except NotFound:
        assert len(left) == len(rows)
    except LastOwner:
        assert owners(rows) == 1
        assert owners(left) == 0
    else:
        assert owners(left) > 0 or owners(rows) == 0


def test_each_role_may_what_the_one_below_may() -> None:
    viewer, agent, owner = (SCOPES_OF_ROLE[role] for role in ("viewer", "agent", "owner"))

    def may(scopes: frozenset[str], scope: str) -> bool:
        return Identity("x", "m", scopes).may(scope)

    assert all(scope.endswith(":read") for scope in viewer)
    assert all(may(agent, scope) for scope in viewer)
    assert all(may(owner, scope) for scope in agent)
    assert not any(scope.endswith(":write") for scope in agent - {"alerts:write"})
    assert owner >= MERCHANT_SCOPES
    assert not owner & {"operator", "token:read"}
    assert not any(scope.startswith(("members:", "clients:")) for scope in MERCHANT_SCOPES)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_an_account_is_held_back_from_everywhere_and_others_are_not() -> None:
    clock = Clock()
    throttle = SignInThrottle(clock)
    for number in range(PER_ACCOUNT):
        throttle.begin("a@x", f"10.0.0.{number}")
    with pytest.raises(TooManySignIns) as refused:
        throttle.begin("a@x", "10.9.9.9")
    assert refused.value.retry_after == timedelta(hours=1)
    throttle.begin("b@x", "10.9.9.9")
    clock.now += 3_601
    throttle.begin("a@x", "10.9.9.9")


def test_attempts_that_succeed_do_not_count() -> None:
    throttle = SignInThrottle(Clock())
    for _ in range(1_000):
        throttle.begin("a@x", "10.0.0.1")
        throttle.succeeded("a@x", "10.0.0.1")


def test_counts_never_fall_below_nothing() -> None:
    counts, limit = FailureCounts(Clock()), [Limit(("k",), 1)]
    counts.add(limit, -1)
    counts.add(limit)
    assert counts.wait_of(limit)
