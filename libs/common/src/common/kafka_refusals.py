"""Kafka that refuses who we are: named as that, and not taken for an outage.

A client that is refused ends like one whose broker is away: aiokafka has one error for both. So one
that could not connect asks once more by a connection of its own, and raises what that meets. Needs
aiokafka alone, as `kafka_access` does.
"""

import ssl

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from common.kafka_access import KafkaAccess, TokenRefused

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


_NOT_ACCEPTED = (
    "Compare what the token says (issuer, audience, subject, end) with what the broker expects."
)


class IdentityRefused(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """The broker does not take us for whom we say we are, or we do not take it for the broker."""

    def __init__(self, cause: Exception, remedy: str) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}. {remedy}")
        self.remedy = remedy


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
        # RFC 7628 3.2.3: a refused token is answered by a challenge, which aiokafka takes for
        # success; what it then takes for the cluster is without brokers
        if access.sends_tokens and not client.cluster.brokers():
            raise IdentityRefused(TokenRefused("the broker does not accept it"), _NOT_ACCEPTED)

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
