"""A link by which a person of this machine signs in to the console: it opens once.

The person sets a password on the page that the link opens. Whoever has one already is given a link
to set another.
"""

from typing import Any

import httpx2

from stack.addresses import Addresses
from stack.failures import StackFailure
from stack.system import AUTH, CONSOLE

OPERATOR = "operator@channel.example"
"""Who runs a local installation; no mail is ever sent to it."""


async def sign_in_link(
    addresses: Addresses, email: str = OPERATOR, *, merchant_id: str | None = None
) -> str | None:
    """The link of an operator's, or of an owner of the merchant's; None where no console runs.

    Raises `StackFailure` when auth-service gives none.
    """
    if CONSOLE not in addresses.urls:
        return None
    async with httpx2.AsyncClient(base_url=addresses.urls[AUTH.name], timeout=10.0) as http:
        try:
            grant = {
                "grant_type": "client_credentials",
                "client_id": addresses.operator_client_id,
                "client_secret": addresses.operator_client_secret,
            }
            token = (await _asked(http, "POST", "/v1/token", data=grant))["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            return await _link(http, email, merchant_id)
        except (httpx2.HTTPError, KeyError) as error:
            raise StackFailure(f"no link to sign in was made: {error!r}") from None


async def _link(http: httpx2.AsyncClient, email: str, merchant_id: str | None) -> str:
    where = f"/v1/merchants/{merchant_id}/members" if merchant_id else "/v1/operators"
    known = (await _asked(http, "GET", where))["items"]
    has_joined = any(
        person["email"] == email and person.get("accepted_at", "operator") for person in known
    )
    if has_joined:
        made = await _asked(http, "POST", "/v1/people/reset", json={"email": email})
    else:
        role = {"role": "owner"} if merchant_id else {}
        made = await _asked(http, "POST", where, json={"email": email, **role})
    return str(made["link"])


async def _asked(http: httpx2.AsyncClient, method: str, where: str, **request: Any) -> Any:
    answer = await http.request(method, where, **request)
    answer.raise_for_status()
    return answer.json()
