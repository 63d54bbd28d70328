"""The map of the system: which processes there are, and who needs whom.

Read it top down: the services, then the variables of each. One that is set in the caller's
environment wins over what stands here, so `AUTH_PORT=9001` or `CATALOG_LOG_LEVEL=DEBUG` just work,
and a real AliExpress app replaces the sandbox by `AUTH_MARKETPLACE_URL`, `AUTH_APP_KEY` and so on.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings

from common.kafka_access import KafkaAccess
from stack.kafka_identity import KafkaIdentity
from stack.ports import LOOPBACK, free_port, require_free
from stack.secrets import Secrets

APP_KEY = "500100"
MAILED_FROM = "AliExpress Channel <channel@channel.example>"
OPERATOR_CLIENT = "channel-cli"
SANDBOX = "sandbox"
TRACES = "traces"
SMTP = "smtp"
"""Where the sandbox catches mails."""
CONSOLE = "console"


@dataclass(frozen=True)
class Service:
    """One of ours: `python -m <module> all`, its settings named `<prefix>_…`.

    `scopes` are what its own API client at auth-service may ask for.
    """

    name: str
    prefix: str
    calls_marketplace: bool = True
    scopes: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The package `python -m` runs."""
        return self.name.replace("-", "_")

    @property
    def database(self) -> str:
        """Its database, and the role that owns it."""
        return f"channel_{self.prefix.lower()}"

    @property
    def role(self) -> str:
        """Who it logs in as: a role that owns nothing."""
        return f"{self.database}_service"


AUTH = Service("auth-service", "AUTH")
CATALOG = Service("catalog-service", "CATALOG", scopes=("token:read",))
PUBLISHER = Service("feed-publisher", "PUBLISHER", scopes=("token:read",))
ORDERS = Service("order-importer", "ORDERS", scopes=("token:read",))
SERVICES = (AUTH, CATALOG, PUBLISHER, ORDERS)


class Ports(BaseSettings):
    """Where each listens on the loopback address; 0 takes a free port."""

    console_port: int = 8000
    auth_port: int = 8001
    catalog_port: int = 8002
    publisher_port: int = 8003
    orders_port: int = 8004
    sandbox_port: int = 8080
    traces_port: int = 0  # 4318 may be a collector's
    smtp_port: int = 0

    @classmethod
    def free(cls) -> "Ports":
        """Free ports for all, whatever the environment says."""
        return cls.model_validate(dict.fromkeys(cls.model_fields, 0))

    def choose(self) -> Mapping[str, int]:
        """The port of each process, by its name; raises `PortTaken` for one that is in use."""
        by_name = {service.name: service.prefix for service in SERVICES}
        by_name |= {SANDBOX: "SANDBOX", TRACES: "TRACES", SMTP: "SMTP", CONSOLE: "CONSOLE"}
        ports = {}
        for name, prefix in by_name.items():
            port: int = getattr(self, f"{prefix.lower()}_port")
            if port:
                require_free(port, owner=name, setting=f"{prefix}_PORT")
            ports[name] = port or free_port()
        return ports


@dataclass(frozen=True)
class Wiring:
    """What all processes of one running stack have in common."""

    ports: Mapping[str, int]
    kafka_bootstrap: str
    topic_prefix: str
    owner_urls: Mapping[str, str]
    """Each service's database, as its owner."""
    database_urls: Mapping[str, str]
    """The same, as the service."""
    secrets: Secrets
    state: Path
    kafka_identity: KafkaIdentity | None = None
    has_traces: bool = False
    has_console: bool = False

    def url(self, name: str) -> str:
        """Base address of a service or of the sandbox."""
        return f"http://{LOOPBACK}:{self.ports[name]}"


def service_command(service: Service) -> list[str]:
    """What runs a service: its api and its worker in one process."""
    return [sys.executable, "-m", service.module, "all"]


def migrate_command(services: Sequence[Service]) -> list[str]:
    """What brings the databases of `services` up to date."""
    return [sys.executable, "-m", "stack.migrate", *(service.module for service in services)]


def service_environment(service: Service, wiring: Wiring) -> dict[str, str]:
    """The variables of a service."""
    variables = {
        "HOST": LOOPBACK,
        "PORT": str(wiring.ports[service.name]),
        "DATABASE_URL": wiring.database_urls[service.name],
        "KAFKA_BOOTSTRAP": wiring.kafka_bootstrap,
        "TOPIC_PREFIX": wiring.topic_prefix,
        "CLOCK_URL": f"{wiring.url(SANDBOX)}/control/clock",
        "AUTH_URL": wiring.url(AUTH.name),
        "SERVICE_CLIENT_ID": service.name,
        "SERVICE_CLIENT_SECRET": wiring.secrets.of(service.name),
        "INSTANCE_ID": f"{service.name}-0",
    }
    if wiring.kafka_identity is not None:
        variables |= kafka_variables(
            wiring.kafka_identity.access(wiring.kafka_bootstrap, service.name)
        )
    if service.calls_marketplace:
        variables |= {
            "MARKETPLACE_URL": wiring.url(SANDBOX),
            "APP_KEY": APP_KEY,
            "APP_SECRET": wiring.secrets.app_secret,
        }
    if service == AUTH:
        variables |= {
            "PUBLIC_URL": wiring.url(AUTH.name),
            "OAUTH_PKCE": "true",
            "SMTP_HOST": LOOPBACK,
            "SMTP_PORT": str(wiring.ports[SMTP]),
            "SMTP_SECURITY": "none",
            "SMTP_FROM": MAILED_FROM,
            "ALERTS_GATHERED_SECONDS": "1",
            "MASTER_KEYS": wiring.secrets.sealing_key,
            "SIGNING_KEY": wiring.secrets.signing_key,
            "BOOTSTRAP_CLIENTS": json.dumps(bootstrap_clients(wiring.secrets)),
            **({"CONSOLE_URL": wiring.url(CONSOLE)} if wiring.has_console else {}),
        }
    if service == PUBLISHER:
        # Runs are asked for here, by hand and by tests, which count what each of them sends.
        variables["FAST_LANE"] = "false"
    if service == CATALOG:
        variables |= {
            "IMAGE_ALLOWED_HOSTS": f"{LOOPBACK}:{wiring.ports[SANDBOX]}",
            "REQUIRES_SIGNATURES": str(wiring.kafka_identity is not None).lower(),
        }
    chosen = {f"{service.prefix}_PORT": variables["PORT"]}  # where 0 was asked for
    return (
        exported_traces(wiring)
        | {f"{service.prefix}_{name}": value for name, value in variables.items()}
        | os.environ
        | chosen
    )


def kafka_variables(access: KafkaAccess) -> dict[str, str]:
    """The variables, without a prefix, by which a user reaches a secure Kafka."""
    return {
        "KAFKA_SECURITY_PROTOCOL": access.protocol,
        "KAFKA_CA_FILE": str(access.ca_file),
        "KAFKA_USER": access.user,
        "KAFKA_PASSWORD": access.password,
    }


def exported_traces(wiring: Wiring) -> dict[str, str]:
    """The variables by which a service's traces reach the local store; none where they go
    elsewhere."""
    if not wiring.has_traces:
        return {}
    return {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{wiring.url(TRACES)}/v1/traces"}


def console_command() -> list[str]:
    """What runs the console."""
    return [sys.executable, "-m", "console", "all"]


def console_environment(wiring: Wiring) -> dict[str, str]:
    """The console's variables: where the services are, and the sandbox's pictures."""
    variables = {
        "HOST": LOOPBACK,
        "PORT": str(wiring.ports[CONSOLE]),
        "PUBLIC_URL": wiring.url(CONSOLE),
        "CLOCK_URL": f"{wiring.url(SANDBOX)}/control/clock",
        "INSTANCE_ID": f"{CONSOLE}-0",
        "PICTURE_SOURCES": f"https: {wiring.url(SANDBOX)}",
        **{f"{service.prefix}_URL": wiring.url(service.name) for service in SERVICES},
    }
    chosen = {"CONSOLE_PORT": variables["PORT"]}  # where 0 was asked for
    return (
        exported_traces(wiring)
        | {f"CONSOLE_{name}": value for name, value in variables.items()}
        | os.environ
        | chosen
    )


def traces_command() -> list[str]:
    """What runs the store of traces."""
    return [sys.executable, "-m", "stack.traces"]


def traces_environment(wiring: Wiring) -> dict[str, str]:
    """Where the store listens, and its file."""
    return dict(os.environ) | {
        "TRACES_PORT": str(wiring.ports[TRACES]),
        "TRACES_FILE": str(wiring.state / "traces" / "spans.db"),
    }


def bootstrap_clients(secrets: Secrets) -> list[dict[str, object]]:
    """The API clients auth-service knows from the start: the services, and the operator's."""
    scopes = {service.name: service.scopes for service in SERVICES if service.scopes}
    return [
        {"client_id": name, "secret": secrets.of(name), "scopes": list(granted)}
        for name, granted in {**scopes, OPERATOR_CLIENT: ("operator",)}.items()
    ]


def migrate_environment(service: Service, wiring: Wiring) -> dict[str, str]:
    """The variables of a service's migrations: as a service's, and the owner's URL unless the
    caller has the service use another database."""
    variables = service_environment(service, wiring)
    if variables[f"{service.prefix}_DATABASE_URL"] == wiring.database_urls[service.name]:
        owner = wiring.owner_urls[service.name]
        variables = {f"{service.prefix}_MIGRATION_DATABASE_URL": owner} | variables
    return variables


def sandbox_command() -> list[str]:
    """What runs the sandbox."""
    return [sys.executable, "-m", "sandbox"]


def sandbox_environment(wiring: Wiring) -> dict[str, str]:
    """The sandbox's variables: the app it knows, and where a shop's owner is sent back to."""
    variables = {
        "HOST": LOOPBACK,
        "PORT": str(wiring.ports[SANDBOX]),
        "PUBLIC_URL": wiring.url(SANDBOX),
        "STATE_FILE": str(wiring.state / "sandbox" / "state.json"),
        "SMTP_PORT": str(wiring.ports[SMTP]),
        "APP_KEY": APP_KEY,
        "APP_SECRET": wiring.secrets.app_secret,
        "REDIRECT_URIS": f"{wiring.url(AUTH.name)}/v1/oauth/callback",
    }
    chosen = {"SANDBOX_PORT": variables["PORT"]}  # where 0 was asked for
    return {f"SANDBOX_{name}": value for name, value in variables.items()} | os.environ | chosen
