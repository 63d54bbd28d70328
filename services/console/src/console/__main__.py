"""`python -m console all`: serve the pages. `api` is the same, as the services call that role."""

import argparse
import sys

import uvloop
from pydantic import ValidationError

from console.serve import serve
from console.settings import ConsoleSettings


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="console")
    parser.add_argument("role", choices=["all", "api"], nargs="?", default="all")
    parser.parse_args()
    try:
        settings = ConsoleSettings()
    except ValidationError as error:
        raise SystemExit(f"console cannot start with these settings: {error}") from None
    sys.exit(uvloop.run(serve(settings)))


if __name__ == "__main__":
    main()
