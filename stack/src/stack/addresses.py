"""Where a running stack is found; nothing here needs the stack itself."""

import json
from dataclasses import dataclass
from pathlib import Path

from common.kafka_access import KafkaAccess
from stack.failures import StackFailure


@dataclass(frozen=True)
class Addresses:
    """Where a running stack is found, for other programs of the same person."""

    urls: dict[str, str]
    kafka_bootstrap: str
    topic_prefix: str
    operator_client_id: str
    operator_client_secret: str
    kafka_ca_file: str = ""
    """Of a secure Kafka, with the user that publishes catalogues; else empty."""
    kafka_user: str = ""
    kafka_password: str = ""

    @property
    def kafka(self) -> KafkaAccess:
        """How another system reaches Kafka."""
        if not self.kafka_user:
            return KafkaAccess(self.kafka_bootstrap)
        return KafkaAccess(
            self.kafka_bootstrap,
            "SASL_SSL",
            ca_file=Path(self.kafka_ca_file),
            user=self.kafka_user,
            password=self.kafka_password,
        )

    @classmethod
    def read(cls, state: Path) -> "Addresses":
        """Those of the stack that runs on this state folder; raises `StackFailure` if none does."""
        try:
            return cls(**json.loads((state / "addresses.json").read_text()))
        except FileNotFoundError:
            raise StackFailure("no stack runs here: type `make up`") from None
