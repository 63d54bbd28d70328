"""Who there is on a secure local Kafka: users with passwords (SCRAM), and the broker itself.

The broker comes to itself by its certificate, and grants nothing that nobody granted.
"""

import os
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Self

from common.kafka_access import KafkaAccess
from common.messaging.acls import SERVICES, all_grants, apply_grants
from stack.certificates import BROKER, authority_file, broker_file, make_certificates
from stack.secrets import Secrets

ADMINISTRATOR = "channel-admin"
PRODUCER = "channel-producer"
"""Another system, that publishes catalogues."""
USERS = (ADMINISTRATOR, PRODUCER, *SERVICES)

CLIENTS, BROKERS, CONTROLLERS = "CLIENTS", "BROKERS", "CONTROLLER"
"""The listeners: for users, and for the broker and its controller among themselves."""
SCRAM_ROUNDS = 4096


@dataclass(frozen=True)
class KafkaIdentity:
    """The users of a secure Kafka, and the folder of its certificates."""

    folder: Path
    passwords: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, folder: Path, secrets: Secrets) -> Self:
        """The users with their kept passwords."""
        return cls(folder, {user: secrets.of(f"kafka:{user}") for user in USERS})

    def make_certificates(self) -> None:
        """Make the certificates that are not there yet."""
        make_certificates(self.folder)

    def access(self, bootstrap: str, user: str) -> KafkaAccess:
        """How this user reaches the broker."""
        return KafkaAccess(
            bootstrap,
            "SASL_SSL",
            ca_file=authority_file(self.folder),
            user=user,
            password=self.passwords[user],
        )

    def tls(self) -> ssl.SSLContext:
        """What a client verifies the broker by."""
        return ssl.create_default_context(cafile=authority_file(self.folder))

    async def grant(self, bootstrap: str, topic_prefix: str) -> None:
        """Grant each user what it needs on the topics of this prefix, and no more."""
        grants = all_grants(topic_prefix, producers=[PRODUCER])
        await apply_grants(self.access(bootstrap, ADMINISTRATOR), grants)

    def properties(self) -> dict[str, str]:
        """What the broker is configured with, beside its listeners' addresses."""
        module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        inner = {
            f"listener.name.{listener.lower()}.ssl.client.auth": "required"
            for listener in (BROKERS, CONTROLLERS)
        }
        return inner | {
            "listener.security.protocol.map": (
                f"{CLIENTS}:SASL_SSL,{BROKERS}:SSL,{CONTROLLERS}:SSL"
            ),
            "inter.broker.listener.name": BROKERS,
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            f"listener.name.{CLIENTS.lower()}.scram-sha-512.sasl.jaas.config": module,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(broker_file(self.folder)),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority_file(self.folder)),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:CN={BROKER};User:{ADMINISTRATOR}",
        }

    def format_arguments(self) -> list[str]:
        """What the storage is formatted with: the users, by salted passwords."""
        arguments = []
        for user, password in self.passwords.items():
            salt = os.urandom(16)
            salted = pbkdf2_hmac("sha512", password.encode(), salt, SCRAM_ROUNDS)
            record = (
                f"name={user},iterations={SCRAM_ROUNDS}"
                f',salt="{b64encode(salt).decode()}",saltedpassword="{b64encode(salted).decode()}"'
            )
            arguments += ["--add-scram", f"SCRAM-SHA-512=[{record}]"]
        return arguments
