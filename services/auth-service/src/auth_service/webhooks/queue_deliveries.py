"""Queue an event for every endpoint of a merchant that wants it, in the caller's transaction."""

from auth_service.webhooks import store
from auth_service.webhooks.rules import wants
from common.postgres.pool import Connection


async def queue_deliveries(
    connection: Connection, merchant_id: str, *, kind: str, event: str, event_id: str, body: str
) -> None:
    """Endpoints that are disabled are passed over."""
    for endpoint in await store.list_endpoints(connection, merchant_id):
        if endpoint.disabled_at is None and wants(endpoint.kinds, kind):
            await store.insert_delivery(
                connection, endpoint, event_id=event_id, event=event, kind=kind, body=body
            )
