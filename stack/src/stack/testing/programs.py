"""Our own programs run as a person or a shell script would: arguments, environment, output."""

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.forkserver import ForkServer, Program
from stack.processes import end_process, wait_for_end
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
class Programs:
    """Runs `python -m` programs as processes of their own, forked from a warm one."""

    server: ForkServer

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
