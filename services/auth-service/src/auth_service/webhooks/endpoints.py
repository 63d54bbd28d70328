"""Make, enable and delete endpoints, and give them new secrets."""

from uuid import uuid4

from auth_service.sealing.token_vault import TokenVault
from auth_service.troubles.change import end_trouble
from auth_service.webhooks import store
from auth_service.webhooks.rules import MOST_ENDPOINTS, OVERLAP
from auth_service.webhooks.secrets import SecretOwner, new_secret
from auth_service.webhooks.store import Endpoint
from common import clock
from common.errors import Refusal
from common.postgres.pool import Connection

DISABLED_KIND = "webhook_disabled"


def subject_of(endpoint_id: str) -> str:
    """What a trouble with the endpoint is of."""
    return f"webhook/{endpoint_id}"


async def make_endpoint(
    connection: Connection,
    vault: TokenVault,
    merchant_id: str,
    *,
    url: str,
    description: str,
    kinds: list[str],
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which is shown this once. Raises `Refusal` when the merchant
    has as many as it may have."""
    if await store.count_endpoints(connection, merchant_id) >= MOST_ENDPOINTS:
        raise Refusal(
            f"this merchant has {MOST_ENDPOINTS} endpoints, which is the most",
            status=409,
            slug="webhook-endpoints-full",
            remedy="Delete one that is not used any more.",
        )
    endpoint = await store.insert_endpoint(
        connection, merchant_id, url=url, description=description, kinds=kinds
    )
    return endpoint, await _add_secret(connection, vault, endpoint)


async def rotate_secret(
    connection: Connection, vault: TokenVault, merchant_id: str, endpoint_id: str
) -> str:
    """A new secret, shown this once; the one before signs too for `OVERLAP`. Raises `NotFound`."""
    endpoint = await store.load_endpoint(connection, merchant_id, endpoint_id)
    await store.end_secrets(connection, endpoint_id, clock.now() + OVERLAP)
    return await _add_secret(connection, vault, endpoint)


async def _add_secret(connection: Connection, vault: TokenVault, endpoint: Endpoint) -> str:
    secret, secret_id = new_secret(), uuid4().hex
    sealed = vault.seal(secret, SecretOwner(endpoint.endpoint_id, secret_id))
    await store.insert_secret(
        connection, endpoint.merchant_id, endpoint.endpoint_id, secret_id, sealed
    )
    return secret


async def enable_endpoint(connection: Connection, merchant_id: str, endpoint_id: str) -> Endpoint:
    """Send to it again; its trouble is over. Raises `NotFound`."""
    endpoint = await store.enable(connection, merchant_id, endpoint_id)
    await end_trouble(connection, (merchant_id, DISABLED_KIND, subject_of(endpoint_id)))
    return endpoint


async def delete_endpoint(connection: Connection, merchant_id: str, endpoint_id: str) -> None:
    """Forget it; its trouble is over. Raises `NotFound`."""
    await store.delete_endpoint(connection, merchant_id, endpoint_id)
    await end_trouble(connection, (merchant_id, DISABLED_KIND, subject_of(endpoint_id)))
