"""A request that goes to the address the guard has checked, whatever its name resolves to later."""

import socket

import httpx2

from common.outbound.guard import AddressRefused, Target, check_addresses
from common.outbound.resolve_name import resolve_name


async def guarded_request(
    client: httpx2.AsyncClient,
    method: str,
    target: Target,
    *,
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
) -> httpx2.Request:
    """The request to the checked address, with the name in Host and TLS.

    The client must follow no redirects of its own and take no proxy from the environment. Raises
    `AddressRefused`, and `OSError` while the name server is away.
    """
    address = check_addresses(target, await _resolve(target))
    literal = f"[{address}]" if ":" in address else address
    return client.build_request(
        method,
        f"{target.scheme}://{literal}:{target.port}{target.path}",
        headers={**(headers or {}), "host": target.authority},
        content=content,
        extensions={"sni_hostname": target.host},
    )


async def _resolve(target: Target) -> list[str]:
    try:
        return await resolve_name(target.host, target.port)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:  # the name server is away, not the name
            raise
        raise AddressRefused("the host's name cannot be resolved") from None
