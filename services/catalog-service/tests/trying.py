"""How a test tries a configuration: it begins a draft over REST, and runs the job of drafts."""

import json
from typing import Any

import httpx2

from catalog_service.categories.marketplace import Marketplace
from catalog_service.drafts.evaluate_draft import DraftEvaluator
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from stack.testing import eventually

from .wall_clocks import ATTRIBUTES

FEED = "/v1/merchants/m/feeds/f"


def body_of(configuration: FeedConfiguration) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(
        configuration.model_dump_json(by_alias=True, exclude_unset=True)
    )
    return body


async def begin(api: httpx2.AsyncClient, configuration: FeedConfiguration) -> str:
    answer = await api.post(f"{FEED}/drafts", json=body_of(configuration))
    assert answer.status_code == 201, answer.text
    return f"{FEED}/drafts/{answer.json()['draft_id']}"


async def tried(
    api: httpx2.AsyncClient,
    evaluator: DraftEvaluator,
    configuration: FeedConfiguration,
    marketplace: Marketplace | None = None,
) -> tuple[str, dict[str, Any]]:
    """The draft's path, and what is answered once it is evaluated."""
    path = await begin(api, configuration)

    async def is_ready() -> bool:
        while await evaluator.run() or (marketplace and await marketplace.fetch_schemas()):
            pass
        return bool((await api.get(path)).json()["state"] == "ready")

    await eventually(is_ready, within=90)
    return path, (await api.get(path)).json()


async def changes_of(api: httpx2.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await api.get(f"{path}/changes", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def apply(pool: Pool, configuration: FeedConfiguration) -> None:
    async with unit_of_work(pool) as connection:
        await apply_configuration(connection, "m", "f", configuration)


CHEAPER = ATTRIBUTES | {
    "price": {"field": "new_price", "default": "9"},
    "image_url_list": {"constant": ["https://pictures.example/1.jpg"]},
}
