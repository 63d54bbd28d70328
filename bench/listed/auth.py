"""auth-service: an installation of many merchants, and one of them with much behind it.

Of `rows` (200,000) audit rows the merchant has a tenth as many troubles and sessions of its people,
a quarter as many webhook deliveries, a thousandth as many shops and members; beside it there are a
twentieth as many other merchants (10,000), each with a shop, a person and an API client.
"""

import base64
import os
from collections.abc import Iterator
from datetime import timedelta
from hashlib import md5
from typing import Any

from bench.listed.filling import MERCHANT, Question, fill
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from auth_service.app import SERVICE  # noqa: F401 - `bench/lists.py` asks each module for it
from common import clock

SCOPES = "operator"
SHARE = 5
"""A fifth as many rows as products."""
SUBJECT = f"person:{MERCHANT}-p0000000"
"""Who asks: a member, whose unread troubles are counted."""
NOW = clock.now()
NEXT_ID = "lpad(to_hex(n), 8, '0')"
"""The last digits of what has an id of 32 hexadecimal ones."""
ID = f"md5($3) || {NEXT_ID}"
ROW_ID = f"left(md5($3), 24) || {NEXT_ID}"
NAME = "lpad(n::text, 7, '0')"
NUMBERS = "FROM generate_series($1::bigint, $2::bigint) AS n"
AT = "$4::text::timestamptz"
KINDS = "(ARRAY['token_expired','import_failed','catalogue_silent','banned'])[1 + n % 4]"
SEVERITY = "(ARRAY['critical','warning','warning','warning'])[1 + n % 4]"
IS_OPEN = "n % 50 = 0"
ACTIONS = (
    "(ARRAY['feed.configuration.saved','client.made','shop.connected','member.invited'])[1 + n % 4]"
)

ONCE = (
    f"""INSERT INTO merchant (merchant_id, name, is_eligible, created_at, updated_at)
    SELECT $3, 'Merchant ' || $3, true, {AT}, {AT} {NUMBERS}""",
)
OF_MERCHANT = (
    f"""INSERT INTO person (person_id, email, display_name, language, time_zone, created_at)
    SELECT $3 || '-p' || {NAME}, 'p' || {NAME} || '@' || $3 || '.example', 'Person ' || n, 'en',
        'UTC', {AT} {NUMBERS}""",
    f"""INSERT INTO membership (merchant_id, person_id, role, created_at, accepted_at)
    SELECT $3, $3 || '-p' || {NAME}, 'owner', {AT}, {AT} {NUMBERS}""",
    f"""INSERT INTO shop (merchant_id, shop_id, is_eligible, connection, generation, revision,
        seller_id, connected_at, expires_at, created_at)
    SELECT $3, 's' || {NAME}, true, 'connected', 1, 1, $3 || '-' || n, {AT},
        {AT} + n * interval '1 hour', {AT} {NUMBERS}""",
    f"""INSERT INTO api_client (client_id, merchant_id, name, secret_hash, scopes, created_at)
    SELECT $3 || '.c' || {NAME}, $3, 'Client ' || n, ''::bytea, ARRAY['feeds:read'], {AT}
    {NUMBERS}""",
)
ENDPOINTS = (
    f"""INSERT INTO webhook_endpoint (endpoint_id, merchant_id, url, description, kinds, created_at)
    SELECT {ROW_ID}, $3, 'https://hooks.example/' || n, '', ARRAY['banned'], {AT} {NUMBERS}""",
)
AUDITED = (
    f"""INSERT INTO audit (at, merchant_id, actor, actor_email, action, subject, details, address)
    SELECT {AT} - n * interval '2 minutes', $3, 'person:' || $3 || '-p' || n % 200,
        'p' || n % 200 || '@' || $3 || '.example', {ACTIONS}, 'f' || n % 50, '{{"version": 3}}',
        '192.0.2.1' {NUMBERS}""",
)
TENTHS = (
    f"""INSERT INTO trouble (trouble_id, merchant_id, kind, subject, severity, since, opened_at,
        closed_at, outcome, shop_id, details)
    SELECT {ROW_ID}, $3, {KINDS}, 's/' || n, {SEVERITY}, {AT} - n * interval '20 minutes',
        {AT} - n * interval '20 minutes',
        CASE WHEN NOT {IS_OPEN} THEN {AT} - n * interval '19 minutes' END,
        CASE WHEN NOT {IS_OPEN} THEN 'ended' END, 's' || lpad((n % 50)::text, 7, '0'), '{{}}'
    {NUMBERS}""",
    f"""INSERT INTO trouble_read (merchant_id, person_id, trouble_id, revision)
    SELECT $3, $3 || '-p0000000', {ROW_ID}, 1 {NUMBERS} WHERE n % 3 <> 0""",
    f"""INSERT INTO person_session (session_hash, session_id, person_id, made_at, last_seen_at,
        ends_at, address, user_agent)
    SELECT convert_to({ID}, 'UTF8'), {ROW_ID}, $3 || '-p' || lpad((n % 20)::text, 7, '0'), {AT},
        {AT} - (n % 100) * interval '1 hour', {AT} + interval '1 day', '192.0.2.1', 'Browser'
    {NUMBERS}""",
)
QUARTERS = (
    f"""INSERT INTO webhook_delivery (delivery_id, merchant_id, endpoint_id, event_id, event, kind,
        body, state, attempts, queued_at, next_at, ended_at)
    SELECT {ROW_ID}, $3, left(md5($3), 24) || '00000000', 'e' || n, 'trouble.opened', 'banned',
        repeat('{{"a": 1}}', 50),
        (ARRAY['delivered','delivered','delivered','delivered','failed'])[1 + n % 5], 1,
        {AT} - n * interval '5 minutes', NULL, {AT} - n * interval '5 minutes' {NUMBERS}""",
)
OTHER_MERCHANTS = (
    f"""INSERT INTO merchant (merchant_id, name, is_eligible, created_at, updated_at)
    SELECT 'c' || {NAME}, 'Company ' || n || left($3, 0), true, {AT}, {AT} {NUMBERS}""",
    f"""INSERT INTO shop (merchant_id, shop_id, is_eligible, connection, generation, revision,
        seller_id, connected_at, expires_at, created_at)
    SELECT 'c' || {NAME}, 'main' || left($3, 0), true,
        CASE WHEN n % 10 = 0 THEN 'pending' ELSE 'connected' END, 1, 1, 'c' || n, {AT},
        CASE WHEN n % 10 <> 0 THEN {AT} + n % 1000 * interval '1 hour' END, {AT} {NUMBERS}""",
    f"""INSERT INTO api_client (client_id, merchant_id, name, secret_hash, scopes, created_at)
    SELECT 'c' || {NAME} || '.main', 'c' || {NAME}, 'Client' || left($3, 0), ''::bytea,
        ARRAY['feeds:read'], {AT} {NUMBERS}""",
    f"""INSERT INTO person (person_id, email, display_name, language, time_zone, is_operator,
        created_at)
    SELECT 'c' || {NAME}, 'owner@c' || {NAME} || '.example', 'Owner' || left($3, 0), 'en', 'UTC',
        n < 20, {AT} {NUMBERS}""",
    f"""INSERT INTO membership (merchant_id, person_id, role, created_at, accepted_at)
    SELECT 'c' || {NAME}, 'c' || {NAME} || left($3, 0), 'owner', {AT}, {AT} {NUMBERS}""",
    f"""INSERT INTO trouble (trouble_id, merchant_id, kind, subject, severity, since, opened_at,
        shop_id, details)
    SELECT 'c' || {ROW_ID}, 'c' || {NAME}, 'banned', 'main', 'warning', {AT}, {AT}, 'main', '{{}}'
    {NUMBERS} WHERE n % 20 = 0""",
)


async def fill_all(url: str, merchant: str, rows: int) -> None:
    """The merchant; with the first one the installation's other merchants."""
    at = NOW.isoformat()
    await fill(url, merchant, 1, ONCE, at)
    await fill(url, merchant, max(rows // 1000, 20), OF_MERCHANT, at)
    await fill(url, merchant, 5, ENDPOINTS, at)
    await fill(url, merchant, rows, AUDITED, at)
    await fill(url, merchant, max(rows // 10, 20), TENTHS, at)
    await fill(url, merchant, max(rows // 4, 20), QUARTERS, at)
    if merchant == MERCHANT:
        await fill(url, merchant, rows // 20, OTHER_MERCHANTS, at)


def settings() -> dict[str, Any]:
    """What the service is configured with."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    key = base64.b64encode(os.urandom(32)).decode()
    return {"master_keys": f"bench:{key}", "signing_key": pem.decode()}


def questions(rows: int) -> Iterator[Question]:
    """What is asked: every list, search and count of the service that a token opens."""
    one = f"/v1/merchants/{MERCHANT}"
    trouble = f"{rows // 20:08x}"
    middle = f"c{rows // 40:07d}"
    then = (NOW - timedelta(minutes=rows)).isoformat()
    soon = (NOW + timedelta(hours=500)).isoformat()
    yield Question("merchants", "/v1/merchants", deep=[middle])
    yield Question("merchants/{merchant_id}", one)
    yield Question("all shops", "/v1/shops", deep=[soon, "m", ""])
    yield Question("all api-clients", "/v1/api-clients", deep=[f"{middle}.main"])
    yield Question("people", "/v1/people", deep=[f"owner@{middle}.example"])
    yield Question("people", f"/v1/people?email=owner@{middle}.example", "email")
    yield Question("operators", "/v1/operators")
    yield Question("people/{person_id}/sessions", f"/v1/people/{MERCHANT}-p0000000/sessions")
    yield Question(".../shops", f"{one}/shops", deep=["s0000010"])
    yield Question(".../shops/{shop_id}", f"{one}/shops/s0000010")
    yield Question(".../api-clients", f"{one}/api-clients", deep=[f"{MERCHANT}.c0000010"])
    yield Question(".../members", f"{one}/members", deep=["p0000010@m.example"])
    yield from _of_alerts(one, trouble, then)
    for of, path in (("audit", f"{one}/audit"), ("all audit", "/v1/audit")):
        yield Question(of, path, deep=[then, rows // 2])
        for what in (
            "action=feed.",
            "action=client.made",
            "action=none.such",
            f"actor=p7@{MERCHANT}.example",
            "actor=nobody",
        ):
            yield Question(of, f"{path}?{what}", what)
        for name in ("since", "until"):
            yield Question(of, f"{path}?{name}={then.replace('+00:00', 'Z')}", name)
    yield Question("all audit", f"/v1/audit?merchant_id={MERCHANT}", "merchant")
    for path in ("dead-letters", "quarantines", "parked", "set-aside"):
        yield Question(path, f"{one}/{path}")
        yield Question(f"all {path}", f"/v1/{path}")


def _of_alerts(one: str, trouble: str, then: str) -> Iterator[Question]:
    prefix = md5(MERCHANT.encode()).hexdigest()[:24]
    place: list[str | int] = [then, prefix + trouble]
    yield Question(".../troubles", f"{one}/troubles", deep=place)
    for what in (
        "state=open",
        "state=closed",
        "severity=critical",
        "kind=banned&kind=import_failed",
        "kind=drift",
        "unread=true",
        "unread=true&state=open",
    ):
        yield Question(".../troubles", f"{one}/troubles?{what}", what)
    yield Question(".../troubles/{trouble_id}", f"{one}/troubles/{prefix}{trouble}")
    yield Question(".../alerts/unread", f"{one}/alerts/unread")
    yield Question(".../alerts/subscriptions", f"{one}/alerts/subscriptions/me")
    endpoint = f"{one}/webhooks/{prefix}00000000"
    yield Question(".../webhooks", f"{one}/webhooks")
    yield Question(".../webhooks/{endpoint_id}", endpoint)
    yield Question(".../deliveries", f"{endpoint}/deliveries", deep=place)
    for state in ("due", "delivered", "failed"):
        yield Question(".../deliveries", f"{endpoint}/deliveries?state={state}", f"state {state}")
