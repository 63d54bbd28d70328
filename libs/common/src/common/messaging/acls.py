"""Who may do what on Kafka, by the owners in `contracts/topics.py`.

`python -m common.messaging.acls --producer erp` prints it as commands of `kafka-acls.sh`;
`--as strimzi` as KafkaUser manifests, `--as table` for people; `--apply BOOTSTRAP` grants it, as
the administrator that the variables of `common.settings.KafkaSettings` name.

A service writes the topics it owns and the dead-letter twins of those it reads, and has the
consumer groups that begin with its name; another system publishes `catalog.updated` and reads
nothing, or reads what is for other systems. All else is refused by a broker with an authorizer,
which refuses what nobody granted. Kafka 3 and later let whoever writes a topic write it
idempotently.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any

from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest

from common.contracts.catalog import CatalogUpdated
from common.contracts.topics import OTHERS, TOPICS
from common.kafka_access import KafkaAccess
from common.messaging.clients import new_admin
from common.settings import KafkaSettings

ANSWERED_WITHIN = timedelta(seconds=20)
SERVICES = tuple(sorted({name for topic in TOPICS for name in topic.producers} - {OTHERS}))


class Resource(IntEnum):
    """What is granted, by Kafka's numbers."""

    TOPIC = 2
    GROUP = 3
    TRANSACTIONAL_ID = 5


class Operation(IntEnum):
    """What may be done with it, by Kafka's numbers; both let it be described too."""

    READ = 3
    WRITE = 4


@dataclass(frozen=True)
class Grant:
    """One line of Kafka's access control list; `is_prefix` grants all names that begin so."""

    user: str
    operation: Operation
    resource: Resource
    name: str
    is_prefix: bool = False


def grants_of_service(service: str, prefix: str = "") -> Iterator[Grant]:
    """What a service needs, and no more."""
    for topic in TOPICS:
        if service in topic.producers:
            yield Grant(service, Operation.WRITE, Resource.TOPIC, prefix + topic.name)
        if service in topic.consumers:
            yield Grant(service, Operation.READ, Resource.TOPIC, prefix + topic.name)
            twin = prefix + topic.dead_letter_name
            yield Grant(service, Operation.WRITE, Resource.TOPIC, twin)
    yield Grant(service, Operation.READ, Resource.GROUP, f"{prefix}{service}.", is_prefix=True)
    relay = f"{prefix}{service}.relay"  # what fences off the producer of a relay that lost the lock
    yield Grant(service, Operation.WRITE, Resource.TRANSACTIONAL_ID, relay)


def grants_of_producer(user: str, prefix: str = "") -> Iterator[Grant]:
    """What another system needs that publishes catalogues."""
    yield Grant(user, Operation.WRITE, Resource.TOPIC, prefix + CatalogUpdated.topic)


def grants_of_reader(user: str, prefix: str = "") -> Iterator[Grant]:
    """What another system needs that follows orders and reports: those of ALL merchants."""
    for topic in TOPICS:
        if OTHERS in topic.consumers:
            yield Grant(user, Operation.READ, Resource.TOPIC, prefix + topic.name)
    yield Grant(user, Operation.READ, Resource.GROUP, f"{prefix}{user}.", is_prefix=True)


def all_grants(
    prefix: str = "", *, producers: Iterable[str] = (), readers: Iterable[str] = ()
) -> list[Grant]:
    """The whole list: of every service, and of these other systems."""
    return [
        *(grant for service in SERVICES for grant in grants_of_service(service, prefix)),
        *(grant for user in producers for grant in grants_of_producer(user, prefix)),
        *(grant for user in readers for grant in grants_of_reader(user, prefix)),
    ]


async def apply_grants(kafka: KafkaAccess | str, grants: Sequence[Grant]) -> None:
    """Grant these; what is granted already stays. Raises aiokafka's errors for what is refused."""
    admin = new_admin(kafka, answered_within=ANSWERED_WITHIN)
    await admin.start()
    try:
        # aiokafka has the request, but no method of its administrator for it
        send = admin._send_request  # noqa: SLF001 - see above
        answers = await asyncio.gather(*(send(_creation(grant)) for grant in grants))
    finally:
        await admin.close()
    for answer, grant in zip(answers, grants, strict=True):
        for code, message in answer.creation_responses:
            if code:
                raise for_code(code)(f"{message}: {grant}")


def _creation(grant: Grant) -> CreateAclsRequest:
    literal, prefixed, allow = 3, 4, 3
    return CreateAclsRequest(
        grant.resource,
        grant.name,
        prefixed if grant.is_prefix else literal,
        f"User:{grant.user}",
        "*",
        grant.operation,
        allow,
    )


def as_commands(grants: Iterable[Grant]) -> Iterator[str]:
    """The grants as an operator types them, `$BOOTSTRAP` and `$ADMIN` set."""
    for grant in grants:
        pattern = " --resource-pattern-type prefixed" if grant.is_prefix else ""
        yield (
            "kafka-acls.sh --bootstrap-server $BOOTSTRAP --command-config $ADMIN --add"
            f" --allow-principal User:{grant.user} --operation {grant.operation.name.title()}"
            f" --{grant.resource.name.lower().replace('_', '-')} {grant.name}{pattern}"
        )


def as_strimzi(grants: Iterable[Grant]) -> Iterator[str]:
    """The grants as manifests of Strimzi's KafkaUser, one document a user."""
    by_user: dict[str, list[dict[str, Any]]] = {}
    for grant in grants:
        resource = {
            "type": _camel_case(grant.resource.name),
            "name": grant.name,
            "patternType": "prefix" if grant.is_prefix else "literal",
        }
        rule = {"resource": resource, "operations": [grant.operation.name.title(), "Describe"]}
        by_user.setdefault(grant.user, []).append(rule)
    for user, rules in by_user.items():
        yield "---"
        yield json.dumps(
            {
                "apiVersion": "kafka.strimzi.io/v1",
                "kind": "KafkaUser",
                "metadata": {"name": user, "labels": {"strimzi.io/cluster": "channel"}},
                "spec": {
                    "authentication": {"type": "scram-sha-512"},
                    "authorization": {"type": "simple", "acls": rules},
                },
            }
        )


def _camel_case(name: str) -> str:
    first, *others = name.lower().split("_")
    return first + "".join(word.title() for word in others)


def as_table(grants: Iterable[Grant]) -> Iterator[str]:
    """The grants for people."""
    for grant in grants:
        name = grant.name + ("*" if grant.is_prefix else "")
        yield f"{grant.user:18} {grant.operation.name:6} {grant.resource.name:16} {name}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Who may do what on Kafka.")
    parser.add_argument("--prefix", default="", help="what the installation's topics begin with")
    parser.add_argument("--producer", action="append", default=[], help="publishes catalogues")
    parser.add_argument("--reader", action="append", default=[], help="reads all merchants' facts")
    forms = {"commands": as_commands, "strimzi": as_strimzi, "table": as_table}
    parser.add_argument("--as", dest="form", choices=forms, default="commands")
    parser.add_argument("--apply", metavar="BOOTSTRAP", help="grant it instead of printing it")
    chosen = parser.parse_args()
    grants = all_grants(chosen.prefix, producers=chosen.producer, readers=chosen.reader)
    if chosen.apply:
        kafka = KafkaSettings(kafka_bootstrap=chosen.apply).kafka
        asyncio.run(apply_grants(kafka, grants))
    else:
        sys.stdout.writelines(f"{line}\n" for line in forms[chosen.form](grants))


if __name__ == "__main__":
    main()
