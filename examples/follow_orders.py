"""Follow orders as another system would, and ship over REST each that waits for it.

python examples/follow_orders.py KAFKA AUTH_URL ORDERS_URL [HOW_MANY] [TOPIC_PREFIX]

CLIENT_ID and CLIENT_SECRET in the environment are an API client's of the channel; an operator makes
it, bound to one merchant, with the scope orders:write.
"""

import asyncio
import json
import os
import sys
from typing import Any

import httpx2
from aiokafka import AIOKafkaConsumer

CREDENTIALS = {"client_id": os.getenv("CLIENT_ID"), "client_secret": os.getenv("CLIENT_SECRET")}
CARRIER = "AliExpress Standard Shipping"


async def ship(http: httpx2.AsyncClient, auth: str, orders: str, event: dict[str, Any]) -> bool:
    """Ship the whole order; the same Idempotency-Key makes a repeated request harmless."""
    grant = {"grant_type": "client_credentials"} | CREDENTIALS
    token = (await http.post(f"{auth}/v1/token", data=grant)).raise_for_status().json()
    order_id = event["order"]["order_id"]
    answer = await http.post(
        f"{orders}/v1/merchants/{event['merchant_id']}/shops/{event['shop_id']}"
        f"/orders/{order_id}/shipments",
        headers={
            "Authorization": f"Bearer {token['access_token']}",
            "Idempotency-Key": f"ship-{order_id}",
        },
        json={"carrier": CARRIER, "tracking_number": f"LP{order_id}"},
    )
    print(order_id, answer.status_code, json.dumps(answer.json()), flush=True)
    return answer.is_success


async def main(kafka: str, auth: str, orders: str, how_many: str = "0", prefix: str = "") -> None:
    """Ship what waits for it; end after `how_many` orders, 0 for never."""
    topics = (f"{prefix}order.received", f"{prefix}order.updated")
    own = {"group_id": "follow-orders", "auto_offset_reset": "earliest"}
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=kafka, enable_auto_commit=False, **own)
    shipped: set[str] = set()
    async with httpx2.AsyncClient(timeout=30) as http, consumer as events:
        async for record in events:
            event = json.loads(record.value)
            waits = event["order"]["status"] == "waiting_shipment"
            if waits and await ship(http, auth, orders, event):
                shipped.add(event["order"]["order_id"])
            await events.commit()  # what is not committed comes again, and does no harm
            if len(shipped) == int(how_many) > 0:
                return


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
