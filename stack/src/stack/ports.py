"""Ports on the loopback address: a free one, a fixed one, one kept from the last start."""

import contextlib
import json
import socket
from pathlib import Path

from stack.failures import PortTaken
from stack.private_files import write_private

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def require_free(port: int, *, owner: str, setting: str) -> None:
    """Raise `PortTaken`, naming the setting that moves it, unless `port` is free."""
    if not is_free(port):
        raise PortTaken(port, owner, setting)


def kept_port(memory: Path, owner: str) -> int:
    """The port `owner` had at its last start, as written in the file `memory`; else a free one.

    Addresses that stay the same let other programs on the machine keep their configuration.
    """
    ports: dict[str, int] = json.loads(memory.read_text()) if memory.exists() else {}
    port = ports.get(owner)
    if port is None or not is_free(port):
        ports[owner] = port = free_port()
        write_private(memory, json.dumps(ports, indent=1))
    return port
