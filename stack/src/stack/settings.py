"""What moves the stack about: settings with the prefix `STACK_`."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

CHECKOUT = Path(__file__).parents[3]


class StackSettings(BaseSettings):
    """Where Postgres, Kafka and all state come from.

    Postgres: `database_url` (an administrator's URL); else a container, when Docker answers and
    has the image; else embedded. Kafka the same, by `kafka_bootstrap`. Ports of 0 are chosen at
    the first start and kept.
    """

    model_config = SettingsConfigDict(env_prefix="STACK_")

    state_dir: Path = CHECKOUT / ".channel"
    database_url: SecretStr | None = None
    kafka_bootstrap: str | None = None
    containers: bool = True
    postgres_port: int = 0
    kafka_port: int = 0
    is_durable: bool = True
