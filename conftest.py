"""Every test may use the fixtures of the stack: real Postgres, real Kafka, the sandbox."""

import structlog

import sandbox  # noqa: F401 - else pytest takes the folder of this name for the package

pytest_plugins = ["stack.testing"]

# Plain lines: the default renderer takes seconds over a traceback, on the event loop.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(),
    ]
)
