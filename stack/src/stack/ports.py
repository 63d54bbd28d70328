"""Ports on the loopback address: a free one, a fixed one, one kept from the last start."""

import json
import socket
from pathlib import Path

from stack.failures import PortTaken
from stack.private_files import write_private

LOOPBACK = "127.0.0.1"


_held: list[socket.socket] = []


def free_port() -> int:
    """A port nobody listens on, and that nobody else is given while this process lives.

    It stays bound here without listening: the system then gives it to no other server and to no
    outgoing connection, and a server that sets SO_REUSEADDR, as all do, can still listen on it.
    """
    held = _bound(0)
    _held.append(held)
    port: int = held.getsockname()[1]
    return port


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    try:
        _bound(port).close()
    except OSError:
        return False
    return True


def _bound(port: int) -> socket.socket:
    probe = socket.socket()
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
    except OSError:
        probe.close()
        raise
    return probe


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
