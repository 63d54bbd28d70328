"""Bring several services' databases up to date: `python -m stack.migrate MODULE...`.

Each is run as `python -m MODULE migrate` would run it, but in one process: importing what they
have in common once saves seconds.
"""

import runpy
import sys


def main() -> None:
    """Run the `migrate` role of every module named on the command line."""
    for module in sys.argv[1:]:
        sys.argv = [module, "migrate"]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
