"""What moves the stack about: settings with the prefix `STACK_`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

CHECKOUT = Path(__file__).parents[3]


class StackSettings(BaseSettings):
    """Where Postgres, Kafka and all state come from.

    Postgres: `database_url` (an administrator's URL); else a container, when Docker answers and
    has the image; else embedded. Kafka the same, by `kafka_bootstrap`. The kinds of the first
    start are kept, and so are ports of 0 that were chosen then. `installation` sets this stack
    apart from others on the same stores: it is put before the names of databases, topics and
    consumer groups.
    """

    model_config = SettingsConfigDict(env_prefix="STACK_")

    state_dir: Path = CHECKOUT / ".channel"
    database_url: SecretStr | None = None
    kafka_bootstrap: str | None = None
    kafka_secure: bool = False
    """Whether the embedded Kafka speaks TLS, knows its users and grants each what it needs."""
    containers: bool = True
    traces: bool = True
    """Whether the services export their traces to a store of the stack's own, unless
    `OTEL_EXPORTER_OTLP_ENDPOINT` names another place."""
    console: bool = True
    """Whether the console runs beside the services."""
    postgres_port: int = 0
    kafka_port: int = 0
    is_durable: bool = True
    installation: Annotated[str, Field(pattern="^[a-z0-9]*$", max_length=20)] = ""

    @property
    def topic_prefix(self) -> str:
        """What topics and consumer groups begin with."""
        return f"{self.installation}." if self.installation else ""

    def database_name(self, plain: str) -> str:
        """A database's (and its role's) name in this installation."""
        return f"{self.installation}_{plain}" if self.installation else plain
