"""Publish one product as another system would, and wait until it is online on AliExpress.

python examples/publish_catalog_events.py KAFKA MERCHANT CATALOGUE PRODUCT.json [TOPIC_PREFIX]

PRODUCT.json: {"product_id": ..., "version": ..., "fields": {...}}, and "parent_id" in a child.
It goes online with the feed's next product run (`channel run product-feed` runs it now).
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def publish(bootstrap: str, topic: str, data: dict[str, object]) -> None:
    """Send one `catalog.updated`: CloudEvents in the headers, the key derived from the data."""
    key = "/".join(
        quote(str(data[part]), safe="") for part in ("merchant_id", "catalogue_id", "product_id")
    )
    headers = {
        "ce_specversion": "1.0",
        "ce_id": uuid4().hex,
        "ce_type": "channel.catalog.updated.v1",
        "ce_source": "/examples/publish_catalog_events",
        "ce_time": datetime.now(UTC).isoformat(),
        "content-type": "application/json",
    }
    raw = [(name, value.encode()) for name, value in headers.items()]
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, json.dumps(data).encode(), key.encode(), headers=raw)


async def main(bootstrap: str, merchant: str, catalogue: str, text: str, prefix: str = "") -> int:
    """An exit code: 0 when the product is online, 1 when it was refused."""
    product = json.loads(text)
    data = {"merchant_id": merchant, "catalogue_id": catalogue, "action": "upsert"} | product
    family = product.get("parent_id") or product["product_id"]
    async with AIOKafkaConsumer(
        f"{prefix}product.reported", bootstrap_servers=bootstrap, auto_offset_reset="latest"
    ) as reports:
        await reports.seek_to_end()  # only what is reported from now on
        await publish(bootstrap, f"{prefix}catalog.updated", data)
        print(f"published {product['product_id']}, waiting for the next product run", flush=True)
        async for record in reports:
            report = json.loads(record.value)
            if (report["merchant_id"], report["family_id"]) == (merchant, family):
                print(json.dumps(report, indent=1))
                return 0 if report["status"] == "live" else 1
    return 1


if __name__ == "__main__":
    kafka, merchant_id, catalogue_id, file, *others = sys.argv[1:]
    sys.exit(asyncio.run(main(kafka, merchant_id, catalogue_id, Path(file).read_text(), *others)))
