"""`python -m stack.traces`: the store of traces, by `TRACES_PORT` and `TRACES_FILE`."""

from pathlib import Path

import uvicorn
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.ports import LOOPBACK
from stack.private_files import make_private_folder
from stack.traces.app import create_app
from stack.traces.store import SpanStore


class TracesSettings(BaseSettings):
    """Where the store listens, and where its spans are."""

    model_config = SettingsConfigDict(env_prefix="TRACES_")

    host: str = LOOPBACK
    port: int
    file: Path


def main() -> None:
    """Serve until told to end."""
    settings = TracesSettings()
    make_private_folder(settings.file.parent)
    store = SpanStore(settings.file)
    try:
        uvicorn.run(
            create_app(store),
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
        )
    finally:
        store.close()


if __name__ == "__main__":
    main()
