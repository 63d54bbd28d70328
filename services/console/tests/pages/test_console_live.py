"""What is under way is followed by a stream: sent when it changes, while one may see it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest

from console.app import create_app
from console.live import LiveStreams
from console.settings import ConsoleSettings
from stack.testing import eventually
from stack.testing.serving import serving

from ..promised_services import HOSTS, PromisedServices
from .conftest import Opened

RUN = {
    "run_id": "r",
    "feed_id": "f",
    "shop_id": "s",
    "kind": "product",
    "cause": "person",
    "is_dry_run": False,
    "state": "running",
    "waiting_reason": None,
    "trouble": None,
    "needs_confirmation": False,
    "counts": {},
    "progress": {"total": 9, "decided": 1, "under_way": 0},
    "asked_at": "2026-11-27T10:00:00Z",
    **dict.fromkeys(("planned_at", "confirmed_at", "started_at", "finished_at")),
}
STATE = "/runs/r?part=state"
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
async def on_a_socket() -> AsyncIterator[Opened]:
    """As `opened`, with answers that come while they are made."""
    services = PromisedServices()
    urls = {f"{name.partition('-')[0]}_url": f"http://{host}" for name, host in HOSTS.items()}
    settings = ConsoleSettings(
        live_every_seconds=0.05,
        live_per_session=2,
        live_at_most=3,
        auth_url=urls["auth_url"],
        catalog_url=urls["catalog_url"],
        publisher_url=f"http://{HOSTS['feed-publisher']}",
        orders_url=f"http://{HOSTS['order-importer']}",
    )
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(services)) as behind:
        app = create_app(settings, behind)
        async with (
            serving(app) as base,
            httpx2.AsyncClient(base_url=base, cookies={"console_session": "s"}, timeout=10) as http,
        ):
            services.instead["/runs/r"] = RUN
            yield Opened(http, services)
            live: LiveStreams = app.state.console.live
            live.end()

            async def is_over() -> bool:
                return live.count == 0

            await eventually(is_over, within=5)


class Followed:
    """A stream: its events, as they come."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> tuple[str, str]:
        """The next event's name and data; raises `StopAsyncIteration` at the end."""
        name, data = "", []
        async for line in self._lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data:"):
                data.append(line.removeprefix("data:").strip())
            elif not line and name:
                return name, "\n".join(data)
        raise StopAsyncIteration


async def test_a_part_is_sent_when_it_changes_and_the_stream_ends_with_the_work(
    on_a_socket: Opened,
) -> None:
    async with on_a_socket.http.stream("GET", STATE, headers=STREAM) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        followed = Followed(answer)
        name, part = await followed.next()
        assert name == "part"
        assert "1 of 9" in part
        assert 'data-live="/runs/r?part=state"' in part

        progress = {"total": 9, "decided": 5, "under_way": 0}
        on_a_socket.services.instead["/runs/r"] = RUN | {"progress": progress}
        _, part = await followed.next()
        assert "5 of 9" in part, "what has not changed is not sent again"

        on_a_socket.services.instead["/runs/r"] = RUN | {"state": "completed"}
        _, part = await followed.next()
        assert "Completed" in part
        assert "data-live" not in part
        assert (await followed.next())[0] == "end"
        with pytest.raises(StopAsyncIteration):
            await followed.next()


async def test_a_stream_ends_with_its_session(on_a_socket: Opened) -> None:
    page = (await on_a_socket.http.get("/account")).text
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    async with on_a_socket.http.stream("GET", STATE, headers=STREAM) as answer:
        followed = Followed(answer)
        await followed.next()
        ended = httpx2.Response(401, json={"title": "the session has ended", "status": 401})
        on_a_socket.services.instead |= {"/v1/sessions/token": ended, "/v1/me": ended}
        await on_a_socket.http.post("/sign-out", data={"csrf": token})
        assert (await followed.next())[0] == "end"


async def test_nobody_follows_without_a_session(on_a_socket: Opened) -> None:
    on_a_socket.http.cookies.clear()
    answer = await on_a_socket.http.get(STATE, headers=STREAM)
    assert answer.status_code == 303


async def test_streams_are_bounded_by_session_and_in_all(on_a_socket: Opened) -> None:
    kept = []

    async def follow(open_: AsyncExitStack, session: str) -> int:
        on_a_socket.http.cookies.clear()
        wanted: dict[str, Any] = {"headers": STREAM | {"Cookie": f"console_session={session}"}}
        answer = await open_.enter_async_context(on_a_socket.http.stream("GET", STATE, **wanted))
        if answer.status_code == 200:
            kept.append(Followed(answer))
            await kept[-1].next()
        return answer.status_code

    async with AsyncExitStack() as streams:
        of_one = [await follow(streams, "one") for _ in range(3)]
        assert of_one == [200, 200, 429]
        assert [await follow(streams, "two"), await follow(streams, "three")] == [200, 429]
        answer = await on_a_socket.http.get(STATE, headers={"Cookie": "console_session=one"})
        assert "1 of 9" in answer.text, "without a stream it can be asked for"
    async with AsyncExitStack() as streams:

        async def has_room() -> bool:
            return await follow(streams, "one") == 200

        await eventually(has_room, within=5)  # those before have ended with their connections


async def test_a_service_that_is_away_for_a_moment_ends_no_stream(on_a_socket: Opened) -> None:
    async with on_a_socket.http.stream("GET", STATE, headers=STREAM) as answer:
        followed = Followed(answer)
        await followed.next()
        on_a_socket.services.silent.add("feed-publisher")
        before = len(on_a_socket.services.told)

        async def was_asked() -> bool:
            return len(on_a_socket.services.told) > before + 2

        await eventually(was_asked, within=5)
        on_a_socket.services.instead["/runs/r"] = RUN | {"state": "completed"}
        on_a_socket.services.silent.clear()
        assert "Completed" in (await followed.next())[1]
