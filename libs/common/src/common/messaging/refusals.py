"""Kafka that refuses who we are, or what we may: named as that, and not taken for an outage.

A client that is refused ends like one whose broker is away: aiokafka has one error for both. So one
that could not connect asks once more by a connection of its own, and raises what that meets.
"""

import ssl

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from common.kafka_access import KafkaAccess, TokenRefused
from common.telemetry.names import KAFKA_REFUSED
from common.telemetry.setup import counter

log = structlog.get_logger()

_refused = counter(KAFKA_REFUSED)

_NOT_ALLOWED = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
_NOT_KNOWN: dict[type[Exception], str] = {
    SaslAuthenticationFailed: "Check KAFKA_USER and KAFKA_PASSWORD against the broker's users.",
    UnsupportedSaslMechanismError: "Set KAFKA_SASL_MECHANISM to one that the broker offers.",
    IllegalSaslStateError: "Set KAFKA_SECURITY_PROTOCOL to that of the broker's listener.",
    TokenRefused: "Check KAFKA_TOKEN_URL, KAFKA_CLIENT_ID and KAFKA_CLIENT_SECRET.",
    ssl.SSLError: (
        "Check that KAFKA_SECURITY_PROTOCOL is that of the broker's listener, and that"
        " KAFKA_CA_FILE holds the authority that signed its certificate for this host."
    ),
}


class IdentityRefused(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """The broker does not take us for whom we say we are, or we do not take it for the broker."""

    def __init__(self, cause: Exception, remedy: str) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}. {remedy}")
        self.remedy = remedy


def note_refusal(error: BaseException, client: str) -> bool:
    """Log and count the error if Kafka refused us; False for every other failure."""
    if isinstance(error, IdentityRefused):
        log.error("kafka.identity_refused", client=client, reason=str(error))
        _refused.add(1, {"kind": "identity"})
        return True
    if isinstance(error, _NOT_ALLOWED):
        log.error(
            "kafka.access_refused",
            client=client,
            reason=repr(error),
            remedy="Grant it by python -m common.messaging.acls.",
        )
        _refused.add(1, {"kind": "access"})
        return True
    return False


def name_refusals(client: AIOKafkaClient, access: KafkaAccess) -> None:
    """Let the client's start raise `IdentityRefused` where the broker answers and refuses."""
    if access.protocol == "PLAINTEXT":
        return
    bootstrap = client.bootstrap

    async def named() -> None:
        try:
            await bootstrap()
        except KafkaConnectionError:
            await _raise_refusal(client, access)
            raise

    client.bootstrap = named


async def _raise_refusal(client: AIOKafkaClient, access: KafkaAccess) -> None:
    options = access.client_options()
    del options["bootstrap_servers"]
    for host, port, _ in client.hosts:
        try:
            connection = await create_conn(host, port, request_timeout_ms=5_000, **options)
        except tuple(_NOT_KNOWN) as error:
            remedy = next(text for kind, text in _NOT_KNOWN.items() if isinstance(error, kind))
            raise IdentityRefused(error, remedy) from None
        except (OSError, TimeoutError, KafkaError):
            continue
        connection.close()
