import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from auth_service.app import SERVICE as AUTH_SERVICE
from common.postgres.migrate import upgrade
from stack import run
from stack.addresses import Addresses
from stack.failures import AlreadyRunning, PortTaken, StackFailure
from stack.forkserver import ForkServer
from stack.ports import LOOPBACK
from stack.postgres import create_database, create_role, database_url, for_everybody
from stack.run import running_stack, wipe
from stack.sandbox import answers
from stack.secrets import Secrets
from stack.settings import StackSettings
from stack.system import (
    AUTH,
    CATALOG,
    Ports,
    Wiring,
    bootstrap_clients,
    migrate_environment,
    service_environment,
)
from stack.testing import eventually


def settings_of(folder: Path, kafka_bootstrap: str | None = None) -> StackSettings:
    """Those of a stack with a Postgres of its own, and a Kafka unless it is given one."""
    folder.chmod(0o711)
    return StackSettings(
        state_dir=folder / "state", is_durable=False, kafka_bootstrap=kafka_bootstrap
    )


async def test_the_stack_starts_tells_its_addresses_and_is_alone(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    settings = settings_of(tmp_path)
    async with running_stack(
        settings, ports=Ports.free(), services=(), spawn=fork_server.spawn
    ) as stack:
        assert await answers(f"{stack.url('sandbox')}/control/health")
        addresses = Addresses.read(settings.state_dir)
        assert addresses.urls["sandbox"] == stack.url("sandbox")
        with pytest.raises(AlreadyRunning, match=str(os.getpid())):
            async with running_stack(settings, ports=Ports.free(), services=()):
                pass
        await stack.process("sandbox").kill()
        await stack.process("sandbox").wait_until_ready()
        assert stack.process("sandbox").restarts == 1
        with pytest.raises(AlreadyRunning):
            wipe(settings)

    assert not await answers(f"{addresses.urls['sandbox']}/control/health")
    with pytest.raises(StackFailure, match="make up"):
        Addresses.read(settings.state_dir)
    wipe(settings)
    assert not settings.state_dir.exists()


async def test_a_start_that_was_cut_short_is_taken_up_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kafka_bootstrap: str,
    fork_server: ForkServer,
) -> None:
    async def cut(*_arguments: object) -> None:
        raise asyncio.CancelledError

    settings = settings_of(tmp_path, kafka_bootstrap)
    with monkeypatch.context() as patched:
        patched.setattr(run, "create_topics", cut)
        with pytest.raises(asyncio.CancelledError):
            async with running_stack(settings, ports=Ports.free(), services=()):
                pass
    assert Secrets.load(settings.state_dir / "secrets.json").postgres
    async with running_stack(
        settings, ports=Ports.free(), services=(AUTH,), spawn=fork_server.spawn
    ) as stack:
        assert await answers(f"{stack.url(AUTH.name)}/health/live")
    wipe(settings_of(tmp_path))


async def test_what_the_stack_keeps_is_its_owners_alone(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    settings = settings_of(tmp_path)
    settings.state_dir.mkdir(mode=0o777)
    settings.state_dir.chmod(0o755)  # as former versions left it
    async with running_stack(
        settings, ports=Ports.free(), services=(AUTH,), spawn=fork_server.spawn
    ):
        kept = {path: path.lstat() for path in settings.state_dir.rglob("*")}
    assert len(kept) > 50
    open_to_others = [
        path
        for path, found in kept.items()
        if not stat.S_ISLNK(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077
    ]
    # what Postgres keeps for itself is closed by its own folder
    postgres = settings.state_dir / "postgres"
    assert [path for path in open_to_others if postgres not in path.parents] == []
    is_root = os.geteuid() == 0
    assert stat.S_IMODE(settings.state_dir.stat().st_mode) == (0o710 if is_root else 0o700)


async def test_a_taken_port_stops_the_start_before_anything_runs(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        ports = Ports.free().model_copy(update={"orders_port": taken.getsockname()[1]})
        with pytest.raises(PortTaken, match="ORDERS_PORT"):
            async with running_stack(settings_of(tmp_path), ports=ports, services=()):
                pass
    assert not (tmp_path / "state" / "logs").exists()


@pytest.mark.parametrize(
    ("number", "has_kafka"),
    [(signal.SIGINT, True), (signal.SIGTERM, False)],
    ids=["SIGINT", "SIGTERM"],
)
async def test_a_signal_stops_everything_in_good_order(
    tmp_path: Path, kafka_bootstrap: str, number: signal.Signals, has_kafka: bool
) -> None:
    state = settings_of(tmp_path).state_dir
    settings = {"STACK_STATE_DIR": str(state)}
    if not has_kafka:
        settings["STACK_KAFKA_BOOTSTRAP"] = kafka_bootstrap
    program = (
        "import asyncio, stack.run as run; from stack.system import Ports\n"
        "async def main():\n"
        "    async with run.running_stack(ports=Ports.free(), services=()):\n"
        "        await asyncio.Event().wait()\n"
        "raise SystemExit(run.run_until_stopped(main()))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **settings},
    ) as runner:
        await eventually(
            lambda: (state / "addresses.json").exists() or runner.poll() is not None, within=60
        )
        sandbox = Addresses.read(state).urls["sandbox"]
        runner.send_signal(number)
        runner.send_signal(number)  # a second one changes nothing
        assert await asyncio.to_thread(runner.wait, 30) == 0
    assert not await answers(f"{sandbox}/control/health")
    assert not (state / "postgres" / "data" / "postmaster.pid").exists()
    wipe(StackSettings(state_dir=state))


def test_secrets_are_made_once_and_read_by_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    secrets = Secrets.load(path)
    password = secrets.of("channel_auth")
    secrets.keep(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = Secrets.load(path)
    assert again.of("channel_auth") == password
    assert again == secrets
    assert Secrets().postgres != secrets.postgres


def test_what_the_caller_sets_wins_over_the_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring = Wiring(
        dict.fromkeys(("auth-service", "catalog-service", "sandbox"), 1),
        "kafka:1",
        "",
        {"catalog-service": "postgresql://x_owner"},
        {"catalog-service": "postgresql://x"},
        Secrets(),
        tmp_path,
    )
    monkeypatch.setenv("CATALOG_MARKETPLACE_URL", "https://real.example")
    variables = service_environment(CATALOG, wiring)
    assert variables["CATALOG_MARKETPLACE_URL"] == "https://real.example"
    assert variables["CATALOG_KAFKA_BOOTSTRAP"] == "kafka:1"
    clients = {client["client_id"] for client in bootstrap_clients(wiring.secrets)}
    assert clients >= {"catalog-service", "channel-cli"}


def test_only_migrations_know_the_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, user = "postgresql://x_owner", "postgresql://x"
    wiring = Wiring(
        dict.fromkeys(("auth-service", "catalog-service", "sandbox"), 1),
        "kafka:1",
        "",
        {"catalog-service": owner},
        {"catalog-service": user},
        Secrets(),
        tmp_path,
    )
    service = service_environment(CATALOG, wiring)
    assert service["CATALOG_DATABASE_URL"] == user
    assert owner not in service.values()
    migrations = migrate_environment(CATALOG, wiring)
    assert migrations == service | {"CATALOG_MIGRATION_DATABASE_URL": owner}
    monkeypatch.setenv("CATALOG_DATABASE_URL", "postgresql://elsewhere")
    assert "CATALOG_MIGRATION_DATABASE_URL" not in migrate_environment(CATALOG, wiring)


async def test_a_state_of_one_role_goes_on_with_two(
    tmp_path: Path, kafka_bootstrap: str, fork_server: ForkServer
) -> None:
    """What was made when the service logged in as the owner of its tables."""
    settings = settings_of(tmp_path, kafka_bootstrap)
    async with running_stack(
        settings, ports=Ports.free(), services=(), spawn=fork_server.spawn
    ) as stack:
        admin_url, name = stack.postgres.admin_url, AUTH.database
        secrets = Secrets.load(settings.state_dir / "secrets.json")
        password = secrets.of(name)
        secrets.keep(settings.state_dir / "secrets.json")
        await create_role(admin_url, name, password)
        await create_database(admin_url, name, owner=name)
        url = database_url(admin_url, database=name, user=name, password=password)
        await asyncio.to_thread(upgrade, AUTH_SERVICE.migrations, url)
        await _execute(url, "INSERT INTO merchant VALUES ('shein', 'Shein', true, now(), now())")

    async with running_stack(
        settings, ports=Ports.free(), services=(AUTH,), spawn=fork_server.spawn
    ) as stack:
        assert stack.database_url(AUTH.name).startswith(f"postgresql://{name}:")
        used = stack.environment(AUTH)["AUTH_DATABASE_URL"]
        assert used.startswith(f"postgresql://{AUTH.role}:")
        assert await _execute(used, "SELECT * FROM merchant") == "SELECT 0"
        assert await _execute(for_everybody(used), "SELECT * FROM merchant") == "SELECT 1"
    wipe(settings_of(tmp_path))


async def _execute(url: str, statement: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        status: str = await connection.execute(statement)
        return status
    finally:
        await connection.close()
