"""Every test may use the fixtures of the stack: real Postgres, real Kafka, the sandbox."""

import sandbox  # noqa: F401 - else pytest takes the folder of this name for the package

pytest_plugins = ["stack.testing"]
