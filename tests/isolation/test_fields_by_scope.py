"""What each scope may set and is shown, by the committed documents (X2).

`make check` compares `schemas/access.json` with the running code; here it is read for what no
scope may ever have.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from schemas.access import ANYONE, SESSION, access, forms_in, operations, scope_of
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
PAGES = ("sign-in", "forgot-password", "reset-password", "invitation")
SET_BY_US = re.compile(r"(?i)^(version|revision|state|status|generation|merchant_id|.*_at)$")
SECRET = re.compile(
    r"(?i)(token|secret|password|signing_key|private|recovery_codes|^session$|^link$|^uri$)"
)
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
        # by a password, or the secret of a link
        "POST /v1/sessions",
        "POST /v1/links/show",
        "POST /v1/invitations/accept",
        "POST /v1/password/forgot",
        "POST /v1/password/reset",
        # pages: by a browser's cookie and the token of its form
        *(f"{method} /v1/{page}" for method in ("GET", "POST") for page in PAGES),
        "POST /v1/sign-out",
        "GET /v1/renew/{merchant_id}/{shop_id}",
        "POST /v1/renew",
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
        (ANYONE, "auth-service SessionSecret", "session"),  # for an address and a password
        (ANYONE, "auth-service LinkView", "needs_password"),  # whether one is to be set: no secret
        (SESSION, "auth-service PersonToken", "access_token"),
        (SESSION, "auth-service PersonToken", "token_type"),
        (SESSION, "auth-service FactorSecret", "secret"),  # once, when it is made
        (SESSION, "auth-service FactorSecret", "uri"),
        (SESSION, "auth-service RecoveryCodes", "recovery_codes"),  # once, when they are made
        ("members:write", "auth-service InvitationView", "link"),  # null but for operators
        ("operator", "auth-service InvitationView", "link"),
        ("clients:write", "auth-service ClientSecret", "client_secret"),  # once, when it is made
        ("clients:write", "auth-service RotatedSecret", "client_secret"),
        ("webhooks:write", "auth-service NewEndpoint", "secret"),  # once, when it is made
        ("webhooks:write", "auth-service NewSecret", "secret"),
        ("catalogue:write", "auth-service NewProducerKey", "signing_key"),  # once, when it is made
        ("token:read", "auth-service TokenView", "access_token"),  # services: AliExpress's
        ("token:read", "auth-service OpenedKey", "signing_key"),  # services: to verify events
    }


def test_buyers_are_shown_to_those_alone_who_read_orders() -> None:
    shown = {found for found in fields("shows") if OF_A_BUYER.search(found[2])}
    assert {scope for scope, _, _ in shown} == {"orders:read"}


def test_no_merchant_sets_what_the_services_set() -> None:
    taken = {found for found in fields("takes") if SET_BY_US.search(found[2])}
    of_a_person = {(scope, name) for scope, _, name in taken if scope in {ANYONE, SESSION}}
    # whose token is wanted, or which shop is renewed: looked up among what the person may
    assert of_a_person == {(ANYONE, "merchant_id"), (SESSION, "merchant_id")}
    taken = {found for found in taken if found[0] not in {ANYONE, SESSION}}
    assert {scope for scope, _, _ in taken} == {"operator", "token:read"}
    by_operators = {name for scope, _, name in taken if scope == "operator"}
    assert by_operators == {"merchant_id"}
