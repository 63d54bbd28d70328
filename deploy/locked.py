"""The part of requirements.txt that one image needs, as its bill of materials says:
`python locked.py requirements.txt sbom/auth-service.cdx.json`. Runs in the image's build, on the
standard library alone.
"""

import json
import re
import sys
from collections.abc import Collection
from pathlib import Path

HEAD = re.compile(r"^([A-Za-z0-9._-]+)==")


def locked(requirements: str, names: Collection[str]) -> str:
    """The entries of these packages, hashes included."""
    kept = []
    is_wanted = False
    for line in requirements.splitlines(keepends=True):
        if head := HEAD.match(line):
            is_wanted = head[1].lower() in names
        if is_wanted:
            kept.append(line)
    return "".join(kept)


def main() -> None:
    """The command line."""
    requirements, bill = (Path(argument).read_text() for argument in sys.argv[1:])
    names = {component["name"] for component in json.loads(bill)["components"]}
    sys.stdout.write(locked(requirements, names))


if __name__ == "__main__":
    main()
