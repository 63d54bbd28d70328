"""A service's parts in the test's own process: its REST edge on a port, its consumers and jobs."""

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from common.service import Parts
from common.web.server import Server
from stack.ports import LOOPBACK


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serve `app` on a free port for the block; gives its address, `http://127.0.0.1:PORT`.

    For callers that need a socket. A test that only calls the app needs none: give
    `httpx2.ASGITransport(app)` to its client.
    """
    with socket.create_server((LOOPBACK, 0)) as listening:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=120,  # longer than any client's pool keeps a connection
        )
        server = Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        finally:
            server.end()
            await serving


@asynccontextmanager
async def running_parts(parts: Parts) -> AsyncIterator[None]:
    """Consumers and jobs of a composition root at work for the block; its closers run at the end.

    Leave out what a test takes turns with itself: `replace(parts, jobs=())`.
    """
    components = [*parts.consumers, *parts.jobs]
    for component in components:
        component.start()
    try:
        yield
    finally:
        await asyncio.gather(*(component.stop() for component in components))
        for close in parts.closers:
            closing = close()
            if inspect.isawaitable(closing):
                await closing
