"""Our own programs run as a person or a shell script would: arguments, environment, output."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from stack.forkserver import ForkServer, Program
from stack.processes import Child, end_process, has_ended, wait_for_end
from stack.settings import CHECKOUT


@dataclass(frozen=True)
class Result:
    """How a program ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on its standard output."""
        return json.loads(self.out)


@dataclass(frozen=True)
class RunningProgram:
    """A program that was started."""

    child: Child

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return has_ended(self.child)

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless its end was waited for."""
        self.child.send_signal(number)

    async def wait(self) -> int:
        """Wait for its end; its exit code, or the negative number of the signal that killed it."""
        await wait_for_end(self.child)
        return self.child.wait()


@dataclass(frozen=True)
class Programs:
    """Runs `python -m` programs as processes of their own, forked from a warm one."""

    server: ForkServer

    @asynccontextmanager
    async def running(
        self,
        module: str,
        *arguments: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
        patience: timedelta = timedelta(0),
    ) -> AsyncIterator[RunningProgram]:
        """Run a module, in the checkout's folder, for the block; its output goes to the end of
        `log`.

        `environment` is put over our own. Still running at the end of the block it is asked to end
        (SIGTERM), and killed after `patience`.
        """
        child = self._start(module, arguments, log, environment or {})
        try:
            yield RunningProgram(child)
        finally:
            await end_process(child, patience=patience)

    def _start(
        self, module: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> Child:
        log.touch()  # for who reads it at once
        whole = {**os.environ, **environment}
        return self.server.run(Program(module, arguments, whole, str(CHECKOUT), str(log), str(log)))

    async def run(
        self,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        within: float = 60,
    ) -> Result:
        """Run a module to its end, in the checkout's folder.

        `environment` is put over our own. Raises `TimeoutError`, and ends the program, when it
        takes longer than `within` seconds.
        """
        with tempfile.TemporaryDirectory(prefix="aliexpress-channel-program-") as name:
            out, err = Path(name, "out"), Path(name, "err")
            whole = {**os.environ, **(environment or {})}
            child = self.server.run(
                Program(module, arguments, whole, str(CHECKOUT), str(out), str(err))
            )
            try:
                async with asyncio.timeout(within):
                    await wait_for_end(child)
            finally:
                await end_process(child)
            return _result(child.wait(), out, err)


def _result(code: int, out: Path, err: Path) -> Result:
    return Result(code, out.read_text(), err.read_text())
