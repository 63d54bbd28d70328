"""The same path as a FastStream program: an event in, its product stored, its event in the outbox.

Run by `bench/peer.py` in a venv of its own: `python faststream_outbox.py batch|single URL KAFKA
GROUP FILE`. It is written as such programs are, and well: pydantic decodes, one `jsonschema`
validator checks the filled body, asyncpg writes product and outbox row in one transaction, a batch
in two statements, and the offset is committed after that. It leaves out merchants' configurations,
issues, marks, row-level security and traces, and has its one leaf's choices looked up before it
starts (FILE: the schema, and the part of the body that is the same for all).
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import nh3
import uvloop
from faststream import FastStream  # type: ignore[import-not-found]  # only in the peer's venv
from faststream.confluent import KafkaBroker  # type: ignore[import-not-found]  # as above
from faststream.middlewares import AckPolicy  # type: ignore[import-not-found]  # as above
from jsonschema.protocols import Validator  # type: ignore[import-untyped]  # it ships no types
from jsonschema.validators import validator_for  # type: ignore[import-untyped]  # as above
from pydantic import BaseModel
from pydantic_core import to_json

BATCH = 1_000
TABLES = """
CREATE TABLE product (merchant_id text, catalogue_id text, product_id text, version bigint NOT NULL,
    fields text NOT NULL, state text NOT NULL,
    PRIMARY KEY (merchant_id, catalogue_id, product_id));
CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL,
    key bytea NOT NULL, value bytea NOT NULL, headers text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now());
"""
# An older version, or the same again after a crash, changes nothing and tells nobody.
UPSERT = """
INSERT INTO product (merchant_id, catalogue_id, product_id, version, fields, state)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[])
ON CONFLICT (merchant_id, catalogue_id, product_id) DO UPDATE
    SET version = excluded.version, fields = excluded.fields, state = excluded.state
    WHERE product.version < excluded.version
RETURNING product_id
"""
EMIT = """
INSERT INTO outbox (topic, key, value, headers)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[])
"""


class Fields(BaseModel):
    """What the shop says of a product."""

    sku: str
    title: str
    description: str
    category: str
    price: str
    stock: int
    images: list[str]


class CatalogUpdated(BaseModel):
    """The event."""

    merchant_id: str
    catalogue_id: str
    product_id: str
    action: str
    version: int
    parent_id: str | None = None
    fields: Fields


class Handler:
    """Takes events, one or many, in a transaction."""

    def __init__(self, pool: asyncpg.Pool, validator: Validator, common: dict[str, Any]) -> None:
        self._pool = pool
        self._validator = validator
        self._common = common

    async def on_batch(self, events: list[CatalogUpdated]) -> None:
        """Store a batch; the last of a product counts."""
        last = {(e.merchant_id, e.catalogue_id, e.product_id): e for e in events}
        made = {key[2]: self._normalized(event) for key, event in last.items()}
        rows = [
            (*key, event.version, event.fields.model_dump_json(), made[key[2]][0])
            for key, event in last.items()
        ]
        async with self._pool.acquire() as connection, connection.transaction():
            taken = await connection.fetch(UPSERT, *map(list, zip(*rows, strict=True)))
            emitted = [made[row["product_id"]][1] for row in taken]
            if emitted:
                await connection.execute(EMIT, *map(list, zip(*emitted, strict=True)))

    async def on_one(self, event: CatalogUpdated) -> None:
        """Store one."""
        await self.on_batch([event])

    def _normalized(self, event: CatalogUpdated) -> tuple[str, tuple[str, bytes, bytes, str]]:
        """Its state, and its record."""
        fields = event.fields
        html = {"type": "html", "html": {"content": nh3.clean(fields.description)}}
        body = self._common | {
            "title_multi_language_list": [{"locale": "en_US", "title": fields.title}],
            "description_multi_language_list": [{"locale": "en_US", "module_list": [html]}],
            "image_url_list": fields.images,
            "sku_info_list": [
                {"sku_code": fields.sku, "price": 1, "inventory": 1, "sku_attributes": {}}
            ],
        }
        state = "valid" if self._validator.is_valid(body) else "invalid"
        value = to_json(body | {"offers": [(fields.sku, fields.price, fields.stock)]})
        key = f"{event.merchant_id}/f/{event.product_id}".encode()
        headers = {"ce_id": uuid4().hex, "ce_type": "product.normalized", "ce_source": "/peer"}
        return state, ("product.normalized", key, value, json.dumps(headers))


async def main(mode: str, url: str, bootstrap: str, group: str, file: str) -> None:
    """Consume until it is ended."""
    leaf = json.loads(Path(file).read_text())
    pool = await asyncpg.create_pool(url)
    await pool.execute(TABLES)
    validator = validator_for(leaf["schema"])(leaf["schema"])
    handler = Handler(pool, validator, leaf["common"])
    failures = logging.getLogger("peer")  # by default it writes two lines for every message
    failures.setLevel(logging.ERROR)
    broker = KafkaBroker(bootstrap, logger=failures)
    subscriber = broker.subscriber(
        "catalog.updated",
        group_id=group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        max_records=BATCH if mode == "batch" else None,
        batch=mode == "batch",
    )
    subscriber(handler.on_batch if mode == "batch" else handler.on_one)
    await FastStream(broker, logger=failures).run()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
