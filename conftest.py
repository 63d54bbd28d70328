"""Every test may use the fixtures of the stack: real Postgres, real Kafka, the sandbox."""

pytest_plugins = ["stack.testing"]
