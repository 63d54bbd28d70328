"""`python -m stack.traces`: the store of traces, by `TRACES_PORT` and `TRACES_FILE`."""

from pathlib import Path

import uvicorn
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.ports import LOOPBACK
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
    settings.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
