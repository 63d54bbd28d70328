"""The health check of an image: whether its process is live, asked where probes are served."""

import os
import sys
from urllib.request import urlopen

ANSWERED_WITHIN = 2


def main() -> int:
    """Exit code 0 when it is live."""
    prefix = os.environ["SETTINGS_PREFIX"]
    port = os.environ.get(f"{prefix}_OPERATIONS_PORT") or os.environ[f"{prefix}_PORT"]
    try:
        with urlopen(
            f"http://127.0.0.1:{port}{os.environ['HEALTH_PATH']}", timeout=ANSWERED_WITHIN
        ):
            return 0
    except OSError as error:
        print(error)  # noqa: T201 - the engine keeps it, `docker inspect` shows it
        return 1


if __name__ == "__main__":
    sys.exit(main())
