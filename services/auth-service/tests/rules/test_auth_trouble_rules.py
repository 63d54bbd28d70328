"""Opened once, closed once; one mail or a digest; who is told; when to try again."""

import string
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.alerts.digest import MOST, WINDOW, plan
from auth_service.alerts.links import Links
from auth_service.alerts.subscriptions import (
    Channel,
    is_on,
    is_on_by_default,
    kinds_of,
    overrides_of,
)
from auth_service.languages import LANGUAGES
from auth_service.retries import GIVEN_UP_AFTER, next_attempt
from auth_service.troubles.damping import REMINDED_AFTER, Open, remind_after, steps
from auth_service.troubles.kinds import KINDS
from auth_service.troubles.texts.describe import TEXTS, describe
from auth_service.troubles.trouble import Found
from auth_service.webhooks.rules import name_of, require_endpoint_url, require_filters, wants
from common.contracts import condition
from common.errors import Refusal

START = datetime(2026, 11, 1, tzinfo=UTC)
SETTLES = timedelta(minutes=30)
MOMENTS = st.lists(
    st.tuples(st.integers(0, 90), st.booleans()), min_size=1, max_size=40
)  # minutes since the one before, whether it was there


@given(MOMENTS, st.sampled_from([timedelta(0), SETTLES]))
def test_a_trouble_is_opened_once_closed_once_and_not_twice_within_its_damping(
    moments: list[tuple[int, bool]], settles: timedelta
) -> None:
    now, open_one, quiet_since = START, None, None
    told: list[tuple[str, datetime]] = []
    for minutes, is_present in moments:
        now += timedelta(minutes=minutes)
        for step in steps(open_one, is_present=is_present, now=now, settles=settles):
            match step:
                case "open":
                    assert open_one is None
                    told.append(("open", now))
                    open_one = Open()
                case "close":
                    assert open_one is not None
                    told.append(("close", quiet_since or now))
                    open_one = quiet_since = None
                case "quiet":
                    quiet_since = now
                    open_one = Open(now + settles)
                case "again":
                    assert quiet_since is not None
                    assert now - quiet_since < settles
                    open_one, quiet_since = Open(), None
        assert (open_one is not None and open_one.quiet_until is None) == is_present
    assert [kind for kind, _ in told] == ["open", "close"] * (len(told) // 2) + ["open"] * (
        len(told) % 2
    )
    for (kind, at), (_, following) in pairwise(told):
        if kind == "close":
            assert following - at >= settles


def test_reminders_become_rarer_and_never_more_than_daily() -> None:
    pauses = [remind_after(number) for number in range(10)]
    assert pauses[:4] == list(REMINDED_AFTER)
    assert pauses == sorted(pauses)
    assert min(pauses) >= timedelta(days=1)


@given(
    st.lists(st.integers(0, 600), min_size=1, max_size=60),
    st.integers(1, 30),
)
def test_of_many_messages_few_are_mails_and_none_is_left_out(
    seconds: list[int], every: int
) -> None:
    coming = sorted(START + timedelta(seconds=second) for second in seconds)
    waiting: list[datetime] = []
    told: list[datetime] = []
    mails: list[datetime] = []
    now = START
    while coming or waiting:
        now += timedelta(seconds=every)
        waiting += [at for at in coming if at <= now]
        coming = [at for at in coming if at > now]
        what = plan(waiting, told, now, gathered=timedelta(seconds=10))
        if what == "wait":
            assert now - START < timedelta(hours=1), "it waits without end"
            continue
        mails += [now] if what == "digest" else [now] * len(waiting)
        assert what != "each" or len(waiting) <= MOST
        told += [now] * len(waiting)
        waiting = []
    assert len(told) == len(seconds)
    for at in mails:
        assert sum(at <= other < at + WINDOW for other in mails) <= MOST + 1


@pytest.mark.parametrize(
    ("waiting", "told", "expected"),
    [
        ([], [], "wait"),
        ([5], [], "wait"),  # gathered
        ([11], [], "each"),
        ([11] * 5, [], "each"),
        ([11] * 6, [], "digest"),
        ([11], [60] * 4, "each"),
        ([11], [60] * 5, "wait"),
        ([11], [121] * 50, "each"),
        ([-3_600], [-60], "each"),  # the clock went back
    ],
)
def test_when_messages_are_gathered_in_a_digest(
    waiting: list[int], told: list[int], expected: str
) -> None:
    def ago(seconds: list[int]) -> list[datetime]:
        return [START - timedelta(seconds=each) for each in seconds]

    assert plan(ago(waiting), ago(told), START, gathered=timedelta(seconds=10)) == expected


def test_defaults_follow_the_role() -> None:
    assert kinds_of("owner", "mail", {}) == kinds_of("owner", "in_app", {}) == list(KINDS)
    orders = [kind for kind in KINDS if KINDS[kind].group == "orders"]
    assert kinds_of("agent", "mail", {}) == kinds_of("agent", "in_app", {}) == orders
    assert kinds_of("viewer", "mail", {}) == []
    assert kinds_of("viewer", "in_app", {}) == list(KINDS)
    chosen: dict[tuple[str, Channel], bool] = {
        ("drift", "mail"): False,
        ("order_due", "mail"): True,
    }
    assert not is_on("owner", "drift", "mail", chosen)
    assert is_on("viewer", "order_due", "mail", chosen)


@given(
    st.sampled_from(["owner", "agent", "viewer"]),
    st.dictionaries(
        st.tuples(st.sampled_from(list(KINDS)), st.sampled_from(["mail", "in_app"])), st.booleans()
    ),
)
def test_only_choices_that_differ_are_kept(role: str, chosen: dict[tuple[str, str], bool]) -> None:
    kept = overrides_of(role, ((k, c, value) for (k, c), value in chosen.items()))  # type: ignore[misc]
    assert all(value != is_on_by_default(role, *key) for key, value in kept.items())
    for (kind, channel), value in chosen.items():
        assert is_on(role, kind, channel, kept) == value  # type: ignore[arg-type]


@given(st.floats(0, 1), st.integers(0, 86_400 * 3))
def test_what_fails_is_tried_again_over_a_day_and_no_longer(drawn: float, asked: int) -> None:
    now = START
    attempts = 0
    while True:
        attempts += 1
        again = next_attempt(
            attempts, START, now, drawn=drawn, asked=timedelta(seconds=asked) if asked else None
        )
        if again is None:
            break
        assert again > now
        now = again
        assert attempts < 40
    assert now - START >= GIVEN_UP_AFTER
    assert now - START <= GIVEN_UP_AFTER + timedelta(hours=10)
    assert attempts >= 8


# -- kinds and their texts ---------------------------------------------------------------------


def test_every_kind_that_a_service_sees_is_a_kind_of_trouble() -> None:
    seen = {kind for kinds in condition.KINDS.values() for kind in kinds}
    assert seen <= KINDS.keys()
    assert KINDS.keys() - seen == {
        "token_expiring", "token_expired", "connection_ended", "webhook_disabled"
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_told_in_every_language_with_the_same_facts(kind: str) -> None:
    for part in range(3):
        fields = {language: _fields(TEXTS[language][kind][part]) for language in LANGUAGES}
        assert all(fields[language] == fields["en"] for language in LANGUAGES)
        texts = {TEXTS[language][kind][part] for language in LANGUAGES}
        assert len(texts) == len(LANGUAGES), "a text is not translated"
        assert all(text.strip() for text in texts)
    found = Found("acme", kind, "feed/{x}/<b>", START)
    for language in LANGUAGES:
        assert "{" not in describe(found, language).title.replace("{x}", "")


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_links_lead_to_the_page_of_the_kind() -> None:
    links = Links("https://auth.example/", "https://console.example/")
    assert links.renew("a/b", "main") == "https://auth.example/v1/renew/a%2Fb/main"
    assert links.alerts == "https://console.example/alerts"
    assert Links("https://auth.example").alerts is None


def test_a_disabled_webhook_is_named_and_leads_to_its_page() -> None:
    secret = "https://hooks.example:8443/services/T0/s3cret?token=s3cret"
    name = name_of("3f2a9c1d77", secret, "")
    assert name == "hooks.example (3f2a9c1d)"
    assert name_of("3f2a9c1d77", secret, "ERP") == "ERP (hooks.example)"
    found = Found("acme", "webhook_disabled", "webhook/3f2a", START, details={"endpoint": name})
    for language in LANGUAGES:
        assert name in describe(found, language).title
    assert "3f2a" in describe(Found("acme", "webhook_disabled", "webhook/3f2a", START), "en").title


# -- webhooks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/", "https://hooks.example:22/", "ftp://hooks.example/", "hooks",
        "https://user@hooks.example/", "https://0x7f.1/", "https://hooks.example\\@10.0.0.1/",
    ],
)  # fmt: skip
def test_an_endpoint_is_https_and_reached_from_outside(url: str) -> None:
    with pytest.raises(Refusal) as refused:
        require_endpoint_url(url, frozenset())
    assert refused.value.field == "url"


def test_a_local_stack_may_allow_plain_http() -> None:
    allowed = frozenset({"127.0.0.1:9000"})
    assert require_endpoint_url("http://127.0.0.1:9000/x", allowed).is_allowed
    assert require_endpoint_url("https://hooks.example/x?y=z", allowed).path == "/x?y=z"


def test_filters_are_kinds_beginnings_or_all() -> None:
    assert require_filters(["token_*", "order_late", "token_*"]) == ["order_late", "token_*"]
    for wrong in ([], ["Order"], ["order*late"], ["**"], [""], ["order_late\n"]):
        with pytest.raises(Refusal):
            require_filters(wrong)
    for unknown, nearest in (
        ("order_lat", "order_late"), ("oder_*", "order_*"), ("webhok_*", "webhook_*"),
        ("trouble.opened", None), ("xyzzy", None), ("xyzzy*", None),
    ):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            require_filters(["drift", unknown])
        assert refused.value.field == "kinds"
        assert (f"(is {nearest} meant?)" in str(refused.value)) == (nearest is not None)
    assert require_filters(["order_l*", "*", *KINDS])
    assert wants(["token_*"], "token_expired")
    assert not wants(["token_*"], "order_late")
    assert wants(["*"], "anything")
    assert not wants(["order"], "order_late")
