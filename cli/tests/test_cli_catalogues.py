"""What `channel catalogues declare` and a feed's document ask of catalog-service."""

import json
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from channel_cli.client import Channel
from channel_cli.commands.catalogues import declare_catalogue, take_file_fields
from channel_cli.session import Session
from channel_cli.settings import AUTH, CATALOG, Access

EVENTS = {"fed_by": "events", "versioning": "explicit"}
FILES = {"fed_by": "files", "versioning": "arrival"}


@pytest.mark.parametrize(
    ("known", "fields", "sent"),
    [
        (None, {"id_field": "code"}, FILES | {"id_field": "code"}),
        (FILES, {"parent_field": ""}, FILES | {"parent_field": ""}),
        (EVENTS, {}, EVENTS),
    ],
    ids=["new", "known", "of events"],
)
async def test_a_declaration_keeps_what_it_does_not_speak_of(
    known: dict[str, str] | None, fields: dict[str, str], sent: dict[str, str]
) -> None:
    bodies: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/token":
            return httpx2.Response(200, json={"access_token": "t"})
        if request.method == "PUT":
            bodies.append(json.loads(request.content))
            return httpx2.Response(200, json=bodies[0] | {"catalogue_id": "c"})
        if known is None:
            return httpx2.Response(404, json={"title": "catalogue not found", "status": 404})
        return httpx2.Response(200, json=known | {"catalogue_id": "c"})

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    urls = {name: f"http://{name}" for name in (AUTH, CATALOG)}
    channel = Channel(Session(Access(urls, "channel-cli", SecretStr("s")), http))
    await declare_catalogue(channel, "m", "c", fields)
    assert bodies == [sent]


def test_a_feed_is_sent_without_what_its_document_says_of_files() -> None:
    document = {"shop": "main", "id_field": "code", "catalogue": "c", "parent_field": None}
    feed, fields = take_file_fields(document)
    assert feed == {"shop": "main", "catalogue": "c"}
    assert fields == {"id_field": "code", "parent_field": ""}
