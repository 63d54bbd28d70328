"""catalog-service: a catalogue of products, a feed of them, their states and issues."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from bench.listed.filling import MERCHANT, Question, fill

from catalog_service.app import SERVICE  # noqa: F401 - `bench/lists.py` asks each module for it
from catalog_service.normalizing.groups import groups_of
from common.errors import Issue

ROOT = Path(__file__).parents[2]
SCOPES = "catalogue:read feeds:read dead-letters:read operator"
WORDS = "ARRAY['Red','Blue','Green','Oak','Steel','Wool','Linen','Glass','Copper','Amber']"
BRAND = "category_attributes > Brand"
ADVICE = Issue(
    "M3.14", "description", "the description has 41 characters", "Write more.", severity="advice"
)


def issue(rule: str, field: str, message: str, **more: Any) -> Issue:
    """An error."""
    return Issue(rule, field, message, "Correct it in the catalogue.", **more)


VARIANTS: tuple[tuple[int, str, str | None, list[Issue], list[str]], ...] = (
    (60, "valid", "leaf", [], []),
    (25, "valid", "leaf", [ADVICE], []),
    (4, "invalid", "leaf", [issue("M3.4", BRAND, "Brand is missing"), ADVICE], [BRAND]),
    (2, "content_invalid", "leaf", [issue("M3.6", "title", "the title has 273 characters")], []),
    (2, "offers_invalid", "leaf", [issue("M3.9", "price", "'@NAME@ EUR' is no price")], []),
    (2, "invalid", "leaf", [issue("M3.12", "category_attributes > Color", "'Reddish' is no colour",
        value="Reddish")], []),
    (2, "invalid", None, [issue("M2.2", "category", "the category has no match")], []),
    (2, "excluded", "leaf", [], []),
    (1, "deleted", "leaf", [], []),
)  # fmt: skip
"""Of a hundred families how many have this state, a leaf or none, these issues and lack that."""


def variants() -> str:
    """The variants as the statement reads them: a hundred of them, as JSON."""
    return json.dumps([variant for variant in _variants() for _ in range(variant["share"])])


def _variants() -> Iterator[dict[str, Any]]:
    for share, state, leaf, issues, missing in VARIANTS:
        body = {
            "merchant_id": "@MERCHANT@",
            "feed_id": "f",
            "family_id": "@NAME@",
            "revision": 1,
            "shop_id": "s",
            "presence": "absent" if state in {"excluded", "deleted"} else "present",
            "product_ids": ["@NAME@"],
            "sku_codes": ["@NAME@-SKU"],
            "content_part": {
                "is_valid": not issues,
                "hash": "x",
                "issues": [_as_json(each) for each in issues],
            },
            "content": {
                "category_id": "1",
                "main_locale": "en_US",
                "titles": [{"locale": "en_US", "text": "@TITLE@"}],
                "descriptions": [{"locale": "en_US", "text": "Warm, and made of wool. " * 30}],
                "image_urls": [f"https://pictures.example/@NAME@-{n}.jpg" for n in range(5)],
                "category_attributes": {},
                "skus": [{"sku_code": "@NAME@-SKU", "attributes": {}}],
                "product_units_type": "100000015",
                "inventory_deduction_strategy": "place_order_withhold",
                "package_weight_kg": "0.5",
                "package_length_cm": 10,
                "package_width_cm": 20,
                "package_height_cm": 5,
                "shipping_preparation_days": 3,
                "shipping_template_id": "1",
            },
        }
        yield {
            "share": share,
            "state": state,
            "has_leaf": leaf is not None,
            "rules": sorted({each.rule for each in issues}),
            "missing": missing,
            "groups": groups_of(issues, has_category=leaf is not None),
            "event": json.dumps(body),
        }


def _as_json(found: Issue) -> dict[str, Any]:
    shown = {
        "rule": found.rule,
        "field": found.field,
        "message": found.message,
        "remedy": found.remedy,
        "value": found.value,
        "sku": found.sku,
        "severity": found.severity,
    }
    return {name: value for name, value in shown.items() if value is not None}


ONCE = (
    """INSERT INTO catalogue (merchant_id, catalogue_id, versioning, fed_by, created_at)
    SELECT $3, catalogue, 'explicit', 'events', '2026-01-01'
    FROM unnest(ARRAY['c', 'd']) AS catalogue WHERE $1::bigint = 0 AND $2::bigint >= 0""",
    """INSERT INTO feed (merchant_id, feed_id, shop_id, catalogue_id, main_locale,
        configuration_version, lifecycle, revision)
    SELECT $3, 'f', 's', 'c', 'en_US', 1, 'active', 1 WHERE $1::bigint = 0 AND $2::bigint >= 0""",
    """INSERT INTO shop (merchant_id, shop_id, revision, is_usable, generation, tree,
        tree_fetched_at)
    SELECT $3, 's', 1, true, 1, '[]', '2026-01-01' WHERE $1::bigint = 0 AND $2::bigint >= 0""",
    """INSERT INTO feed_configuration (merchant_id, feed_id, version, body, created_at)
    SELECT $3, 'f', 1, $4, '2026-01-01' WHERE $1::bigint = 0 AND $2::bigint >= 0""",
)
TITLE = f"({WORDS})[1 + n % 10] || ' ' || ({WORDS})[1 + n / 10 % 10] || ' coat number ' || n"
ROWS = (
    f"""INSERT INTO source_product (merchant_id, catalogue_id, product_id, version, sub_version,
        is_deleted, content_hash, fields, updated_at)
    SELECT $3, 'c', 'p' || lpad(n::text, 7, '0'), 1, 0, n % 100 = 99, ''::bytea, json_build_object(
        'sku', 'SKU-' || n, 'title', {TITLE}, 'description', repeat('Warm and of wool. ', 20),
        'price', (n % 500) || '.90', 'stock', n % 40, 'brand', 'Brand ' || n % 200,
        'category', 'Women > Coats > ' || n % 900)::text, '2026-01-01'
    FROM generate_series($1::bigint, $2::bigint) AS n""",
    f"""INSERT INTO normalized_product (merchant_id, feed_id, family_id, catalogue_id, revision,
        state, digest, category_id, category_path, title, image_urls, rules, missing, event,
        normalized_at, groups, sought)
    SELECT $3, 'f', name, 'c', 1, v ->> 'state', ''::bytea,
        CASE WHEN (v ->> 'has_leaf')::boolean THEN (n % 900)::text END,
        'Women > Coats > ' || n % 900, title, ARRAY['https://pictures.example/' || name || '.jpg'],
        ARRAY(SELECT jsonb_array_elements_text(v -> 'rules')),
        ARRAY(SELECT jsonb_array_elements_text(v -> 'missing')),
        replace(replace(replace(v ->> 'event', '@NAME@', name), '@TITLE@', title),
            '@MERCHANT@', $3), '2026-01-01',
        ARRAY(SELECT jsonb_array_elements_text(v -> 'groups')),
        lower(concat_ws(chr(10), name, title, name || '-SKU'))
    FROM generate_series($1::bigint, $2::bigint) AS n
    CROSS JOIN LATERAL (SELECT $4::jsonb -> (n * 37 % 100)::int AS v,
        'p' || lpad(n::text, 7, '0') AS name, {TITLE} AS title) AS each""",
    """INSERT INTO family_sku (merchant_id, feed_id, family_id, sku_code)
    SELECT $3, 'f', 'p' || lpad(n::text, 7, '0'), 'p' || lpad(n::text, 7, '0') || '-SKU'
    FROM generate_series($1::bigint, $2::bigint) AS n""",
)
FEW = (
    """INSERT INTO family_mark (merchant_id, catalogue_id, family_id, marked_at)
    SELECT $3, 'c', 'p' || lpad(n::text, 7, '0'), '2026-01-01'
    FROM generate_series($1::bigint, $2::bigint) AS n WHERE n % 50 = 0""",
    """INSERT INTO import_problem (merchant_id, import_id, line, message, remedy)
    SELECT $3, 1, n, 'the price is missing', 'Fill it in.'
    FROM generate_series($1::bigint, $2::bigint) AS n WHERE n % 20 = 0""",
)
IMPORT = (
    """INSERT INTO catalogue_import (merchant_id, catalogue_id, file_name, options, is_full,
        is_dry_run, state, created_at)
    SELECT $3, 'c', 'file.csv', '{}', true, false, 'completed', '2026-01-01'
    FROM generate_series($1::bigint, $2::bigint) AS n""",
)
CONFIGURATION = json.dumps(
    yaml.safe_load((ROOT / "examples" / "sample" / "feed.yaml").read_text())
    | {"shop": "s", "catalogue": "c"}
)


async def fill_all(url: str, merchant: str, rows: int) -> None:
    """The merchant's catalogue of so many products, and its feed."""
    await fill(url, merchant, 1, ONCE, CONFIGURATION)
    await fill(url, merchant, rows, ROWS, variants())
    await fill(url, merchant, rows, FEW)
    await fill(url, merchant, max(rows // 1000, 5), IMPORT)


def questions(rows: int) -> Iterator[Question]:
    """What is asked: every list, search and count of the service."""
    middle = f"p{rows // 2:07d}"
    merchant = f"/v1/merchants/{MERCHANT}"
    catalogue, feed = f"{merchant}/catalogues/c", f"{merchant}/feeds/f"
    products, preview = f"{catalogue}/products", f"{feed}/preview"
    yield Question("catalogues", f"{merchant}/catalogues")
    yield Question("catalogues/{catalogue_id}", catalogue)
    yield Question(".../products", products, deep=[middle])
    for what, text in (("hit", "coat"), ("rare", f"number {rows // 2}"), ("miss", "zzyzx")):
        yield Question(".../products", f"{products}?q={text}", f"q, {what}")
    yield Question(".../products", f"{products}?q={middle}", "q, an id")
    yield Question(".../products/{product_id}", f"{products}/{middle}")
    yield Question(".../imports", f"{catalogue}/imports", deep=[max(rows // 2000, 2)])
    yield Question(
        ".../imports/{import_id}/problems", f"{catalogue}/imports/1/problems", deep=[rows // 40]
    )
    yield Question("feeds", f"{merchant}/feeds")
    yield Question("feeds/{feed_id}", feed)
    yield Question(".../progress", f"{feed}/progress")
    yield Question(".../versions", f"{feed}/versions")
    yield Question(".../preview", preview, deep=[middle])
    for state in ("valid", "invalid", "deleted", "feed_removed"):
        yield Question(".../preview", f"{preview}?state={state}", f"state {state}", deep=[middle])
    yield Question(".../preview", f"{preview}?state=deleted&state=excluded", "two states")
    for rule in ("M3.14", "M3.9", "M9.9"):
        yield Question(".../preview", f"{preview}?rule={rule}", f"rule {rule}", deep=[middle])
    yield Question(".../preview", f"{preview}?rule=M3.14&state=invalid", "rule and state")
    yield Question(".../preview", f"{preview}?rule=M3.9&state=valid", "rule and state, none")
    for what, text in (("hit", "coat"), ("rare", f"number {rows // 2}"), ("miss", "zzyzx")):
        yield Question(".../preview", f"{preview}?q={text}", f"q, {what}")
    yield Question(".../preview", f"{preview}?q={middle}-SKU", "q, a SKU code")
    yield Question(".../preview", f"{preview}?q=coat&state=deleted", "q and state")
    yield Question(".../preview/{family_id}", f"{preview}/{middle}")
    yield Question(".../issues", f"{feed}/issues")
    yield Question(".../completeness", f"{feed}/completeness")
    yield Question(".../unmatched-categories", f"{feed}/unmatched-categories")
    yield Question(".../skus/{sku_code}", f"{feed}/skus/{middle}-SKU")
    for kind in ("categories", "attributes", "values"):
        yield Question(".../suggestions", f"{feed}/suggestions?kind={kind}", kind)
    yield Question(".../drafts", f"{feed}/drafts")
    for path in ("dead-letters", "quarantines", "parked", "set-aside"):
        yield Question(path, f"{merchant}/{path}")


def settings() -> dict[str, Any]:
    """What the service is configured with."""
    return {"auth_url": "http://127.0.0.1:9"}
