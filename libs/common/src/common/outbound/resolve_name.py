"""The addresses of a host's name, looked up where a name server that does not answer delays
nothing else."""

import asyncio
import socket
from concurrent.futures import Future
from threading import Thread


async def resolve_name(host: str, port: int) -> list[str]:
    """All addresses of the name, each once. Raises `OSError`.

    In a thread of its own: a lookup cannot be ended, and the threads that the loop has for all
    lookups, Kafka's and Postgres's too, are few. A daemon, so that the process can end meanwhile.
    How many there are is bounded by the requests their callers make at once.
    """
    found: Future[list[str]] = Future()
    found.set_running_or_notify_cancel()
    Thread(target=_settle, args=(found, host, port), name="resolve-name", daemon=True).start()
    return await asyncio.wrap_future(found)


def _settle(found: Future[list[str]], host: str, port: int) -> None:
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except Exception as error:  # of any kind: who waits is to have it
        found.set_exception(error)
    else:
        found.set_result(list(dict.fromkeys(str(entry[4][0]) for entry in entries)))
