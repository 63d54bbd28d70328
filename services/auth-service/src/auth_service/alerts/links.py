"""Where a trouble is repaired. Pure."""

from dataclasses import dataclass
from urllib.parse import quote

from auth_service.troubles.kinds import KINDS
from auth_service.troubles.trouble import Trouble

RENEW = "{renew}"


@dataclass(frozen=True)
class Links:
    """`public_url` is auth-service's own address for browsers, `console_url` the console's where
    there is one."""

    public_url: str
    console_url: str = ""

    def to(self, trouble: Trouble) -> str | None:
        """The page that repairs it; None where there is none."""
        page = KINDS[trouble.kind].page
        if page == RENEW:
            return self.renew(trouble.merchant_id, trouble.shop_id or "")
        if not self.console_url:
            return None
        ids = {
            "shop": trouble.shop_id,
            "feed": trouble.feed_id,
            "catalogue": trouble.catalogue_id,
            "order": trouble.order_id,
            "endpoint": trouble.subject.partition("/")[2],
        }
        filled = page.format(**{name: quote(value or "", safe="") for name, value in ids.items()})
        return self.console_url.rstrip("/") + filled.rstrip("/")

    def renew(self, merchant_id: str, shop_id: str) -> str:
        """The page that renews a shop's connection, after signing in."""
        path = "/".join(quote(part, safe="") for part in (merchant_id, shop_id))
        return f"{self.public_url.rstrip('/')}/v1/renew/{path}"

    @property
    def alerts(self) -> str | None:
        """The list of all troubles."""
        return f"{self.console_url.rstrip('/')}/alerts" if self.console_url else None
