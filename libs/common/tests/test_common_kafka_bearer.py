"""OAUTHBEARER on a real broker: a token of the token server is who we are, until it is refused."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import jwt
import pytest
from aiokafka.errors import TopicAuthorizationFailedError
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from common.kafka_access import KafkaAccess
from common.kafka_refusals import IdentityRefused
from common.messaging.clients import new_producer
from common.messaging.create_topics import create_topics
from stack.certificates import authority_file
from stack.kafka import EmbeddedKafka
from stack.kafka_identity import ADMINISTRATOR, CLIENTS, KafkaIdentity
from stack.ports import free_port
from stack.secrets import Secrets

from .test_common_kafka_access import TokenServer, token_server

__all__ = ["token_server"]


@dataclass(frozen=True)
class BearerIdentity(KafkaIdentity):
    """A secure Kafka that takes tokens, too, signed by the key in `jwks.json`."""

    @property
    def jwks(self) -> Path:
        return self.folder / "jwks.json"

    def properties(self) -> dict[str, str]:
        package = "org.apache.kafka.common.security.oauthbearer"
        own = f"listener.name.{CLIENTS.lower()}.oauthbearer"
        return super().properties() | {
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,OAUTHBEARER",
            f"{own}.sasl.jaas.config": f"{package}.OAuthBearerLoginModule required;",
            f"{own}.sasl.server.callback.handler.class": (
                f"{package}.OAuthBearerValidatorCallbackHandler"
            ),
            f"{own}.sasl.oauthbearer.jwks.endpoint.url": self.jwks.as_uri(),
            f"{own}.sasl.oauthbearer.expected.audience": "kafka",
        }


def token_of(key: RSAPrivateKey, subject: str) -> str:
    now = int(time.time())  # the broker's clock is the machine's
    claims = {"sub": subject, "aud": "kafka", "iat": now, "exp": now + 600, "scope": "kafka"}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"})


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[tuple[EmbeddedKafka, RSAPrivateKey]]:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    identity = BearerIdentity.of(tmp_path / "kafka" / "tls", Secrets())
    identity.make_certificates()
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    keys = {"keys": [public | {"kid": "k1", "alg": "RS256", "use": "sig"}]}
    identity.jwks.write_text(json.dumps(keys))
    allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={identity.jwks.as_uri()}"
    kafka = EmbeddedKafka(
        tmp_path / "kafka",
        tmp_path / "kafka.log",
        port=free_port(),
        identity=identity,
        jvm_flags=[allowed],
    )
    try:
        await kafka.start()
        await create_topics(identity.access(kafka.bootstrap, ADMINISTRATOR), partitions=1)
        await identity.grant(kafka.bootstrap, "")
        yield kafka, key
    finally:
        await kafka.stop()


async def test_a_token_says_who_we_are(
    broker: tuple[EmbeddedKafka, RSAPrivateKey], token_server: TokenServer, tmp_path: Path
) -> None:
    kafka, key = broker
    token_server.token = token_of(key, "auth-service")
    access = KafkaAccess(
        kafka.bootstrap,
        "SASL_SSL",
        ca_file=authority_file(tmp_path / "kafka" / "tls"),
        mechanism="OAUTHBEARER",
        token_url=token_server.url,
        client_id="auth-service",
        client_secret="secret",
        allows_unencrypted=True,
    )
    for _ in range(2):  # the second client has the token of the first
        async with new_producer(access) as producer:
            await producer.send_and_wait("shop.state", b"{}", b"k")
            with pytest.raises(TopicAuthorizationFailedError):
                await producer.send_and_wait("order.received", b"{}", b"k")
    assert len(token_server.asked) == 1
    forged = generate_private_key(public_exponent=65537, key_size=2048)
    token_server.token = token_of(forged, "auth-service")
    await refused(replace(access), "audience")
    token_server.status = 401
    await refused(replace(access), "KAFKA_CLIENT_SECRET")


async def refused(access: KafkaAccess, remedy: str) -> None:
    producer = new_producer(access)
    with pytest.raises(IdentityRefused, match=remedy):
        await producer.start()
    await producer.stop()
