"""Headers of every answer: browsers run and load nothing that is not ours, and keep nothing."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PICTURES = "console.pictures"
"""In a request's scope: where the page's pictures may come from."""
FORMS = "console.forms"
"""In a request's scope: the origins a form of the page may lead on to."""


def policy(*, pictures: str = "", forms: str = "") -> str:
    """The Content-Security-Policy of a page."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: {pictures}".strip(),
            "connect-src 'self'",
            "font-src 'self'",
            f"form-action 'self' {forms}".strip(),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
    )


class SafeHeaders:
    """ASGI middleware around the app."""

    def __init__(self, app: ASGIApp, *, is_secure: bool) -> None:
        self._app = app
        self._is_secure = is_secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers that a route did not set otherwise."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault(
                    "content-security-policy",
                    policy(pictures=scope.get(PICTURES, ""), forms=scope.get(FORMS, "")),
                )
                headers.setdefault("cache-control", "no-store")
                headers.setdefault("referrer-policy", "no-referrer")
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("x-frame-options", "DENY")
                headers.setdefault("cross-origin-opener-policy", "same-origin")
                headers.setdefault("cross-origin-resource-policy", "same-origin")
                headers.setdefault("permissions-policy", "camera=(), geolocation=(), microphone=()")
                if self._is_secure:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
            await send(message)

        await self._app(scope, receive, send_safely)
