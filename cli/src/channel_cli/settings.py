"""Where the services are and who calls: `CHANNEL_...`, else the local stack that runs here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.addresses import Addresses
from stack.failures import StackFailure
from stack.settings import StackSettings
from stack.system import TRACES

AUTH = "auth-service"
CATALOG = "catalog-service"
PUBLISHER = "feed-publisher"
ORDERS = "order-importer"
SERVICES = (AUTH, CATALOG, PUBLISHER, ORDERS)
ADDRESS_SETTINGS = {
    AUTH: "CHANNEL_AUTH_URL",
    CATALOG: "CHANNEL_CATALOG_URL",
    PUBLISHER: "CHANNEL_PUBLISHER_URL",
    ORDERS: "CHANNEL_ORDERS_URL",
    TRACES: "CHANNEL_TRACES_URL",
}


class NoAccess(Exception):
    """It is not known where the services are, or as whom to call them."""


class CliSettings(BaseSettings):
    """For an installation elsewhere; all of them together, or none for the local stack."""

    model_config = SettingsConfigDict(env_prefix="CHANNEL_")

    auth_url: str | None = None
    catalog_url: str | None = None
    publisher_url: str | None = None
    orders_url: str | None = None
    traces_url: str | None = None
    """Where traces are kept: Tempo, or Jaeger's query service; alone it goes with the local
    stack."""
    client_id: str | None = None
    """An API client of auth-service: an operator's, or a merchant's own."""
    client_secret: SecretStr | None = None


@dataclass(frozen=True)
class Access:
    """Base addresses by service name, and the API client to call them as."""

    urls: Mapping[str, str]
    client_id: str
    client_secret: SecretStr

    @classmethod
    def of_stack(cls, addresses: Addresses) -> "Access":
        """Access to a local stack, as its operator."""
        return cls(
            addresses.urls,
            addresses.operator_client_id,
            SecretStr(addresses.operator_client_secret),
        )


def find_access() -> Access:
    """By the environment, else by the local stack; raises `NoAccess` with what is missing."""
    settings = CliSettings()
    if not settings.model_dump(exclude_none=True, exclude={"traces_url"}):
        try:
            access = Access.of_stack(Addresses.read(StackSettings().state_dir))
        except StackFailure as failure:
            raise NoAccess(f"{failure}, or set CHANNEL_AUTH_URL and the others") from None
        traces = {TRACES: settings.traces_url} if settings.traces_url else {}
        return replace(access, urls={**access.urls, **traces})
    urls = {
        AUTH: settings.auth_url,
        CATALOG: settings.catalog_url,
        PUBLISHER: settings.publisher_url,
        ORDERS: settings.orders_url,
        TRACES: settings.traces_url,
    }
    known = {name: url.rstrip("/") for name, url in urls.items() if url}
    if AUTH not in known or not settings.client_id or settings.client_secret is None:
        raise NoAccess("set CHANNEL_AUTH_URL, CHANNEL_CLIENT_ID and CHANNEL_CLIENT_SECRET")
    return Access(known, settings.client_id, settings.client_secret)
