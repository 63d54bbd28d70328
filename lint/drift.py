"""Every service's migrations make just the tables it declares: `python -m lint.drift`.

Migrates an empty database of a Postgres of its own per service and has Alembic compare it with
`<service>.tables.SCHEMA`.
"""

import asyncio
import importlib
import sys
import tempfile
from pathlib import Path

from common.postgres.migrate import find_drift, upgrade
from stack.ports import free_port
from stack.postgres import EmbeddedPostgres, create_database, database_url, random_password

SERVICES = ("auth_service", "catalog_service", "feed_publisher", "order_importer")


async def compare(admin_url: str, service: str) -> list[str]:
    """The differences between a service's migrations and its tables."""
    await create_database(admin_url, service)
    url = database_url(admin_url, database=service)
    package = importlib.import_module(service)
    migrations = Path(str(package.__file__)).parent / "migrations"
    await asyncio.to_thread(upgrade, migrations, url)
    schema = importlib.import_module(f"{service}.tables").SCHEMA
    return [f"{service}: {difference}" for difference in await find_drift(url, schema)]


async def compare_all(folder: Path) -> list[str]:
    """The differences of all services, on a Postgres with its data in `folder`."""
    postgres = EmbeddedPostgres(
        folder / "postgres",
        folder / "postgres.log",
        port=free_port(),
        password=random_password(),
        is_durable=False,
    )
    await postgres.start()
    try:
        return [line for name in SERVICES for line in await compare(postgres.admin_url, name)]
    finally:
        await postgres.stop()


def main() -> int:
    """Compare all services; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="channel-drift-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # Postgres's unprivileged user has to reach its part
        found = asyncio.run(compare_all(folder))
    for line in found:
        print(line)
    if not found:
        print(f"tables and migrations: ok ({len(SERVICES)} services)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
