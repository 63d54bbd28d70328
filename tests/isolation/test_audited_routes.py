"""Every route that changes something is written down in the audit, or says why it is not."""

import json
from pathlib import Path

import pytest
from schemas.access import operations
from schemas.generate import FOLDER

ROOT = Path(__file__).parents[2]
SOURCES = {
    "auth-service": ("services/auth-service/src", "libs/common/src"),
    "catalog-service": ("services/catalog-service/src", "libs/common/src"),
    "feed-publisher": ("services/feed-publisher/src", "libs/common/src"),
    "order-importer": ("services/order-importer/src", "libs/common/src"),
}
M = "/v1/merchants/{merchant_id}"
FEED = f"{M}/feeds/{{feed_id}}"
SHOP = f"{M}/shops/{{shop_id}}"
IMPORT = f"{M}/catalogues/{{catalogue_id}}/imports/{{import_id}}"
CLIENT = f"{M}/api-clients/{{client_id}}"
SHIPMENTS = f"{SHOP}/orders/{{order_id}}/shipments"

AUDITED = {
    # every service
    f"POST {M}/dead-letters/replay": "dead-letter.",
    f"POST {M}/dead-letters/discard": "dead-letter.",
    f"POST {M}/dead-letters/{{letter_id}}/replay": "dead-letter.",
    f"POST {M}/dead-letters/{{letter_id}}/discard": "dead-letter.",
    "POST /v1/dead-letters/replay": "dead-letter.",
    "POST /v1/dead-letters/discard": "dead-letter.",
    "POST /v1/dead-letters/{letter_id}/replay": "dead-letter.",
    "POST /v1/dead-letters/{letter_id}/discard": "dead-letter.",
    "POST /v1/quarantines/lift": "quarantine.lifted",
    "POST /v1/set-aside/release": "job.rows-released",
    # auth-service
    f"PUT {M}": "merchant.registered",
    f"POST {SHOP}/connect": "shop.connect-link-made",
    "GET /v1/oauth/callback": "shop.connected",
    "POST /v1/renew": "shop.connect-link-made",
    "POST /internal/v1/shops/{merchant_id}/{shop_id}/token/dead": "shop.disconnected",
    f"POST {M}/api-clients": "client.made",
    f"POST {CLIENT}/rotate": "client.rotated",
    f"DELETE {CLIENT}": "client.revoked",
    f"POST {CLIENT}/producer-keys": "producer-key.made",
    f"DELETE {CLIENT}/producer-keys/{{key_id}}": "producer-key.deleted",
    f"POST {M}/members": "member.invited",
    f"PUT {M}/members/{{person_id}}": "member.role-changed",
    f"DELETE {M}/members/{{person_id}}": "member.removed",
    "POST /v1/operators": "operator.invited",
    "DELETE /v1/operators/{person_id}": "operator.removed",
    "POST /v1/people/reset": "password.link-made",
    "DELETE /v1/people/{person_id}/sessions": "session.ended",
    "POST /v1/invitations/accept": "member.joined",
    "POST /v1/invitation": "member.joined",
    "POST /v1/password/forgot": "password.forgotten",
    "POST /v1/forgot-password": "password.forgotten",
    "POST /v1/password/reset": "password.changed",
    "POST /v1/reset-password": "password.changed",
    "PUT /v1/me/password": "password.changed",
    "PUT /v1/me": "person.profile-changed",
    "POST /v1/sessions": "session.began",
    "POST /v1/sign-in": "session.began",
    "POST /v1/sign-out": "session.ended",
    "DELETE /v1/me/sessions": "session.ended",
    "DELETE /v1/me/sessions/{session_id}": "session.ended",
    "POST /v1/me/second-factor/confirm": "second-factor.confirmed",
    "POST /v1/me/second-factor/disable": "second-factor.disabled",
    f"POST {M}/troubles/{{trouble_id}}/acknowledge": "trouble.acknowledged",
    f"PUT {M}/alerts/subscriptions/{{person_id}}": "alert.subscriptions.saved",
    f"POST {M}/webhooks": "webhook.made",
    f"PUT {M}/webhooks/{{endpoint_id}}": "webhook.changed",
    f"DELETE {M}/webhooks/{{endpoint_id}}": "webhook.deleted",
    f"POST {M}/webhooks/{{endpoint_id}}/enable": "webhook.enabled",
    f"POST {M}/webhooks/{{endpoint_id}}/secret": "webhook.secret_rotated",
    f"POST {M}/webhooks/{{endpoint_id}}/deliveries/{{delivery_id}}/replay": "webhook.replayed",
    # catalog-service
    f"PUT {FEED}": "feed.configuration.saved",
    f"DELETE {FEED}": "feed.removed",
    f"POST {FEED}/versions/{{version}}/rollback": "feed.configuration.rolled-back",
    f"POST {FEED}/drafts/{{draft_id}}/apply": "feed.draft.applied",
    f"POST {FEED}/suggestions/accept": "feed.suggestions.accepted",
    f"PUT {M}/catalogues/{{catalogue_id}}": "catalogue.declared",
    f"POST {M}/catalogues/{{catalogue_id}}/imports": "catalogue.file-imported",
    f"POST {IMPORT}/confirm-deletions": "catalogue.deletions-confirmed",
    f"POST {IMPORT}/cancel": "catalogue.import-cancelled",
    # feed-publisher
    f"POST {FEED}/pause": "feed.paused",
    f"POST {FEED}/resume": "feed.resumed",
    f"PUT {FEED}/fast-lane": "feed.fast-lane-set",
    f"PUT {FEED}/guard": "feed.guard-set",
    f"PUT {FEED}/schedule": "feed.schedule-set",
    f"POST {FEED}/runs": "feed.run-asked",
    f"POST {M}/runs/{{run_id}}/confirm": "run.confirmed",
    f"POST {FEED}/adoptions": "product.adopted",
    f"POST {FEED}/adopt-all": "product.adopted",
    f"POST {FEED}/products/{{family_id}}/adopt": "product.adopted",
    # order-importer
    f"POST {SHIPMENTS}": "order.shipment-asked",
    f"POST {SHOP}/shipments/file": "order.shipment-asked",
    f"POST {SHIPMENTS}/{{shipment_id}}/tracking": "order.tracking-corrected",
    f"DELETE {SHOP}/orders/{{order_id}}/buyer-data": "order.buyer-erased",
    f"POST {SHOP}/order-imports": "orders.import-asked",
    f"POST {SHOP}/order-imports/pause": "orders.imports-paused",
    f"POST {SHOP}/order-imports/resume": "orders.imports-resumed",
    f"POST {SHOP}/order-audits": "orders.audit-asked",
    f"PUT {SHOP}/preparation": "shop.preparation-set",
}
NOT_AUDITED = {
    "POST /v1/token": "a token changes nothing",
    "POST /v1/sessions/token": "a token changes nothing",
    "POST /v1/oauth/start": "a step on the way to a connection, which is written down at its end",
    "POST /v1/me/second-factor": "a factor counts once it is confirmed",
    "POST /internal/v1/producer-keys/lookup": "it reads",
    "POST /v1/links/show": "it reads",
    f"POST {M}/alerts/read": "what a person has read is theirs",
    f"POST {M}/alerts/test": "a test changes nothing",
    "POST /v1/republish": "what is published again is what is so already",
    f"POST {FEED}/check": "it reads",
    f"POST {FEED}/matches/try": "it reads",
    f"POST {FEED}/drafts": "a draft changes nothing until it is applied",
    f"DELETE {FEED}/drafts/{{draft_id}}": "a draft changes nothing until it is applied",
    f"POST {M}/feed-proposals": "it reads",
    f"POST {M}/catalogues/{{catalogue_id}}/dry-run": "it reads",
}


@pytest.mark.parametrize("service", SOURCES)
def test_every_change_has_its_action_in_the_services_code(service: str) -> None:
    document = json.loads((FOLDER / "openapi" / f"{service}.json").read_text())
    text = "\n".join(
        path.read_text() for folder in SOURCES[service] for path in (ROOT / folder).rglob("*.py")
    )
    for route, _ in operations(document):
        if route.startswith("GET ") and route not in AUDITED:
            continue
        if route in NOT_AUDITED:
            continue
        action = AUDITED.get(route)
        assert action is not None, f"{route}: record what it changes, or say why not"
        assert f'"{action}' in text, f"{route}: nobody records {action}"


def test_no_row_is_of_a_route_that_is_gone() -> None:
    known = {
        route
        for service in SOURCES
        for route, _ in operations(json.loads((FOLDER / "openapi" / f"{service}.json").read_text()))
    }
    assert not (AUDITED.keys() | NOT_AUDITED.keys()) - known
    assert not AUDITED.keys() & NOT_AUDITED.keys()
