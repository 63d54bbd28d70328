"""The file the state is kept in: loaded at start, saved every few seconds and at the end."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from sandbox.state import StoredState

SAVE_EVERY_SECONDS = 3.0
SAVE_SHARE = 20
"""A save may take at most one part in this many of the time between saves."""


def _write(path: Path, content: bytes) -> None:
    """Replace the file in one step, so that a crash leaves the old one or the new one."""
    unfinished = path.with_suffix(path.suffix + ".unfinished")
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


class StateFile:
    """Loads the state, and saves it when it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved: bytes = b""

    def load(self) -> StoredState | None:
        """The state in the file, None without one. Raises `ValueError` when it holds none."""
        if not self._path.exists():
            return None
        try:
            return msgspec.msgpack.decode(self._path.read_bytes(), type=StoredState)
        except msgspec.MsgspecError as error:
            raise ValueError(f"{self._path} holds no state of this sandbox: {error}") from error

    def save(self, state: StoredState) -> None:
        """Save now, unless nothing changed."""
        content = msgspec.msgpack.encode(state)
        if content != self._saved:
            _write(self._path, content)
            self._saved = content

    async def save_regularly(self, state: Callable[[], StoredState]) -> None:
        """Save every few seconds, less often when a save takes long, until cancelled."""
        loop = asyncio.get_running_loop()
        pause = SAVE_EVERY_SECONDS
        while True:
            await asyncio.sleep(pause)
            began = loop.time()
            content = msgspec.msgpack.encode(state())
            if content != self._saved:
                await asyncio.to_thread(_write, self._path, content)
                self._saved = content
            pause = max(SAVE_EVERY_SECONDS, (loop.time() - began) * SAVE_SHARE)
