"""What every service is given from outside; each service adds its own under its own prefix.

A service's settings class sets `env_prefix`, so `CATALOG_DATABASE_URL` configures catalog-service.
"""

import socket
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.kafka_access import KafkaAccess, Mechanism, Protocol


class KafkaSettings(BaseSettings):
    """How Kafka is reached, and as whom; files are PEM."""

    # a refused setting is reported without the others, of which some are secrets
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    kafka_bootstrap: str
    """`host:port` of a Kafka broker; several separated by commas."""
    kafka_security_protocol: Protocol = "PLAINTEXT"
    kafka_ca_file: Path | None = None
    """The authority that signed the brokers' certificates; None trusts the system's."""
    kafka_certificate_file: Path | None = None
    """Our own certificate and, in `kafka_key_file`, its key, where brokers ask for one."""
    kafka_key_file: Path | None = None
    kafka_sasl_mechanism: Mechanism = "SCRAM-SHA-512"
    kafka_user: str = ""
    """With `kafka_password`: who we are, by SCRAM."""
    kafka_password: SecretStr = SecretStr("")
    kafka_token_url: str = ""
    """Where OAUTHBEARER tokens are had for `kafka_client_id` and its secret."""
    kafka_client_id: str = ""
    kafka_client_secret: SecretStr = SecretStr("")
    kafka_token_scope: str = ""
    kafka_allows_unencrypted: bool = False
    """Whether SASL_PLAINTEXT, and tokens from an http address, are accepted."""

    @cached_property
    def kafka(self) -> KafkaAccess:
        """What Kafka's clients are made with."""
        return KafkaAccess(
            self.kafka_bootstrap,
            self.kafka_security_protocol,
            ca_file=self.kafka_ca_file,
            certificate_file=self.kafka_certificate_file,
            key_file=self.kafka_key_file,
            mechanism=self.kafka_sasl_mechanism,
            user=self.kafka_user,
            password=self.kafka_password.get_secret_value(),
            token_url=self.kafka_token_url,
            client_id=self.kafka_client_id,
            client_secret=self.kafka_client_secret.get_secret_value(),
            token_scope=self.kafka_token_scope,
            allows_unencrypted=self.kafka_allows_unencrypted,
        )

    @model_validator(mode="after")
    def _check_kafka(self) -> Self:
        _ = self.kafka  # raises for what cannot work
        return self


class ServingSettings(BaseSettings):
    """What every process that answers over HTTP is given: where, how much at once, how it ends."""

    host: str = "127.0.0.1"
    """Address the REST API listens on."""
    port: int
    """Port the REST API listens on."""
    clock_url: str | None = None
    """Follow the clock served there (the local stack's sandbox); None follows the system's."""
    instance_id: str = socket.gethostname()
    """Stable name of this replica: the static member of its consumer groups."""
    operations_port: int | None = None
    """Where `/metrics`, `/health`, `/internal` and the OpenAPI pages are served, beside the API;
    `port` then serves nothing but `/v1/`. None: all of it on `port`."""
    log_level: str = "INFO"
    drain_seconds: Annotated[float, Field(ge=0, le=300)] = 0
    """How long a process that was asked to end goes on serving, not ready, so that load balancers
    see it before its port closes."""
    request_grace_seconds: Annotated[int, Field(ge=0, le=3600)] = 3
    """How long requests in progress, uploads and downloads too, may take after that."""

    requests_at_once: Annotated[int, Field(ge=1)] = 200
    """Requests in progress of a process; more are answered 503."""
    connections_at_once: Annotated[int, Field(ge=1)] = 1_000
    """Connections of a process, idle ones too; requests on more are answered 503."""
    backlog: Annotated[int, Field(ge=1)] = 512
    """Connections that wait to be accepted."""
    headers_within_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long the headers of a request may take to come."""
    header_bytes: Annotated[int, Field(ge=1_024)] = 32_768
    """How long a request's line and headers may be together."""
    keep_alive_seconds: Annotated[int, Field(ge=0)] = 65
    """How long a connection may be idle between two requests: longer than clients and load
    balancers keep theirs (5 and 60 seconds, most of them), or a request that they send just as it
    is closed has no answer."""

    @property
    def request_grace(self) -> timedelta:
        """`request_grace_seconds` as a duration."""
        return timedelta(seconds=self.request_grace_seconds)


class ServiceSettings(KafkaSettings, ServingSettings):
    """The settings all services share. Nothing here has a secret default."""

    database_url: SecretStr
    """PostgreSQL URL of the service's own database, as the service's role, which owns nothing."""
    migration_database_url: SecretStr | None = None
    """The same database as its owner; only the role `migrate` reads it. Without it `database_url`
    is the owner's, as in installations of one role."""
    database_pool_size: int = 10
    topic_prefix: str = ""
    """Put before every topic name and consumer group, so that installations may share a cluster."""
    auth_url: str = "http://127.0.0.1:8001"
    """Base URL of auth-service: JWKS, service tokens, the token hand-out."""
    service_client_id: str = ""
    """This service's API client at auth-service."""
    service_client_secret: SecretStr = SecretStr("")
    session_timeout_seconds: float = 10.0
    """How long Kafka waits for a silent member before its partitions go to others."""
    max_batch_records: int = 1_000
    """The most records one transaction takes."""
    traces_per_second: Annotated[float, Field(ge=0)] = 10
    """While spans are exported: how many traces begin for records and lines of files that bring
    none; the first 300 at once. What brings a trace is sampled as it says."""
    serves_documents: bool = True
    """Whether `/openapi.json` and its pages are served, to anyone who reaches the port."""
    audit_kept_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """How long it is known who changed what."""

    @property
    def session_timeout(self) -> timedelta:
        """`session_timeout_seconds` as a duration."""
        return timedelta(seconds=self.session_timeout_seconds)

    @property
    def audit_kept(self) -> timedelta:
        """`audit_kept_days` as a duration."""
        return timedelta(days=self.audit_kept_days)


class MarketplaceSettings(BaseSettings):
    """How a service reaches AliExpress; mixed into the settings of those that do."""

    marketplace_url: str = "https://api-sg.aliexpress.com"
    """Base of the gateway; the local stack names the sandbox here."""
    marketplace_browser_url: str = ""
    """The same as a seller's browser reaches it, to agree; empty where that is the same address."""
    app_key: str = ""
    app_secret: SecretStr = SecretStr("")
    marketplace_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    """How long AliExpress may take to answer before the answer counts as lost."""


class ConditionSettings(BaseSettings):
    """How a service watches for conditions; mixed into the settings of those that publish any."""

    conditions_seconds: Annotated[float, Field(gt=0, le=3600)] = 10.0
    """How often it is seen whether something keeps a shop from being right, or is over."""

    @property
    def conditions_every(self) -> timedelta:
        """`conditions_seconds` as a duration."""
        return timedelta(seconds=self.conditions_seconds)
