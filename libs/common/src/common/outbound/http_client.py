"""A client whose connections may be reset as they are made."""

from typing import Any

import httpx2


class HttpClient(httpx2.AsyncClient):
    """An `httpx2.AsyncClient` to which a connection reset as it is made is a `ConnectError`.

    On uvloop a connection that the other side resets as it is made has no socket any more when
    anyio asks for its addresses, and that, an `AttributeError`, nobody takes for an outage.
    """

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """See `httpx2.AsyncClient.send`."""
        try:
            return await super().send(request, **options)
        except AttributeError as error:
            if error.obj is not None or error.name not in {"getpeername", "getsockname"}:
                raise
            message = "The connection was reset as it was made"
            raise httpx2.ConnectError(message, request=request) from error
