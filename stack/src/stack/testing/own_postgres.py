"""A Postgres for a bench: on a free port, its data in a folder that goes with it."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from stack.ports import free_port
from stack.postgres import EmbeddedPostgres, random_password


@asynccontextmanager
async def own_postgres(bench: str) -> AsyncIterator[EmbeddedPostgres]:
    """The running server; the folder is named after the bench."""
    with _open_folder(f"bench-{bench}-") as folder:
        postgres = EmbeddedPostgres(
            folder / "postgres",
            folder / "postgres.log",
            port=free_port(),
            password=random_password(),
        )
        await postgres.start()
        try:
            yield postgres
        finally:
            await postgres.stop()


@contextmanager
def _open_folder(prefix: str) -> Iterator[Path]:
    """A folder that other users may enter: where we are root, a plain user runs Postgres."""
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
