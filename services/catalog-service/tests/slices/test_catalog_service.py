"""The service as a whole: records in from Kafka, REST beside it, records out to Kafka."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from catalog_service.app import SERVICE
from catalog_service.categories.marketplace import Marketplace
from catalog_service.categories.store import request_schemas, save_schema
from catalog_service.settings import CatalogSettings
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import encode
from common.contracts.event import Event
from common.contracts.product import ProductNormalized
from common.contracts.shop import ShopState
from common.messaging.create_topics import create_topics
from common.messaging.relay import Relay
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.service import Context, Parts, create_app
from common.supervision import Component
from common.web.identity import OPERATOR, Verifier
from stack.testing import eventually
from stack.testing.hostile_requests import find_faults

from ..rest import SCOPES, signer
from ..trees import TREE, keep_tree

WALL_CLOCKS = "152805"
FORM: dict[str, Any] = {
    "shop": "s",
    "catalogue": "c",
    "main_locale": "en_US",
    "currency": "USD",
    "image_checks": "off",
    "category": {"source": {"field": "category"}, "prefix": {"Clocks": WALL_CLOCKS}},
    "languages": {"en_US": {"title": {"field": "title"}, "description": {"field": "title"}}},
    "attributes": {
        "sku_code": {"field": "product_id"},
        "price": {"field": "price"},
        "inventory": {"constant": 5},
    },
}


@dataclass
class Running:
    """The service under test: its REST API and its topics."""

    api: httpx2.AsyncClient
    bootstrap: str
    prefix: str
    sign: Callable[..., str]

    async def publish(self, *events: Event) -> None:
        encoded = [encode(event, source="/tests") for event in events]
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as producer:
            for item in encoded:
                await producer.send_and_wait(
                    self.prefix + item.topic, item.value, item.key, headers=item.headers
                )

    async def next_normalized(self) -> ProductNormalized:
        topic = self.prefix + ProductNormalized.topic
        async with AIOKafkaConsumer(
            topic, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest"
        ) as consumer:
            async with asyncio.timeout(30):
                record = await consumer.getone()
        return msgspec.json.decode(record.value, type=ProductNormalized)


@pytest.fixture
async def running(
    pool: Pool,
    connected_shop: None,
    database_url: str,
    kafka_bootstrap: str,
    topic_prefix: str,
) -> AsyncIterator[Running]:
    await create_topics(kafka_bootstrap, topic_prefix, partitions=1)
    settings = CatalogSettings(
        database_url=database_url,
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        auth_url="http://127.0.0.1:9",
        instance_id="one",
    )
    sign, keys = signer()
    context = Context(settings, pool, Verifier("http://127.0.0.1:9/jwks"))
    context.verifier.trust(keys)
    parts: Parts = SERVICE.build(context)
    relay = Relay(
        database_url, kafka_bootstrap, service="catalog-service", topic_prefix=topic_prefix
    )
    components: list[Component] = [relay, *parts.consumers, *parts.jobs]
    for component in components:
        component.start()
    transport = httpx2.ASGITransport(app=create_app(SERVICE, context, parts))
    headers = {"authorization": f"Bearer {sign('m', SCOPES)}"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://catalog", headers=headers
    ) as api:
        yield Running(api, kafka_bootstrap, topic_prefix, sign)
    await asyncio.gather(*(component.stop() for component in components))
    for closer in parts.closers:
        await closer()  # type: ignore[misc]


def shop() -> ShopState:
    return ShopState(
        merchant_id="m",
        shop_id="s",
        revision=1,
        is_eligible=True,
        connection="connected",
        generation=1,
        seller_id="2200100001",
    )


def clock_row(product_id: str, price: str = "10") -> CatalogUpdated:
    fields: dict[str, Any] = {"title": "Clock", "category": "Clocks", "price": price}
    return CatalogUpdated(
        merchant_id="m",
        catalogue_id="c",
        product_id=product_id,
        action="upsert",
        version=1,
        fields=fields,
    )


async def has_schema(pool: Pool, marketplace: Marketplace) -> bool:
    """Fetch it, unless the service's own job has: that one has no token, and holds it back."""
    await pool.execute("UPDATE category_schema SET retry_at = NULL, failures = 0")
    await marketplace.fetch_schemas()
    found: int = await pool.fetchval("SELECT count(*) FROM category_schema WHERE body IS NOT NULL")
    return found > 0


async def test_an_event_of_an_undeclared_catalogue_is_played_once_it_is_declared(
    running: Running, pool: Pool, marketplace: Marketplace
) -> None:
    await running.publish(shop(), clock_row("a"))
    await eventually(lambda: pool.fetchval("SELECT count(*) FROM parked_event"))
    declared = await running.api.put(
        "/v1/merchants/m/catalogues/c", json={"versioning": "explicit"}
    )
    assert declared.status_code == 200
    applied = await running.api.put("/v1/merchants/m/feeds/f", json=FORM)
    assert applied.status_code == 200, applied.text
    await eventually(lambda: pool.fetchval("SELECT count(*) FROM category_schema"))
    await eventually(lambda: pool.fetchval("SELECT count(*) FROM shop"))
    await eventually(partial(has_schema, pool, marketplace))
    event = await running.next_normalized()
    assert event.family_id == "a"
    assert event.offers is not None
    missing = {issue.field for issue in event.content_part.issues} if event.content_part else set()
    assert "category_attributes > Brand Name" in missing
    shown = (await running.api.get("/v1/merchants/m/feeds/f/preview/a")).json()
    assert shown["state"] == "content_invalid"
    assert shown["sources"][0]["fields"]["title"] == "Clock"
    ready = (await running.api.get("/v1/merchants/m/feeds/f/completeness")).json()
    assert (ready["products"], ready["ready"]) == (1, 0)
    assert any(item["field"] == "shipping_template_id" for item in ready["lacking"])
    table = await running.api.get("/v1/merchants/m/feeds/f/issues", headers={"accept": "text/csv"})
    assert table.text.startswith("rule,severity,field")


async def test_an_id_as_long_as_a_system_makes_it_passes_through(
    running: Running, pool: Pool, marketplace: Marketplace
) -> None:
    longest = "".join(chr(0x1F300 + 7 * n % 500) for n in range(255))
    await running.api.put("/v1/merchants/m/catalogues/c", json={"versioning": "explicit"})
    await running.api.put("/v1/merchants/m/feeds/f", json=FORM)
    child = msgspec.structs.replace(clock_row("child"), parent_id=longest)
    await running.publish(shop(), clock_row(longest), child)
    await eventually(lambda: pool.fetchval("SELECT count(*) FROM category_schema"))
    await eventually(partial(has_schema, pool, marketplace))
    assert (await running.next_normalized()).family_id == longest
    for path in ("catalogues/c/products", "feeds/f/preview"):
        answer = await running.api.get(f"/v1/merchants/m/{path}/{quote(longest)}")
        assert answer.json()["family_id"] == longest, answer.text
    assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0


async def test_a_foreign_merchant_sees_nothing(running: Running) -> None:
    await running.api.put("/v1/merchants/m/catalogues/c", json={})
    foreign = {"authorization": f"Bearer {running.sign('other', SCOPES)}"}
    for path in ("catalogues/c", "feeds", "catalogues/c/products"):
        answer = await running.api.get(f"/v1/merchants/m/{path}", headers=foreign)
        assert answer.status_code == 404
    assert (
        await running.api.get("/v1/merchants/m/feeds", headers={"authorization": ""})
    ).status_code == 401


async def test_a_configuration_that_cannot_be_used_names_its_key(running: Running) -> None:
    await running.api.put("/v1/merchants/m/catalogues/c", json={})
    bad = FORM | {"attributes": FORM["attributes"] | {"price": {"template": "{{ a.b() }}"}}}
    answer = await running.api.put("/v1/merchants/m/feeds/f", json=bad)
    assert answer.status_code == 422
    assert answer.json()["field"] == "attributes.price"
    unknown = await running.api.put("/v1/merchants/m/feeds/f", json=FORM | {"prize": 1})
    assert unknown.status_code == 422
    assert unknown.json()["field"] == "prize"


async def test_a_dry_run_tells_and_does_nothing(running: Running, pool: Pool) -> None:
    path = "/v1/merchants/m/catalogues/c/dry-run"
    event = {"product_id": "a", "action": "upsert", "version": 1, "fields": {"title": "Clock"}}
    assert (await running.api.post(path, json=event)).json()["verdict"] == "parked"
    await running.api.put("/v1/merchants/m/catalogues/c", json={"versioning": "explicit"})
    await running.api.put("/v1/merchants/m/feeds/f", json=FORM)
    tried = (await running.api.post(path, json=event)).json()
    assert (tried["verdict"], tried["family_id"]) == ("newer", "a")
    assert tried["feeds"][0]["feed_id"] == "f"
    assert {issue["rule"] for issue in tried["feeds"][0]["issues"]} >= {"M2.2", "M3.9"}
    wrong = (await running.api.post(path, json=event | {"version": "x"})).json()
    assert (wrong["verdict"], wrong["reason"]) == ("rejected", "wrong-shape")
    assert await pool.fetchval("SELECT count(*) FROM source_product") == 0


async def test_a_file_is_uploaded_and_followed(running: Running) -> None:
    base = "/v1/merchants/m/catalogues/files/imports"
    await running.api.put("/v1/merchants/m/catalogues/files", json={"fed_by": "files"})
    sent = await running.api.post(
        base, files={"file": ("c.csv", b"code,title\na,A\n,B\n")}, data={"id_field": "code"}
    )
    assert sent.status_code == 202, sent.text
    number = sent.json()["import_id"]

    async def is_over() -> bool:
        state = (await running.api.get(f"{base}/{number}")).json()["state"]
        return state not in {"waiting", "reading"}

    await eventually(is_over)
    done = (await running.api.get(f"{base}/{number}")).json()
    assert (done["state"], done["accepted"], done["rejected"]) == ("completed_with_problems", 1, 1)
    problems = (await running.api.get(f"{base}/{number}/problems")).json()["items"]
    assert problems[0]["line"] == 3


async def test_a_catalogue_names_the_columns_of_its_files_once(
    running: Running, pool: Pool
) -> None:
    path = "/v1/merchants/m/catalogues/files"

    async def declare(**fields: str | None) -> dict[str, Any]:
        answer = await running.api.put(path, json={"fed_by": "files"} | fields)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = (await running.api.get(path)).json()
        assert (await running.api.get("/v1/merchants/m/catalogues")).json()["items"] == [shown]
        return shown

    async def bring(content: bytes, **options: str) -> dict[str, str | None]:
        sent = await running.api.post(f"{path}/imports", files={"file": content}, data=options)
        number = sent.json()["import_id"]

        async def is_over() -> bool:
            state = (await running.api.get(f"{path}/imports/{number}")).json()["state"]
            return state not in {"waiting", "reading"}

        await eventually(is_over)
        rows = await pool.fetch(
            "SELECT product_id, parent_id FROM source_product WHERE version = $1", number
        )
        return {row["product_id"]: row["parent_id"] for row in rows}

    await declare(id_field="code", parent_field="of")
    file = b"id,code,other,of\n1,A,X,\n2,B,Y,A\n"
    assert await bring(file) == {"A": None, "B": "A"}
    assert await bring(file, id_field="other", mode="partial") == {"X": None, "Y": "A"}
    kept = await declare()
    assert (kept["id_field"], kept["parent_field"]) == ("code", "of")
    changed = await declare(id_field="id", parent_field=None)
    assert (changed["id_field"], changed["parent_field"]) == ("id", None)
    assert await bring(file, mode="partial") == {"1": None, "2": None}


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"fed_by": "events", "id_field": "code"}, "id_field"),
        ({"parent_field": "of"}, "parent_field"),
        ({"fed_by": "files", "id_field": "\x00"}, "id_field"),
        ({"fed_by": "files", "parent_field": "x" * 256}, "parent_field"),
    ],
)
async def test_a_column_no_file_can_have_is_refused(
    running: Running, form: dict[str, str], field: str
) -> None:
    answer = await running.api.put("/v1/merchants/m/catalogues/files", json=form)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.json()["remedy"]
    assert (await running.api.get("/v1/merchants/m/catalogues/files")).status_code == 404


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"encoding": "zlib"}, "encoding"),
        ({"encoding": "idna"}, "encoding"),
        ({"encoding": "utf-9"}, "encoding"),
        ({"encoding": "\x00"}, "encoding"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"delimiter": '"'}, "delimiter"),
        ({"id_field": "\x00"}, "id_field"),
        ({"parent_field": "x" * 256}, "parent_field"),
    ],
)
async def test_an_option_no_file_can_be_read_by_is_refused_at_upload(
    running: Running, pool: Pool, options: dict[str, str], field: str
) -> None:
    base = "/v1/merchants/m/catalogues/files/imports"
    await running.api.put("/v1/merchants/m/catalogues/files", json={"fed_by": "files"})
    file = {"file": ("c.csv", b"id,title\na,A\n")}
    by_query = await running.api.post(base, files=file, params=options)
    by_form = await running.api.post(base, files=file, data=options)
    for answer in (by_query, by_form):
        assert answer.status_code == 422, answer.text
        problem = answer.json()
        assert problem["field"] == field
        assert problem["remedy"]
    assert await pool.fetchval("SELECT count(*) FROM catalogue_import") == 0


def nested(levels: int, rule: str = '{"field": "a", "equals": "x"}') -> str:
    return '{"not": ' * levels + rule + "}" * levels


@pytest.mark.parametrize(
    ("section", "body", "status", "field"),
    [
        ("user_defined_attributes", '{"a": {"constant": 1e999}}', 422, "user_defined_attributes"),
        ("user_defined_attributes", '{"a": {"constant": NaN}}', 422, "user_defined_attributes"),
        ("user_defined_attributes", '{"a": {"constant": "\\u0000"}}', 422, "user_defined"),
        ("user_defined_attributes", '{"a": {"constant": "\\ud800"}}', 422, "user_defined"),
        ("exclude", nested(200), 422, "exclude"),
        ("exclude", nested(2_000), 400, None),
        ("exclude", '{"field": "a", "equals": ' + "9" * 5_000 + "}", 400, None),
        ("exclude", '{"field": "a", "compare": "<", "value": -Infinity}', 422, "exclude"),
        ("category_attributes", '{"a": {"template": "{{ 1e999 }}"}}', 422, "category_attributes.a"),
    ],
    ids=["1e999", "NaN", "NUL", "half", "deep", "deeper", "digits", "bound", "literal"],
)
@pytest.mark.parametrize("route", ["put", "check"])
async def test_a_configuration_the_worker_could_not_read_is_refused(
    running: Running,
    pool: Pool,
    route: str,
    section: str,
    body: str,
    status: int,
    field: str | None,
) -> None:
    await running.api.put("/v1/merchants/m/catalogues/c", json={})
    sent = json.dumps(FORM | {section: "HERE"}).replace('"HERE"', body)
    path = "/v1/merchants/m/feeds/f"
    method, path = ("PUT", path) if route == "put" else ("POST", path + "/check")
    answer = await running.api.request(
        method, path, content=sent, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["remedy"]
    if field is not None:
        assert problem["field"].startswith(field)
    assert await pool.fetchval("SELECT count(*) FROM feed") == 0


LISTS = [
    "/v1/merchants/m/catalogues",
    "/v1/merchants/m/catalogues/files/products",
    "/v1/merchants/m/catalogues/files/imports",
    "/v1/merchants/m/catalogues/files/imports/{import_id}/problems",
    "/v1/merchants/m/feeds",
    "/v1/merchants/m/feeds/f/preview",
]


async def test_a_list_is_paged(running: Running) -> None:
    await running.api.put("/v1/merchants/m/catalogues/files", json={"fed_by": "files"})
    await running.api.put("/v1/merchants/m/catalogues/other", json={})
    for name in ("f", "g"):
        await running.api.put(f"/v1/merchants/m/feeds/{name}", json=FORM | {"catalogue": "other"})
    base = "/v1/merchants/m/catalogues/files/imports"
    for _ in range(2):
        sent = await running.api.post(
            base, files={"file": ("c.csv", b"id,title\na,A\nb,B\n,C\n,D\n")}
        )
    number = sent.json()["import_id"]

    async def is_over() -> bool:
        state = (await running.api.get(f"{base}/{number}")).json()["state"]
        return state not in {"waiting", "reading"}

    await eventually(is_over)
    for path in LISTS:
        at = path.format(import_id=number)
        whole = (await running.api.get(at)).json()["items"]
        items, cursor = [], None
        while True:
            query = {"limit": "1"} | ({} if cursor is None else {"cursor": cursor})
            page = (await running.api.get(at, params=query)).json()
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert items == whole, at
        assert len(items) == 2 or at.endswith("preview")


OF_MERCHANT = "/v1/merchants/{merchant_id}"
ATTRIBUTE = {"title": {"properties": {"value": {"enum": ["1", "2"]}}}}
SCHEMA = json.dumps({"properties": {"category_attributes": {"properties": ATTRIBUTE}}})


async def test_no_parameter_and_no_cursor_is_answered_but_with_a_problem(
    running: Running, pool: Pool
) -> None:
    await running.publish(shop())
    await keep_tree(pool, TREE)
    async with unit_of_work(pool) as connection:
        await request_schemas(connection, [("m", "s", WALL_CLOCKS)])
        await save_schema(connection, ("m", "s", WALL_CLOCKS), body=SCHEMA, refusal=None)
    await running.api.put("/v1/merchants/m/catalogues/files", json={"fed_by": "files"})
    imports = "/v1/merchants/m/catalogues/files/imports"
    sent = await running.api.post(imports, files={"file": ("c.csv", b"id,title\na,A\n,C\n")})
    number = sent.json()["import_id"]

    async def is_over() -> bool:
        state = (await running.api.get(f"{imports}/{number}")).json()["state"]
        return state not in {"waiting", "reading"}

    async def is_applied() -> bool:
        form = FORM | {"catalogue": "files"}
        return (await running.api.put("/v1/merchants/m/feeds/f", json=form)).is_success

    await eventually(is_over)
    await eventually(is_applied)
    form = FORM | {"catalogue": "files"}
    draft = await running.api.post("/v1/merchants/m/feeds/f/drafts", json=form)
    assert draft.status_code == 201, draft.text
    # the feed moves on, so that no request applies the draft
    await running.api.put("/v1/merchants/m/feeds/f", json=form | {"countries": ["ES"]})
    of_catalogue = f"{OF_MERCHANT}/catalogues/{{catalogue_id}}"
    faults = await find_faults(
        running.api,
        {"authorization": f"Bearer {running.sign(None, OPERATOR)}"},
        known={
            "merchant_id": "m",
            "catalogue_id": "files",
            "import_id": str(number),
            "product_id": "a",
            "name": "title",
            "feed_id": "f",
            "draft_id": str(draft.json()["draft_id"]),
            "family_id": "a",
            "shop_id": "s",
            "category_id": WALL_CLOCKS,
        },
        places={
            "/v1/limits": ("app", "*"),
            f"{OF_MERCHANT}/catalogues": ("files",),
            f"{of_catalogue}/products": ("a",),
            f"{of_catalogue}/fields": ("id",),
            f"{of_catalogue}/fields/{{name}}/values": (1,),
            f"{of_catalogue}/imports": (number,),
            f"{of_catalogue}/imports/{{import_id}}/problems": (1,),
            f"{OF_MERCHANT}/feeds": ("f",),
            f"{OF_MERCHANT}/feeds/{{feed_id}}/preview": ("a",),
            f"{OF_MERCHANT}/feeds/{{feed_id}}/versions": (7,),
            f"{OF_MERCHANT}/feeds/{{feed_id}}/drafts": (7,),
            f"{OF_MERCHANT}/feeds/{{feed_id}}/drafts/{{draft_id}}/changes": ("a",),
            f"{OF_MERCHANT}/feeds/{{feed_id}}/suggestions": (1,),
            f"{OF_MERCHANT}/shops/{{shop_id}}/categories": (1,),
            f"{OF_MERCHANT}/shops/{{shop_id}}/categories/{{category_id}}"
            "/attributes/{name}/values": (1,),
            **dict.fromkeys((f"{OF_MERCHANT}/dead-letters", "/v1/dead-letters"), (7,)),
            f"{OF_MERCHANT}/quarantines": ("group", "source", "m"),
            f"{OF_MERCHANT}/set-aside": ("job", "m", "subject"),
            **dict.fromkeys((f"{OF_MERCHANT}/audit", "/v1/audit"), ("2026-11-26T12:00:00Z", 7)),
            "/v1/quarantines": ("group", "source", "m"),
            "/v1/set-aside": ("job", "m", "subject"),
            **dict.fromkeys((f"{OF_MERCHANT}/parked", "/v1/parked"), ("g", "catalogue:a/b", "m")),
        },
    )
    assert "\n".join(faults) == ""
