"""What each scope may set and is shown, by the committed documents (X2).

`make check` compares `schemas/access.json` with the running code; here it is read for what no
scope may ever have.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from schemas.access import ANYONE, access, forms_in, operations, scope_of
from schemas.generate import FOLDER

DOCUMENTS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "openapi").glob("*.json"))
}
ACCESS = access(DOCUMENTS)
OPEN_FORMS = {
    "Body_token_v1_token_post",  # RFC 6749, 3.2: unknown parameters are ignored
    "Body_upload_v1_merchants__merchant_id__catalogues__catalogue_id__imports_post",
    # a file beside fields, which the route itself checks: test_catalog_proposals.py
    "Body_propose_feed_v1_merchants__merchant_id__feed_proposals_post",
}
"""Forms in which a field that nobody knows is passed over."""
SET_BY_US = re.compile(r"(?i)^(version|revision|state|status|generation|merchant_id|.*_at)$")
SECRET = re.compile(r"(?i)(token|secret|password|signing_key|private)")
OF_A_BUYER = re.compile(r"(?i)^(buyer|phone|mobile.*|street|tax_number|passport.*|recipient.*)$")


def fields(what: str) -> Iterator[tuple[str, str, str]]:
    """Scope, form and field of what is shown, or taken."""
    for scope, held in ACCESS.items():
        for form, names in held[what].items():
            for name in names:
                yield scope, form, name


def test_every_route_says_who_may_call_it() -> None:
    open_routes = {
        route
        for document in DOCUMENTS.values()
        for route, operation in operations(document)
        if scope_of(operation) == ANYONE
    }
    assert open_routes == {
        "POST /v1/token",
        "GET /v1/jwks.json",
        "GET /v1/oauth/start",
        "POST /v1/oauth/start",
        "GET /v1/oauth/callback",
    }


@pytest.mark.parametrize("service", DOCUMENTS)
def test_a_body_with_an_unknown_field_is_refused(service: str) -> None:
    document = DOCUMENTS[service]
    for _, operation in operations(document):
        for name in forms_in(operation.get("requestBody", {}), document) - OPEN_FORMS:
            form = document["components"]["schemas"][name]
            if "properties" in form:
                assert form.get("additionalProperties") is False, name


def test_secrets_are_shown_to_those_alone_they_are_made_for() -> None:
    shown = {found for found in fields("shows") if SECRET.search(found[2])}
    assert shown == {
        (ANYONE, "auth-service TokenAnswer", "access_token"),  # for a client's id and secret
        (ANYONE, "auth-service TokenAnswer", "token_type"),
        ("operator", "auth-service ClientSecret", "client_secret"),  # once, when it is made
        ("catalogue:write", "auth-service NewProducerKey", "signing_key"),  # once, when it is made
        ("token:read", "auth-service TokenView", "access_token"),  # services: AliExpress's
        ("token:read", "auth-service OpenedKey", "signing_key"),  # services: to verify events
    }


def test_buyers_are_shown_to_those_alone_who_read_orders() -> None:
    shown = {found for found in fields("shows") if OF_A_BUYER.search(found[2])}
    assert {scope for scope, _, _ in shown} == {"orders:read"}


def test_no_merchant_sets_what_the_services_set() -> None:
    taken = {found for found in fields("takes") if SET_BY_US.search(found[2])}
    assert {scope for scope, _, _ in taken} == {"operator", "token:read"}
    by_operators = {name for scope, _, name in taken if scope == "operator"}
    assert by_operators == {"merchant_id"}
