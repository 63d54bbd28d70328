"""The two gateways: their addresses, and how each names, times and signs a request. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Literal

import msgspec

from aliexpress.operation import AccessToken, AppCredentials, Operation
from aliexpress.signing import SignMethod, sign
from aliexpress.wire import WIRE_TIME

GMT_PLUS_8 = timezone(timedelta(hours=8))

NEW_GATEWAY_URL = "https://api-sg.aliexpress.com"
OLD_GATEWAY_URL = "https://api.taobao.com"
OLD_OAUTH_URL = "https://oauth.aliexpress.com"


class Gateway(msgspec.Struct, frozen=True):
    """Where requests go and in which form.

    `kind` new is the current platform (IOP: `/sync`, `/rest`), old the previous one (TOP).
    `oauth_url` is the authorisation page; `token_url`, on the old one only, exchanges its codes.
    """

    kind: Literal["new", "old"]
    business_url: str
    system_url: str
    oauth_url: str
    sign_method: SignMethod
    token_url: str | None = None

    def url(self, operation: Operation) -> str:
        """Where `operation` is called."""
        return self.system_url + operation.name if operation.is_system else self.business_url

    def request(
        self,
        operation: Operation,
        parameters: Mapping[str, str],
        app: AppCredentials,
        token: AccessToken | None,
        now: datetime,
        *,
        is_simplified: bool,
    ) -> dict[str, str]:
        """The signed form of a request: system and business parameters together."""
        form = dict(parameters)
        form["app_key"] = app.key
        form["sign_method"] = self.sign_method
        form["format"] = "json"
        if is_simplified:
            form["simplify"] = "true"
        if not operation.is_system:
            form["method"] = operation.name
        if self.kind == "new":
            form["timestamp"] = str(int(now.timestamp() * 1000))
            if token is not None:
                form["access_token"] = token.value
        else:
            form["timestamp"] = now.astimezone(GMT_PLUS_8).strftime(WIRE_TIME)
            form["v"] = "2.0"
            if token is not None:
                form["session"] = token.value
        path = operation.name if operation.is_system else ""
        form["sign"] = sign(form, app.secret, self.sign_method, path=path)
        return form


def new_gateway(url: str = NEW_GATEWAY_URL, *, browser_url: str = "") -> Gateway:
    """The current platform; browsers reach it at `browser_url`, empty for the same."""
    base, browser_base = url.rstrip("/"), (browser_url or url).rstrip("/")
    return Gateway(
        kind="new",
        business_url=f"{base}/sync",
        system_url=f"{base}/rest",
        oauth_url=f"{browser_base}/oauth/authorize",
        sign_method="sha256",
    )


def old_gateway(
    url: str = OLD_GATEWAY_URL,
    oauth_url: str = OLD_OAUTH_URL,
    *,
    sign_method: SignMethod = "hmac",
) -> Gateway:
    """The previous platform, for apps that still live there. `sign_method` is hmac or md5."""
    base, oauth_base = url.rstrip("/"), oauth_url.rstrip("/")
    return Gateway(
        kind="old",
        business_url=f"{base}/router/rest",
        system_url=f"{base}/rest",
        oauth_url=f"{oauth_base}/authorize",
        token_url=f"{oauth_base}/token",
        sign_method=sign_method,
    )
