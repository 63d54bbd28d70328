"""Who holds the session that came with a request."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPBearer

from auth_service.sessions.session import Origin, Session, SessionEnded
from auth_service.sessions.sign_in import open_session
from common.postgres.acting import EVERYBODY, act_for
from common.postgres.pool import Pool
from common.web.door import address_of

_bearer = HTTPBearer(
    scheme_name="session", description="A person's session, of POST /v1/sessions", auto_error=False
)


def holder_of(pool: Pool) -> Callable[..., Awaitable[Session]]:
    """A dependency: the living session named by the request. Raises `SessionEnded`.

    From here on the request sees the rows of everybody, and looks at its person's only.
    """

    async def holder(
        request: Request, _documented: Annotated[object, Security(_bearer)]
    ) -> Session:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise SessionEnded
        act_for(EVERYBODY)
        return await open_session(pool, secret.strip())

    return holder


def origin_of(request: Request) -> Origin:
    """Where the request comes from."""
    return Origin(address_of(request.scope), request.headers.get("user-agent", ""))
