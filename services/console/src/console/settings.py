"""The settings of the console, from variables `CONSOLE_...`."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from common.settings import ServingSettings


class ConsoleSettings(ServingSettings):
    """Where the services are, and how browsers reach us. Nothing here is a secret."""

    model_config = SettingsConfigDict(env_prefix="CONSOLE_")

    port: int = 8000
    public_url: str = "http://127.0.0.1:8000"
    """Where browsers reach the console. With https its cookies are bound to this host
    (`__Host-`)."""
    auth_url: str = "http://127.0.0.1:8001"
    catalog_url: str = "http://127.0.0.1:8002"
    publisher_url: str = "http://127.0.0.1:8003"
    orders_url: str = "http://127.0.0.1:8004"
    auth_public_url: str = ""
    """Where browsers reach auth-service, whose pages lead to AliExpress; empty: at `auth_url`."""
    panel_seconds: Annotated[float, Field(gt=0, le=60)] = 2.5
    """How long one panel of a page waits for its service; the rest of the page stands."""
    unread_seconds: Annotated[float, Field(gt=0, le=10)] = 0.4
    """How long a page waits for the number of unread troubles, which it can do without."""
    live_every_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """How often what is under way is looked at for a page that follows it."""
    live_per_session: Annotated[int, Field(ge=0, le=100)] = 4
    """Parts of pages that one session may follow at once; more ask every two seconds."""
    live_at_most: Annotated[int, Field(ge=0, le=10_000)] = 50
    """Parts that this process lets be followed at once, of its `requests_at_once`."""
    form_seconds: Annotated[float, Field(gt=0, le=300)] = 20.0
    """How long what a form asks for may take."""
    picture_sources: str = "https:"
    """Where products' pictures may come from, as a Content-Security-Policy names sources; pages
    without pictures load nothing but our own."""

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by https."""
        return self.public_url.startswith("https:")

    @property
    def origin(self) -> str:
        """The origin that browsers name in their requests."""
        scheme, _, rest = self.public_url.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"
