"""A server that goes away as it is connected to is one that cannot be reached, nothing else."""

import socket
import struct
from collections.abc import Iterator
from threading import Thread

import httpx2
import pytest

from common.outbound.http_client import HttpClient

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: what is closed is reset."""
CONNECTIONS = 500
"""Of some 25 one is reset before its socket is asked for."""


@pytest.fixture
def resetting() -> Iterator[str]:
    """The URL of a server that resets every connection as it is made."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=_reset_all, args=(server,))
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _reset_all(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:  # the end of the test
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        connection.close()


async def test_a_connection_reset_as_it_is_made_is_a_failure_to_reach(resetting: str) -> None:
    async with HttpClient() as http:
        for _ in range(CONNECTIONS):
            with pytest.raises(httpx2.NetworkError):
                await http.get(resetting)


async def test_a_fault_of_ours_stays_what_it_is() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise AttributeError("not of a socket", name="answer", obj=request)

    async with HttpClient(transport=httpx2.MockTransport(answer)) as http:
        with pytest.raises(AttributeError, match="not of a socket"):
            await http.get("http://nowhere/")
