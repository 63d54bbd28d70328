"""A merchant's people work by `channel`; programs read its JSON."""

import pytest

from ..command_line import ChannelCommand

pytestmark = pytest.mark.usefixtures("sold")


@pytest.mark.parametrize(
    "words",
    [
        "status --json",
        "shops list --json",
        "shops renew main --json",
        "feeds list --json",
        "feeds check examples/sample/feed.yaml --json",
        "preview --state excluded --json",
        "preview ODD-06",
        "why ODD-06 --json",
        "plan --json",
        "adopt list --json",
        "run offer-feed --json",
        "run orders --json",
        "report --json",
        "runs list --json",
        "orders list --json",
        "orders audit --json",
        "orders list --status closed --placed-from 2026-01-01T00:00:00Z --json",
        "orders due --json",
        "orders changes --json",
        "dead-letters list --json",
        "set-aside list --json",
        "imports list --json",
        "merchants register newcomer --json",
        "people invite somebody@lumo.example --role viewer --json",
        "people list --json",
        "people list --operator --json",
        "clients list --every-merchant --json",
        "audit --every-merchant --json",
    ],
)
async def test_what_programs_ask_is_one_json_document(channel: ChannelCommand, words: str) -> None:
    result = await channel(*words.split())
    # the sample's mistakes are missing in the shop: 3 says so
    assert result.code == (3 if words.startswith("run offer-feed") else 0), result.err
    assert result.document is not None


async def test_the_preview_names_what_is_wrong_as_it_is(channel: ChannelCommand) -> None:
    result = await channel("preview", "ODD-06")
    errors = [issue for issue in result.document["issues"] if issue["severity"] == "error"]
    assert [issue["rule"] for issue in errors] == ["M3.9"]
    listed = await channel("preview", "--rule", "M3.9", "--json")
    assert {"ODD-06", "ODD-07", "ODD-08"} == {item["family_id"] for item in listed.document}


async def test_a_paused_feed_shows_why_until_it_is_resumed(channel: ChannelCommand) -> None:
    paused = await channel("feeds", "pause", "--reason", "stocktaking", "--json")
    assert {item["pause_reason"] for item in paused.document["schedules"]} == {"stocktaking"}
    resumed = await channel("feeds", "resume", "--json")
    assert not any(item["is_paused"] for item in resumed.document["schedules"])


async def test_a_feed_has_its_own_schedule_and_guard_until_they_are_given_up(
    channel: ChannelCommand,
) -> None:
    words = ("feeds", "schedule", "--daily-at", "22:30", "--zone", "Europe/Madrid")
    chosen = await channel(*words, "--offers-every", "30", "--json")
    assert [item["every_minutes"] for item in chosen.document["schedules"]].count(30) == 1
    guarded = await channel("feeds", "guard", "12.5")
    assert "12.5 %" in guarded.out
    refused = await channel("feeds", "schedule", "--daily-at", "22:30", "--zone", "Mars")
    assert (refused.code, refused.out) == (1, "")
    assert "time zone" in refused.err
    for percent in ("a lot", "200", "0", "nan"):
        assert (await channel("feeds", "guard", percent)).code == 2
    feeds = (await channel("feeds", "list", "--json")).document
    assert ("22:30", "Europe/Madrid") in {
        (item["daily_at"], item["zone"]) for feed in feeds for item in feed["schedules"]
    }
    usual = await channel("feeds", "schedule", "--json")
    assert {item["zone"] for item in usual.document["schedules"]} == {"UTC", None}
    await channel("feeds", "guard", "default")


async def test_the_audit_of_all_services_is_one_list(channel: ChannelCommand) -> None:
    await channel("orders", "audit")  # nothing else may have been asked of order-importer
    rows = (await channel("audit", "--limit", "1000", "--json")).document
    assert {row["service"] for row in rows} == {
        "auth-service",
        "catalog-service",
        "feed-publisher",
        "order-importer",
    }
    actions = {row["action"] for row in rows}
    assert {"shop.connected", "feed.configuration.saved", "feed.run-asked"} <= actions
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
    paused = await channel("audit", "--action", "feed.paused", "--json")
    assert {row["action"] for row in paused.document} <= {"feed.paused"}


async def test_of_two_plans_the_older_is_refused_and_the_newer_named(
    channel: ChannelCommand,
) -> None:
    dry_run = ("run", "offer-feed", "--dry-run", "--json")
    older, newer = [(await channel(*dry_run)).document["run_id"] for _ in range(2)]
    refused = await channel("run", "confirm", older)
    assert (refused.code, refused.out) == (1, "")
    assert f"channelreport{newer}" in "".join(refused.err.split())
    assert "Next:" in refused.err
    confirmed = await channel("run", "confirm", newer, "--json")
    assert confirmed.document["state"] in {"completed", "completed_with_errors"}


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        pytest.param(
            "orders ship 1 --carrier UPS --tracking-number 1Z", 1, "Next:", id="no-such-order"
        ),
        pytest.param("orders list --status waiting", 1, "waiting_shipment", id="no-such-status"),
        pytest.param("orders changes --after x", 1, "Next:", id="no-cursor"),
        pytest.param("shops renew nowhere", 1, "Next:", id="no-such-shop"),
        pytest.param("feeds apply README.md", 1, "README.md", id="no-configuration"),
        pytest.param("import examples/sample/products.jsonl", 1, "events", id="not-by-files"),
        pytest.param("orders ship 1", 2, "carrier", id="no-carrier"),
    ],
)
async def test_what_cannot_be_done_ends_with_the_next_step(
    channel: ChannelCommand, words: str, code: int, expected: str
) -> None:
    result = await channel(*words.split())
    assert (result.code, result.out) == (code, "")
    assert expected in result.err
