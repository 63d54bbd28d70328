"""Secrets of endpoints, and what they sign: the Standard Webhooks specification, `v1`."""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from standardwebhooks import Webhook

SECRET_BYTES = 32
PREFIX = "whsec_"


@dataclass(frozen=True)
class SecretOwner:
    """The row that a secret is sealed for."""

    endpoint_id: str
    secret_id: str

    def __str__(self) -> str:
        return f"webhook secret {self.secret_id}"

    def additional_data(self) -> bytes:
        """The same bytes for the same secret, and for no other."""
        return msgspec.json.encode(["webhook", self.endpoint_id, self.secret_id])


def new_secret() -> str:
    """A secret as the receiver is given it."""
    return PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def signed_headers(
    secrets: Sequence[str], event_id: str, at: datetime, body: str
) -> dict[str, str]:
    """The headers of a delivery: a signature by each secret, so that a receiver that has either
    finds its own."""
    signatures = [Webhook(secret).sign(event_id, at, body) for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
