"""The ceiling of `bench/ship_requests.py`: a route that takes a parcel with one INSERT.

No caller is named, no order looked up, no rule asked, no event written. Run as
`python -m bench.ship_requests_bare DATABASE_URL PORT`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import asyncpg
import uvicorn
from fastapi import FastAPI, Header
from pydantic import BaseModel

TABLE = """CREATE TABLE bare (shipment_id text PRIMARY KEY, merchant_id text, shop_id text,
    order_id text, idempotency_key text UNIQUE, carrier text, tracking_number text,
    state text, requested_at timestamptz)"""


class Parcel(BaseModel):
    """What is asked for."""

    carrier: str
    tracking_number: str


class Shipment(Parcel):
    """What is answered."""

    shipment_id: str
    order_id: str
    state: str
    requested_at: datetime


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """With a pool as large as the service's."""
    async with asyncpg.create_pool(sys.argv[1], min_size=4, max_size=10) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.post(
    "/v1/merchants/{merchant_id}/shops/{shop_id}/orders/{order_id}/shipments", status_code=202
)
async def ship(
    merchant_id: str,
    shop_id: str,
    order_id: str,
    parcel: Parcel,
    idempotency_key: Annotated[str, Header()],
) -> Shipment:
    """Take the parcel."""
    shipment_id, now = str(uuid4()), datetime.now(UTC)
    await app.state.pool.execute(
        "INSERT INTO bare VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8)",
        *(shipment_id, merchant_id, shop_id, order_id, idempotency_key),
        *(parcel.carrier, parcel.tracking_number, now),
    )
    return Shipment(
        **parcel.model_dump(),
        shipment_id=shipment_id,
        order_id=order_id,
        state="pending",
        requested_at=now,
    )


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_config=None, access_log=False)
