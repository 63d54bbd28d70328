"""Make the API clients named in the settings exist, with the secrets given there."""

from collections.abc import Sequence

from auth_service.clients import store
from auth_service.clients.secrets import hash_of
from auth_service.settings import BootstrapClient
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work


async def bootstrap_clients(pool: Pool, clients: Sequence[BootstrapClient]) -> None:
    """Upsert them; a changed secret takes effect, a client left out stays as it is."""
    async with unit_of_work(pool) as connection:
        for client in sorted(clients, key=lambda each: each.client_id):
            await store.upsert_client(
                connection,
                client.client_id,
                merchant_id=None,
                name=client.client_id,
                secret_hash=hash_of(client.secret.get_secret_value()),
                scopes=client.scopes,
            )
