"""The arms of `bench/evaluation.py`, each in a process of its own: prints what it took as JSON.

`now` is the worker as it ships; run with an earlier commit's sources on the path, it is that
commit's. `bare` is the ceiling: no merchant's configuration, no issue, no marks, nothing that was
there before; it reads the rows, fills the same body, validates it with the same compiled schema,
encodes, hashes and copies it into a table and an outbox.
"""

import json
import sys
import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any

import asyncpg
import msgspec
import nh3
import uvloop
from tests.stories.cases import inputs

from catalog_service.categories.schema import CategorySchema
from catalog_service.families.store import listed, mark
from catalog_service.normalizing.worker import Normalizer
from common.postgres.pool import open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.service import tune_gc

SET = 300
PILLOWS, TOPS = "40507", "200000346"


async def now(url: str) -> dict[str, list[float]]:
    """All that is marked; then the same families again, marked though nothing of them changed."""
    pool = await open_pool(url)
    result = {"first": await timed(lambda: until_clean(pool))}
    async with reading(pool) as connection:
        rows = await connection.fetch(
            "SELECT merchant_id, catalogue_id, family_id FROM normalized_product"
        )
    async with unit_of_work(pool) as connection:
        await mark(connection, listed((*row, None, None) for row in rows))
    result["again"] = await timed(lambda: until_clean(pool))
    await pool.close()
    return result


async def shared(url: str) -> dict[str, list[float]]:
    """All that is marked, beside another process that does the same."""
    pool = await open_pool(url)
    result = {"first": await timed(lambda: until_clean(pool))}
    await pool.close()
    return result


async def until_clean(pool: Any) -> None:
    """Turn after turn, as the service runs them."""
    normalizer = Normalizer(pool)
    while await normalizer.run():
        pass


async def timed(work: Callable[[], Awaitable[None]]) -> list[float]:
    """Seconds, and the process's own processor seconds."""
    began, processor = time.perf_counter(), time.process_time()
    await work()
    return [time.perf_counter() - began, time.process_time() - processor]


async def bare(url: str) -> dict[str, list[float]]:
    """The least that gives the same bodies."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TABLE bare (family text, event text, digest bytea, state text);"
        "CREATE TABLE bare_outbox (topic text, key bytea, value bytea)"
    )
    schemas = await connection.fetch("SELECT category_id, body FROM category_schema")
    attributes = inputs.form()["category_attributes"]
    made = {leaf: Leaf(leaf, body, attributes) for leaf, body in schemas}
    leaves = {"Pillows": made[PILLOWS], "Tops": made[TOPS]}
    result = {"first": await timed(lambda: copy_all(connection, leaves))}
    await connection.close()
    return result


async def copy_all(connection: asyncpg.Connection, leaves: "dict[str, Leaf]") -> None:
    """Families in sets, each set in a transaction."""
    after = ""
    while families := await connection.fetch(
        """SELECT f.product_id, f.fields,
            ARRAY(SELECT c.fields FROM source_product c WHERE (c.merchant_id, c.catalogue_id,
                c.parent_id) = (f.merchant_id, f.catalogue_id, f.product_id)) AS children
        FROM source_product f WHERE merchant_id = 'm' AND catalogue_id = 'defects'
            AND parent_id IS NULL AND product_id > $1 ORDER BY product_id LIMIT $2""",
        after,
        SET,
    ):
        after = families[-1][0]
        rows, outbox = [], []
        for family, fields, children in families:
            head = msgspec.json.decode(fields)
            leaf = leaves[head["category"]]
            skus = [msgspec.json.decode(child) for child in children] or [head]
            body = leaf.body(head, skus)
            state = "invalid" if leaf.schema.find_violations(body) else "valid"
            offers = [(sku["sku"], sku["price"], int(sku["stock"])) for sku in skus]
            value = msgspec.json.encode(body | {"offers": offers})
            digest = blake2b(value, digest_size=16).digest()
            rows.append((family, value.decode(), digest, state))
            outbox.append(("product.normalized", family.encode(), value))
        async with connection.transaction():
            await connection.copy_records_to_table("bare", records=rows)
            await connection.copy_records_to_table("bare_outbox", records=outbox)


class Leaf:
    """A leaf, and the body of its products in the schema's form."""

    def __init__(self, category_id: str, schema: str, given: dict[str, Any]) -> None:
        self.category_id = int(category_id)
        self.schema = CategorySchema(category_id, schema)
        self.sizes = self.schema.sku_attributes["Size"].choices.find if category_id == TOPS else str
        self.colours = self.schema.sku_attributes["Color"].choices.find
        self.attributes = {}
        for name, form in self.schema.category_attributes.items():
            if name in given:
                texts = given[name]["constant"]
                ids = [form.choices.find(t) for t in ([texts] if isinstance(texts, str) else texts)]
                self.attributes[name] = {"value": ids if form.kind == "many" else ids[0]}

    def body(self, head: dict[str, Any], skus: list[dict[str, Any]]) -> dict[str, Any]:
        """What the feed of `bench/evaluation.py` makes of the rows."""
        return {
            "category_id": self.category_id,
            "locale": "en_US",
            "title_multi_language_list": [{"locale": "en_US", "title": head["title"]}],
            "description_multi_language_list": [
                {
                    "locale": "en_US",
                    "module_list": [
                        {"type": "html", "html": {"content": nh3.clean(head["description"])}}
                    ],
                }
            ],
            "image_url_list": head["images"],
            "category_attributes": self.attributes,
            "sku_info_list": [
                {
                    "sku_code": sku["sku"],
                    "price": 1,
                    "inventory": 1,
                    "sku_attributes": {
                        "Size": {"value": self.sizes(sku["size"])},
                        "Color": {"value": self.colours(sku["color"])},
                    }
                    if "size" in sku
                    else {},
                }
                for sku in skus
            ],
            "product_units_type": "100000015",
            "inventory_deduction_strategy": "place_order_withhold",
            "package_weight": 0.5,
            "package_length": 30,
            "package_width": 20,
            "package_height": 10,
            "shipping_preparation_time": 3,
            "shipping_template_id": "1000100001",
            "service_template_id": "0",
        }


if __name__ == "__main__":
    tune_gc()
    print(
        json.dumps(
            uvloop.run({"now": now, "bare": bare, "shared": shared}[sys.argv[1]](sys.argv[2]))
        )
    )
