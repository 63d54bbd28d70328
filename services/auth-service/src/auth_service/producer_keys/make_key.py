"""Make a client's key, open keys for our services, and wrap them under a new master key."""

import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence

from auth_service.producer_keys import store
from auth_service.producer_keys.store import KeyOwner
from auth_service.sealing.token_vault import TokenVault
from common.contracts.signature import KEY_BYTES, ProducerKey
from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

WRITES_CATALOGUE = "catalogue:write"
JOB = "rotate-producer-keys"
LIVE_AT_ONCE = 2
ROWS = 100


async def make_key(pool: Pool, vault: TokenVault, merchant_id: str, client_id: str) -> ProducerKey:
    """A new key of the client, beside at most one other. Raises `NotFound` and `Refusal`."""
    key = ProducerKey(secrets.token_urlsafe(12), os.urandom(KEY_BYTES))
    owner = KeyOwner(merchant_id, client_id, key.key_id)
    sealed = vault.seal(b64encode(key.secret).decode(), owner)
    async with unit_of_work(pool) as connection:
        if WRITES_CATALOGUE not in await store.lock_writer(connection, merchant_id, client_id):
            raise Refusal(
                f"the client {client_id} may not write the catalogue",
                status=409,
                slug="client-may-not-write",
                remedy=f"Make a client with the scope {WRITES_CATALOGUE}, and a key of that.",
            )
        if len(await store.list_keys(connection, merchant_id, client_id)) >= LIVE_AT_ONCE:
            raise Refusal(
                f"the client {client_id} has {LIVE_AT_ONCE} keys already",
                status=409,
                slug="too-many-producer-keys",
                remedy="Delete the one that is no longer used, then make the new one.",
            )
        await store.insert_key(connection, owner, sealed)
        await record(connection, "producer-key.made", key.key_id, {"client": client_id})
    return key


async def open_keys(
    pool: Pool, vault: TokenVault, key_ids: Sequence[str]
) -> list[tuple[KeyOwner, ProducerKey]]:
    """The live ones among these keys, and whose they are. Raises `SealBroken`."""
    async with reading(pool) as connection:
        found = await store.find_sealed(connection, key_ids)
    return [
        (owner, ProducerKey(owner.key_id, b64decode(vault.open(sealed, owner))))
        for owner, sealed in found
    ]
