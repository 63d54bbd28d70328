"""Processes that are watched, restarted when they die, and never left behind.

Each runs in a session of its own, so that Ctrl-C reaches only the runner, which then stops them in
order. Should the runner itself be killed, the kernel kills them (`PR_SET_PDEATHSIG`, where
util-linux's `setpriv` is to be had). That signal is bound to the *thread* that started the
process: start processes from the main thread.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from stack.accounts import Account
from stack.failures import StartFailed
from stack.private_files import PRIVATE_UMASK, open_private

POLL_SECONDS = 0.05
FIRST_BACK_OFF = timedelta(milliseconds=200)
LONGEST_BACK_OFF = timedelta(seconds=10)
STEADY_AFTER = timedelta(seconds=10)  # a process that ran this long starts again without back-off
LOG_LINES_SHOWN = 15


@dataclass(frozen=True)
class Command:
    """What to run: `environment` is the whole of it, `log` takes stdout and stderr.

    `account` is the user it runs as (None: ours). It is asked to stop by `stop_signal` and killed
    when it still runs after `stop_within`.
    """

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    folder: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within: timedelta = timedelta(seconds=10)


class Child(Protocol):
    """A child process, as `subprocess.Popen` is one."""

    pid: int
    returncode: Any
    """The exit code, or the negative number of the signal that killed it; None before `wait`."""

    def wait(self) -> int:
        """Wait for its end; its exit code."""

    def send_signal(self, number: int, /) -> None:
        """Send it a signal."""

    def kill(self) -> None:
        """SIGKILL."""


Spawn = Callable[[Command], Child]
"""Starts a command in a session of its own."""


def spawn_program(command: Command) -> Child:
    """Start `command` as a program of its own."""
    command.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = command.account
    with open(command.log, "ab", opener=open_private) as log:
        return subprocess.Popen(
            [*_tether(), *command.argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(command.environment),
            cwd=command.folder,
            start_new_session=True,
            user=account.user_id if account else None,
            group=account.group_id if account else None,
            extra_groups=[] if account else None,
            umask=PRIVATE_UMASK,
        )


class Process:
    """One command, kept running from `start` to `stop`.

    `is_ready` is asked with the process's id until it says yes. One that dies by itself, or by
    `kill`, is started again with back-off; `stop` keeps it down until the next `start`.
    """

    def __init__(
        self,
        command: Command,
        *,
        is_ready: Callable[[int], Awaitable[bool]],
        ready_within: timedelta = timedelta(seconds=60),
        spawn: Spawn = spawn_program,
    ) -> None:
        self.command = command
        self.restarts = 0
        self._is_ready = is_ready
        self._ready_within = ready_within
        self._spawn = spawn
        self._running: Child | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The command's name."""
        return self.command.name

    @property
    def pid(self) -> int:
        """The process's id. Raises `RuntimeError` when it is stopped."""
        if self._running is None:
            raise RuntimeError(f"{self.name} is stopped")
        return self._running.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is alive now, ready or not."""
        return self._running is not None and not has_ended(self._running)

    async def start(self) -> None:
        """Run it and wait until it is ready.

        Raises `StartFailed`, with the end of its log, when it ends or is not ready in time.
        """
        if self._running is not None:
            raise RuntimeError(f"{self.name} was started already")
        self._running = self._spawn(self.command)
        try:
            await self.wait_until_ready()
        except BaseException:
            await self.stop()
            raise
        self._watcher = asyncio.create_task(self._watch(), name=f"watch {self.name}")

    async def wait_until_ready(self) -> None:
        """Wait until the process answers. Raises `StartFailed` as `start` does."""
        deadline = time.monotonic() + self._ready_within.total_seconds()
        while not (self.is_running and await self._is_ready(self.pid)):
            if self._watcher is None and not self.is_running:
                raise StartFailed(_with_log_end(self.command, "ended while starting"))
            if time.monotonic() > deadline:
                raise StartFailed(_with_log_end(self.command, "was not ready in time"))
            await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> None:
        """End it and everything it started, in bounded time; it stays down. May come twice."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None
        if self._running is not None:
            running, self._running = self._running, None
            await end_process(running, self.command.stop_signal, self.command.stop_within)

    async def restart(self) -> None:
        """Stop it in good order and start it again."""
        await self.stop()
        await self.start()

    async def kill(self) -> int:
        """SIGKILL, as a crash would; returns the id of the process that is now dead.

        It comes back by itself: await `wait_until_ready` for that.
        """
        if self._running is None:
            raise RuntimeError(f"{self.name} is stopped")
        victim = self._running
        await end_process(victim, signal.SIGKILL, self.command.stop_within)
        return victim.pid

    async def suspend(self) -> None:
        """SIGSTOP: alive, silent from here on, its connections open."""
        os.killpg(self.pid, signal.SIGSTOP)
        if self._running is not None:
            await _wait_until_stopped(self._running)

    def resume(self) -> None:
        """SIGCONT, after `suspend`."""
        os.killpg(self.pid, signal.SIGCONT)

    async def _watch(self) -> None:
        back_off = FIRST_BACK_OFF
        while self._running is not None:
            started = time.monotonic()
            await wait_for_end(self._running)
            _end_group(self._running)
            if time.monotonic() - started > STEADY_AFTER.total_seconds():
                back_off = FIRST_BACK_OFF
            await asyncio.sleep(back_off.total_seconds())
            back_off = min(back_off * 2, LONGEST_BACK_OFF)
            self._running = self._spawn(self.command)
            self.restarts += 1


async def run_once(command: Command, *, within: timedelta, spawn: Spawn = spawn_program) -> None:
    """Run `command` to its end. Raises `StartFailed` when it fails or takes longer than `within`.

    Nothing of it is left running, also when this is cancelled.
    """
    process = spawn(command)
    try:
        await asyncio.wait_for(wait_for_end(process), within.total_seconds())
    except TimeoutError:
        raise StartFailed(_with_log_end(command, "took too long")) from None
    finally:
        await end_process(process, signal.SIGKILL, command.stop_within)
    if process.returncode:
        raise StartFailed(_with_log_end(command, f"failed (exit code {process.returncode})"))


def _with_log_end(command: Command, what: str) -> str:
    lines = command.log.read_text(errors="replace").splitlines() if command.log.exists() else []
    tail = "\n".join(f"  {line}" for line in lines[-LOG_LINES_SHOWN:])
    return f"{command.name} {what}; the end of its log ({command.log}):\n{tail}"


def _tether() -> Sequence[str]:
    """The words before a command that bind its life to ours (it keeps its process id)."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def has_ended(process: Child) -> bool:
    """Whether it has ended; looks without reaping, so that its group's id stays ours."""
    if process.returncode is not None:
        return True
    try:
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.pid, options) is not None
    except ChildProcessError:
        return True


async def wait_for_end(process: Child) -> None:
    """Wait until a process has ended, without reaping it."""
    if not has_ended(process):  # so it is not reaped, and nobody else has its id
        with contextlib.suppress(OSError):  # older kernels and containers have no pidfd
            await _be_told_of_end(process.pid)
    while not has_ended(process):  # noqa: ASYNC110 - without one the kernel sets no asyncio.Event
        await asyncio.sleep(POLL_SECONDS)


async def _be_told_of_end(pid: int) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    descriptor = os.pidfd_open(pid)
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def _wait_until_stopped(process: Child) -> None:
    """Wait until a signal that stops it has reached each of its threads, some milliseconds on busy
    cores, or until it has ended."""
    while not (_is_stopped(process) or has_ended(process)):  # noqa: ASYNC110 - as above
        await asyncio.sleep(POLL_SECONDS)


def _is_stopped(process: Child) -> bool:
    with contextlib.suppress(ChildProcessError):  # it has ended, and was reaped
        options = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.pid, options) is not None
    return False


def _end_group(process: Child) -> None:
    """Kill what an ended process left in its group, then reap it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def end_process(
    process: Child,
    first: signal.Signals = signal.SIGTERM,
    patience: timedelta = timedelta(seconds=10),
) -> None:
    """Send it `first`, SIGKILL if it still runs after `patience`; then reap it and its group."""
    if not has_ended(process):
        process.send_signal(first)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGCONT)  # a suspended one could not hear the first
        try:
            await asyncio.wait_for(wait_for_end(process), patience.total_seconds())
        except TimeoutError:
            process.kill()
            await wait_for_end(process)
    _end_group(process)
