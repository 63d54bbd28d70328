"""`python -m sandbox`: serve until stopped."""

import gc
from contextlib import suppress

import uvicorn

from sandbox.app import Application
from sandbox.sellers import add_sellers
from sandbox.server import LongLineProtocol, Server
from sandbox.settings import Settings


def main() -> None:
    """Serve at the address the settings name."""
    settings = Settings()
    add_sellers(settings.more_sellers)
    # Hundreds of thousands of products stay for good: collecting among them finds nothing.
    gc.set_threshold(100_000, 50, 100)
    config = uvicorn.Config(
        Application(settings),
        host=settings.host,
        port=settings.port,
        http=LongLineProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        backlog=2048,
        timeout_keep_alive=120,  # longer than any client's pool keeps a connection
        timeout_graceful_shutdown=3,
    )
    with suppress(KeyboardInterrupt):
        Server(config).run()


if __name__ == "__main__":
    main()
