"""Apache Kafka's own jars, fetched once.

`pom.xml` names what we take, `SHA256SUMS` pins every jar of it.
"""

from pathlib import Path

from stack.maven_jars import fetched

KAFKA_VERSION = "4.3.1"
HERE = Path(__file__).parent
LOGGING = HERE / "log4j2.properties"


def jars() -> Path:
    """The folder of Kafka's jars, fetched when it is not there yet.

    Raises `ToolMissing` without Maven, `ReleaseBroken` when a file is not the one we pinned.
    """
    what = "Kafka (or set STACK_KAFKA_BOOTSTRAP to a Kafka that runs)"
    return fetched(f"kafka-{KAFKA_VERSION}", HERE, what=what)
