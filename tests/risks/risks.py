"""Every risk of the security checklist, and the tests that prove what is done about it.

The rows follow OWASP's API Top 10 of 2023 and RFC 9700. A test is a file, a folder, or
`file::name`; a risk that does not apply says why instead.
"""

from dataclasses import dataclass

COMMON = "libs/common/tests"
AUTH = "services/auth-service/tests"
CATALOG = "services/catalog-service/tests"
PUBLISHER = "services/feed-publisher/tests"
ORDERS = "services/order-importer/tests"


@dataclass(frozen=True)
class Risk:
    """One row: what could happen, what is done, and the tests of it."""

    row: str
    risk: str
    answer: str
    tests: tuple[str, ...] = ()


RISKS = (
    Risk(
        "X1",
        "one merchant reads or changes what is another's",
        "foreign paths answer like missing ones; sessions of Postgres see one merchant's rows; an "
        "event whose key and data name two merchants is a dead letter",
        (
            "tests/isolation",
            f"{COMMON}/test_common_acting.py",
            (
                f"{COMMON}/test_common_dead_letters.py::"
                "test_a_foreign_dead_letter_does_not_exist_for_a_merchant"
            ),
            f"{AUTH}/slices/test_auth_scopes.py",
            f"{CATALOG}/slices/test_catalog_service.py::test_a_foreign_merchant_sees_nothing",
            (
                f"{PUBLISHER}/slices/test_publisher_rules_of_the_shop.py::"
                "test_a_foreign_merchants_runs_and_products_do_not_exist"
            ),
            f"{ORDERS}/slices/test_orders_scopes.py",
            (
                f"{ORDERS}/slices/test_orders_importing.py::"
                "test_a_foreign_merchants_orders_do_not_exist"
            ),
        ),
    ),
    Risk(
        "X2",
        "a client sets or is shown what it may not",
        "unknown fields are refused, answers are those of the OpenAPI document, and what each "
        "scope is shown and takes is committed (`schemas/access.json`)",
        ("tests/fuzz", "tests/isolation/test_fields_by_scope.py"),
    ),
    Risk(
        "X3",
        "a token that is forged, too old or somebody else's",
        "EdDSA alone, checked offline; every one of a table of bad tokens is nobody; people's "
        "sessions are stored as hashes, end, and are planted by nobody; links open once",
        (
            f"{COMMON}/test_common_identity.py",
            f"{AUTH}/slices/test_auth_sessions.py",
            f"{AUTH}/slices/test_auth_signing_in.py",
            f"{AUTH}/slices/test_auth_people.py",
            f"{AUTH}/slices/test_auth_clients.py",
        ),
    ),
    Risk(
        "X4",
        "somebody connects a shop in another's name",
        "the merchant is named first; state and ticket are used once, by one browser, in ten "
        "minutes; PKCE; another seller cannot renew",
        (
            f"{AUTH}/slices/test_auth_connecting.py",
            f"{AUTH}/slices/test_auth_invitation.py",
            f"{AUTH}/slices/test_auth_token_life.py",
        ),
    ),
    Risk(
        "X5",
        "a copy of the database holds tokens",
        "each is sealed under a key of its own, bound to its row; master keys rotate",
        (f"{AUTH}/rules/test_auth_token_vault.py", f"{AUTH}/slices/test_auth_refresh.py"),
    ),
    Risk(
        "X6",
        "secrets in logs and traces",
        "logs and spans are redacted by names and by forms",
        (
            f"{COMMON}/test_common_redaction.py",
            "tests/stories/tokens/test_no_secret_stands_open.py",
        ),
    ),
    Risk(
        "X7",
        "pictures fetched from inside",
        "every address a name has is checked, and connected to as it was checked",
        (
            f"{COMMON}/test_common_outbound_guard.py",
            f"{CATALOG}/slices/test_catalog_images.py",
        ),
    ),
    Risk(
        "X8",
        "bodies, headers, floods and costly expressions",
        "limits before anything is read, budgets before anything is built, uploads counted",
        (
            f"{COMMON}/test_common_door.py",
            f"{COMMON}/test_common_server.py",
            f"{AUTH}/rules/test_auth_throttle.py",
            f"{CATALOG}/rules/test_catalog_hostile_templates.py",
            f"{CATALOG}/slices/test_catalog_uploads.py",
            f"{AUTH}/slices/test_auth_hostile_requests.py",
            f"{PUBLISHER}/slices/test_publisher_hostile_requests.py",
            f"{ORDERS}/slices/test_orders_hostile_requests.py",
        ),
    ),
    Risk(
        "X9",
        "XML that expands, points elsewhere or nests without end",
        "no document types, no entities; flat memory on any shape",
        (f"{CATALOG}/rules/test_catalog_hostile_files.py",),
    ),
    Risk(
        "X10",
        "archives that expand",
        "read piece by piece within a ratio and a size",
        (
            f"{CATALOG}/slices/test_catalog_hostile_imports.py",
            f"{CATALOG}/slices/test_catalog_hostile_size.py",
        ),
    ),
    Risk(
        "X11",
        "formulas in downloads",
        "cells that a spreadsheet would run are quoted",
        (f"{COMMON}/test_common_spreadsheets.py",),
    ),
    Risk(
        "X12",
        "active HTML in descriptions",
        "an allow-list, whose result it leaves as it is",
        (f"{CATALOG}/rules/test_catalog_texts.py",),
    ),
    Risk(
        "X13",
        "forged and repeated webhooks",
        "deliveries are signed, by two secrets while one is replaced, and keep their id",
        (f"{AUTH}/slices/test_auth_webhooks.py",),
    ),
    Risk(
        "X14",
        "AliExpress answers with harm",
        "answers are decoded against what was asked; no redirect is followed; sizes are bounded",
        (
            "libs/aliexpress/tests/test_aliexpress_answers.py",
            "libs/aliexpress/tests/test_aliexpress_transport.py",
            "tests/stories/faults/test_marketplace_faults.py",
        ),
    ),
    Risk(
        "X15",
        "a merchant calls operators' routes",
        "every route is refused to every role that is not meant",
        (
            "tests/isolation/test_roles.py",
            f"{AUTH}/slices/test_auth_scopes.py",
            f"{AUTH}/slices/test_auth_access.py",
            f"{ORDERS}/slices/test_orders_scopes.py",
        ),
    ),
    Risk(
        "X16",
        "open documents, debugging answers, readable files",
        "security headers; a port for operators; a bug says nothing of itself; private files",
        (
            f"{COMMON}/test_common_door.py::test_answers_say_how_they_are_to_be_taken",
            f"{COMMON}/test_common_server.py::test_what_is_for_operators_has_a_port_of_its_own",
            (
                f"{COMMON}/test_common_identity.py::"
                "test_an_outage_says_when_to_come_back_and_a_bug_says_nothing_of_itself"
            ),
            "stack/tests/test_stack_run.py::test_what_the_stack_keeps_is_its_owners_alone",
        ),
    ),
    Risk(
        "X17",
        "SQL, log lines and headers made of what was sent",
        "parameters alone (ruff's rules in `make check`); odd values through every field",
        (
            "tests/fuzz",
            f"{AUTH}/slices/test_auth_hostile_requests.py",
            f"{ORDERS}/slices/test_orders_hostile_requests.py",
        ),
    ),
    Risk(
        "X18",
        "somebody writes to Kafka in another's name",
        "users, access by owners of topics, and events signed by their merchant's key",
        (
            "tests/stories/secure",
            f"{CATALOG}/slices/test_catalog_signatures.py",
            f"{AUTH}/slices/test_auth_producer_keys.py",
            f"{COMMON}/test_common_kafka_access.py",
            f"{COMMON}/test_common_kafka_bearer.py",
            f"{COMMON}/test_common_signature.py",
        ),
    ),
    Risk(
        "X19",
        "a package that is swapped, vulnerable or not licensed",
        "hashes, bills of materials, licences, wheels that are equal when built again; `make "
        "audit` says where it could look nothing up",
        ("lint/test_supply.py",),
    ),
    Risk(
        "X20",
        "buyers' data kept for ever",
        "erased after 180 days and on request, wherever they stood",
        (
            f"{ORDERS}/slices/test_orders_erasure.py",
            f"{PUBLISHER}/slices/test_publisher_erased_buyers.py",
            "tests/stories/shop/test_erased_buyers.py",
        ),
    ),
    Risk(
        "X21",
        "ids that can be guessed or timed",
        "states, tickets, keys and runs are random; numbers are looked up within their merchant; a "
        "foreign one answers like a missing one",
        (
            f"{AUTH}/slices/test_auth_connecting.py::test_a_foreign_merchants_shop_does_not_exist",
            (
                f"{ORDERS}/slices/test_orders_shipping.py::"
                "test_a_foreign_merchants_order_cannot_be_shipped"
            ),
            (
                f"{CATALOG}/slices/test_catalog_uploads.py::"
                "test_a_foreign_import_is_not_there_to_be_cancelled"
            ),
        ),
    ),
    Risk(
        "X22",
        "one merchant's load slows all",
        "turns by merchant everywhere; beside one with 20 times the load another's worst is at "
        "most 1.5 times its own alone (`make bench-noisy`)",
        (
            f"{CATALOG}/slices/test_catalog_isolation.py",
            f"{PUBLISHER}/slices/test_publisher_fairness.py",
        ),
    ),
)
