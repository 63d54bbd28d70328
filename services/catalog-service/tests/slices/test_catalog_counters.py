"""Counters are what counting from scratch gives, whatever happened, in whatever order."""

import asyncio
import runpy
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

import catalog_service
from catalog_service.families.store import (
    Wait,
    claim_families,
    end_waits,
    forget_marks,
    listed,
    mark,
    set_waits,
)
from catalog_service.feeds.store import Feed
from catalog_service.finding.store import find_families
from catalog_service.normalizing.groups import cause_name, groups_of, sought_of
from catalog_service.normalizing.store import NormalizedRow, keep_reports, save_normalized
from catalog_service.preview.store import list_issue_groups
from catalog_service.sources.store import add_catalogue, delete_lacking, upsert_sources
from catalog_service.sources.versions import Catalogue, SourceRow
from common.contracts.envelope import encode
from common.contracts.product import Part, ProductNormalized, ProductReported
from common.errors import Issue
from common.postgres.counters import fold, load_all
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

FEED = Feed("m", "f", "s", "c", "en_US", 1, "active", 1)
STATES = ("valid", "invalid", "excluded", "deleted", "feed_removed", "content_invalid")
ABSENT = {"excluded", "deleted", "feed_removed"}
ISSUES = [
    Issue("M3.4", "brand", "Brand is missing", "Fill it in."),
    Issue("M3.6", "title", "the title has 273 characters", "Shorten it."),
    Issue("M3.6", "title", "the title has 9 characters", "Shorten it."),
    Issue("M3.12", "category_attributes > Color", "'Reddish' is none", "Choose.", value="Reddish"),
    Issue("M3.12", "category_attributes > Color", "'X' is none", "Choose.", value="x" * 2_000),
    Issue("M3.14", "description", "it is short", "Write more.", severity="advice"),
]
KINDS = (
    "state", "online", "leaf", "unmatched", "missing", "rule", "cause", "value", "waits", "quality",
)  # fmt: skip


def row(random: Random, feed: str, family: str, revision: int) -> NormalizedRow:
    issues = random.sample(ISSUES, random.randrange(len(ISSUES)))
    leaf = random.choice([None, "1", "2"])
    codes = [f"{family}-{n}" for n in range(random.randrange(3))]
    part = Part(is_valid=not issues, hash="x", issues=issues)
    event = ProductNormalized(
        merchant_id="m", feed_id=feed, family_id=family, revision=revision, shop_id="s",
        presence="present", sku_codes=codes, content_part=part,
    )  # fmt: skip
    title = f"Coat {random.choice(['red', 'blue', '100% wool', None])}"
    return NormalizedRow(
        event=event, record=encode(event, source="/test"), catalogue_id="c",
        state=random.choice(STATES), digest=b"x", category_id=leaf,
        category_path=random.choice(["A", "A > B", "", "p" * 3_000]), title=title, image_urls=[],
        rules=sorted({issue.rule for issue in issues}),
        missing=random.sample(["brand", "size"], random.randrange(3)), traceparent=None,
        is_parent=False, due_at=None, groups=groups_of(issues, has_category=leaf is not None),
        sought=sought_of(family, title, codes), quality=random.choice([None, 0, 50, 100]),
    )  # fmt: skip


def keys_of(rows: Sequence[NormalizedRow]) -> set[tuple[str, str, str]]:
    return {(each.event.merchant_id, each.event.feed_id, each.event.family_id) for each in rows}


def source(random: Random, product: str, version: int) -> SourceRow:
    parent = random.choice([None, "f0", "f1"])
    is_deleted = random.random() < 0.3
    return SourceRow(
        "m", "c", product, version, 0, parent, is_deleted, random.randbytes(4), "{}", None
    )


async def history(pool: Pool, seed: int, steps: int) -> None:
    random = Random(seed)
    for step in range(steps):
        version = 1_000 * seed + step
        families = sorted({f"f{random.randrange(12)}" for _ in range(random.randrange(1, 6))})
        feed = random.choice(["f", "g"])
        async with unit_of_work(pool) as connection:
            match random.randrange(7):
                case 0 | 1:
                    rows = [row(random, feed, family, version) for family in families]
                    await save_normalized(connection, rows, known=keys_of(rows))
                case 2:
                    sources = [source(random, f"f{n}", version) for n in range(len(families))]
                    await upsert_sources(connection, sources)
                case 3:
                    wanted = random.choice([None, "f", "g"])
                    await mark(
                        connection, listed(("m", "c", family, wanted, None) for family in families)
                    )
                case 4:
                    claimed = await claim_families(connection, limit=random.randrange(1, 9))
                    ids = [one.id for marks in claimed.values() for one in marks]
                    await forget_marks(connection, ids)
                    waits = [
                        Wait(family, feed, random.choice(["schema 1", "a picture"]), None)
                        for family in claimed
                    ]
                    await set_waits(connection, [("m", feed, f) for _, _, f in claimed], waits)
                case 5:
                    status: Any = random.choice(["live", "rejected", "deleted"])
                    reports = [
                        ProductReported(
                            merchant_id="m", feed_id=feed, family_id=family,
                            revision=version, desired_revision=1, status=status,
                            marketplace_product_id=None if status == "deleted" else "10",
                        )
                        for family in families
                    ]  # fmt: skip
                    await keep_reports(connection, reports)
                case _:
                    await end_waits(connection, "m", "schema 1")
                    await delete_lacking(connection, "m", "c", version - 20, limit=2)
        if random.random() < 0.2:
            await fold(pool)


async def from_scratch(pool: Pool, feed: str) -> dict[str, Counter[str]]:
    """What the rows there are come to, in other words than the triggers'."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for n in await pool.fetch("SELECT * FROM normalized_product WHERE feed_id = $1", feed):
        counts["state"][n["state"]] += 1
        if n["live_locale"] is not None or n["marketplace_product_id"] is not None:
            counts["online"][""] += 1
        if n["state"] not in ABSENT:
            kind = "unmatched" if n["category_id"] is None else "leaf"
            counts[kind][n["category_id"] or n["category_path"] or ""] += 1
        counts["missing"].update(n["missing"])
        counts["rule"].update(n["rules"])
        if n["quality"] is not None:
            counts["quality"][str(n["quality"])] += 1
        for group in n["groups"]:
            kind, _, name = group.partition(":")
            counts[kind][name] += 1
    for w in await pool.fetch("SELECT waits_for FROM family_wait WHERE feed_id = $1", feed):
        counts["waits"][w["waits_for"]] += 1
    del counts["unmatched"]["p" * 3_000]  # longer than an index takes
    return counts


async def test_counters_are_what_counting_from_scratch_gives(pool: Pool) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
    # one after the other, in which order the lock of each row decides
    await asyncio.gather(*(history(pool, seed, 60) for seed in range(1, 3)))
    for _ in range(2):
        async with reading(pool) as connection:
            found = await load_all(connection, "m", ["f", "g", "c"], [*KINDS, "products", "marks"])
        for feed in ("f", "g"):
            expected = await from_scratch(pool, feed)
            assert {kind: found[feed, kind] for kind in KINDS} == expected
            facts = await pool.fetch(
                "SELECT kind, name, count(*) AS n FROM family_fact WHERE feed_id = $1"
                " GROUP BY 1, 2",
                feed,
            )
            listed_facts: dict[str, dict[str, int]] = {}
            for fact in facts:
                listed_facts.setdefault(fact["kind"], {})[fact["name"]] = fact["n"]
            kinds = ("rule", "cause", "value", "unmatched")
            assert listed_facts == {kind: expected[kind] for kind in kinds if expected[kind]}
        live = await pool.fetchval("SELECT count(*) FROM source_product WHERE NOT is_deleted")
        assert found["c", "products"].get("", 0) == live
        marks = await pool.fetch(
            "SELECT coalesce(feed_id, '') AS f, count(*) AS n FROM family_mark GROUP BY 1"
        )
        assert found["c", "marks"] == {mark["f"]: mark["n"] for mark in marks}
        while await fold(pool):
            pass
        assert await pool.fetchval("SELECT count(*) FROM counter_change") == 0
    differ = await pool.fetchval(
        """
        SELECT count(*) FROM normalized_product AS n FULL JOIN family_text AS t
            USING (merchant_id, feed_id, family_id) WHERE n.sought IS DISTINCT FROM t.body
        """
    )
    assert differ == 0


async def test_the_migration_groups_what_is_there_as_evaluation_does(pool: Pool) -> None:
    field = 'category_attributes > Größe "alt"'
    issues = [
        *ISSUES,
        Issue("M3.5", "picture", "its server answered 404 for 'a.jpg'", "Correct it. Then 2 more."),
        Issue("M3.5", "picture", "its server answered 410 for 'b.jpg'", "Correct it."),
        Issue("M3.9", "price", "-1,5 of X20 isn't 3.0", "Say \"20.00\" or '3'"),
        Issue("M4.2", field, "none", "Choose.", value='a\tb\\c "d" é \x01'),
    ]
    random = Random(3)
    rows = []
    for number in range(40):
        some = random.sample(issues, random.randrange(1, len(issues)))
        part = Part(is_valid=False, hash="x", issues=some)
        made = row(random, "f", f"f{number:02}", 1)
        rules = sorted({issue.rule for issue in some})
        groups = groups_of(some, has_category=made.category_id is not None)
        event = msgspec.structs.replace(made.event, content_part=part, offers_part=part)
        record = encode(event, source="/test")
        rows.append(replace(made, event=event, record=record, rules=rules, groups=groups))
    async with unit_of_work(pool) as connection:
        await save_normalized(connection, rows, known=keys_of(rows))
    await pool.execute("UPDATE normalized_product SET groups = '{}'")
    migration = Path(catalog_service.__file__).parent / "migrations/versions/0016_counters.py"
    await pool.execute(runpy.run_path(str(migration))["GROUPS"])
    found = await pool.fetch("SELECT family_id, groups FROM normalized_product")
    assert {row["family_id"]: row["groups"] for row in found} == {
        made.event.family_id: made.groups for made in rows
    }


async def test_a_cause_is_shown_in_the_words_of_its_first_example(pool: Pool) -> None:
    random = Random(1)
    rows = [row(random, "f", f"f{n:02}", n) for n in range(30)]
    async with unit_of_work(pool) as connection:
        await save_normalized(connection, rows, known=keys_of(rows))
    async with reading(pool) as connection:
        groups = await list_issue_groups(connection, FEED, limit=100)
    for group in groups:
        issue = Issue(
            group["rule"], group["field"], group["message"], group["remedy"],
            severity=group["severity"],
        )  # fmt: skip
        name = f"cause:{cause_name(issue)}"
        having = [each.event.family_id for each in rows if name in each.groups]
        assert (group["families"], group["examples"]) == (len(having), having[:5])
    assert [group["severity"] for group in groups] == sorted(
        (group["severity"] for group in groups), reverse=True
    )


async def test_only_families_known_from_before_have_codes_that_are_forgotten(pool: Pool) -> None:
    rows = [row(Random(4), "f", f"f{n}", n) for n in range(3)]
    async with unit_of_work(pool) as connection:
        await save_normalized(connection, rows, known=set())
    bare = [
        replace(each, event=msgspec.structs.replace(each.event, sku_codes=["new"])) for each in rows
    ]
    async with unit_of_work(pool) as connection:
        await save_normalized(connection, bare, known=keys_of(bare[:2]))
    found = await pool.fetch("SELECT family_id, array_agg(sku_code) FROM family_sku GROUP BY 1")
    codes = {family: set(some) for family, some in found}
    assert (codes["f0"], codes["f1"]) == ({"new"}, {"new"})
    assert codes["f2"] == {"new", *rows[2].event.sku_codes}


async def test_a_text_is_found_by_parts_of_it_in_every_family(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog_service.finding.store.SCANNED", 10)
    random = Random(2)
    rows = [row(random, "f", f"f{n:03}", n) for n in range(100)]
    async with unit_of_work(pool) as connection:
        await save_normalized(connection, rows, known=keys_of(rows))
    async with reading(pool) as connection:
        for text in ("BLUE", "f077", "f07", "0% w", "%", "_", "\\", "coat", "zz", "f055-0", "5"):
            found: list[str] = []
            after: str | None = ""
            while after is not None:
                page = await find_families(connection, FEED, text, after=after, limit=7)
                found += page.family_ids
                after = page.continues_after
            assert found == [r.event.family_id for r in rows if text.lower() in r.sought], text
