"""REST: a client's keys for itself and for operators, and keys by id for our services."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.access import services_only
from auth_service.producer_keys import store
from auth_service.producer_keys.make_key import WRITES_CATALOGUE, make_key, open_keys
from auth_service.producer_keys.store import KeyOwner
from auth_service.sealing.token_vault import TokenVault
from common.contracts.signature import KEY_ID_PATTERN
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.identity import OPERATOR, Caller, ScopeMissing, merchant_with
from common.web.routing import new_router

KeyId = Annotated[str, Field(pattern=f"^{KEY_ID_PATTERN}$")]
ClientId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]


class NewProducerKey(BaseModel):
    """A new key. `signing_key` is shown this once: what the producer kit is given."""

    key_id: str
    signing_key: str


class ProducerKeyView(BaseModel):
    """A live key."""

    model_config = ConfigDict(from_attributes=True)

    key_id: str
    created_at: datetime


class ProducerKeys(BaseModel):
    """A client's live keys, oldest first: two at most."""

    items: list[ProducerKeyView]


class Lookup(BaseModel):
    """Which keys are asked for."""

    model_config = ConfigDict(extra="forbid")

    key_ids: Annotated[list[KeyId], Field(max_length=1_000)]


class OpenedKey(BaseModel):
    """A live key and the merchant it signs for, to be held in memory alone."""

    merchant_id: str
    signing_key: str


class OpenedKeys(BaseModel):
    """Those of the keys asked for that live."""

    keys: list[OpenedKey]


async def _own_client(
    caller: Caller,
    merchant_id: Annotated[str, merchant_with(WRITES_CATALOGUE)],
    client_id: ClientId,
) -> tuple[str, str]:
    """Merchant and client of the path, for that client itself and for operators."""
    if not caller.is_operator and caller.subject != client_id:
        raise ScopeMissing(OPERATOR)
    return merchant_id, client_id


OwnClient = Annotated[tuple[str, str], Depends(_own_client)]


def producer_key_router(pool: Pool, vault: TokenVault) -> APIRouter:
    """Keys that catalogue events are signed with."""
    router = new_router()
    of_client = "/v1/merchants/{merchant_id}/api-clients/{client_id}/producer-keys"

    @router.post(of_client, status_code=201, tags=["access"])
    async def make_producer_key(client: OwnClient, response: Response) -> NewProducerKey:
        """A key that signs `catalog.updated`; the older of two goes on until it is deleted."""
        key = await make_key(pool, vault, *client)
        response.headers["Cache-Control"] = "no-store"
        return NewProducerKey(key_id=key.key_id, signing_key=key.as_text())

    @router.get(of_client, tags=["access"])
    async def get_producer_keys(client: OwnClient) -> ProducerKeys:
        """The client's live keys, without their secrets."""
        async with reading(pool) as connection:
            keys = await store.list_keys(connection, *client)
        return ProducerKeys(items=[ProducerKeyView.model_validate(key) for key in keys])

    @router.delete(of_client + "/{key_id}", status_code=204, tags=["access"])
    async def delete_producer_key(
        client: OwnClient, key_id: Annotated[str, Path(pattern=f"^{KEY_ID_PATTERN}$")]
    ) -> None:
        """End a key: within a minute nothing that it signs is taken."""
        async with unit_of_work(pool) as connection:
            await store.delete_key(connection, KeyOwner(*client, key_id))
            await record(connection, "producer-key.deleted", key_id, {"client": client[1]})

    @router.post(
        "/internal/v1/producer-keys/lookup", dependencies=[services_only], tags=["internal"]
    )
    async def look_up(asked: Lookup, response: Response) -> OpenedKeys:
        """The keys of these ids that live."""
        response.headers["Cache-Control"] = "no-store"
        opened = await open_keys(pool, vault, asked.key_ids)
        return OpenedKeys(
            keys=[
                OpenedKey(merchant_id=owner.merchant_id, signing_key=key.as_text())
                for owner, key in opened
            ]
        )

    return router
