"""What Kafka refuses us is logged and counted as that: our identity, or what we may do."""

import structlog
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)

from common.kafka_refusals import IdentityRefused
from common.telemetry.names import KAFKA_REFUSED
from common.telemetry.setup import counter

log = structlog.get_logger()

_refused = counter(KAFKA_REFUSED)

_NOT_ALLOWED = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)


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
