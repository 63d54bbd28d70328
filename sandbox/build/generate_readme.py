"""Write the tables of sandbox/README.md from the sandbox's own data.

`python sandbox/build/generate_readme.py` writes them; `--check` writes nothing and fails when they
are stale. What each method answers comes from `shapes/answers.txt`, what the sandbox does beside
from `shapes/behaviours.txt`, whose switches must exist and miss none.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec

from sandbox import shapes
from sandbox.settings import Settings
from sandbox.shapes.description import Answer, load
from sandbox.wire import Quirks

PAGE = Path(__file__).parents[1] / "README.md"
BEHAVIOURS = Path(shapes.__file__).with_name("behaviours.txt")
NO_UNCERTAINTY = frozenset(
    {
        "host", "port", "public_url", "seed", "state_file", "app_key", "app_secret",
        "redirect_uris", "max_body_bytes", "smtp_port",
        "more_sellers",
    }
)  # fmt: skip
"""Settings that say where it runs, not how AliExpress behaves."""


@dataclass(frozen=True)
class Behaviour:
    """One row: what it does, how sure that is, and what changes it."""

    text: str
    certainty: str
    switches: tuple[str, ...]

    @property
    def row(self) -> str:
        """The row of the table."""
        return f"| {self.text} | {self.certainty} | {', '.join(map(_shown, self.switches))} |"


def _shown(switch: str) -> str:
    kind, _, name = switch.partition(" ")
    if kind == "quirk":
        return f"quirk `{name}`"
    if kind == "control":
        request, _, more = name.partition(" with ")
        return f"`{request}`" + (f" with {more}" if more else "")
    return f"`{name or kind}`"


def read_behaviours(text: str) -> list[Behaviour]:
    """The rows of the data file. Raises ValueError for a line that is none."""
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 3 or not parts[0] or not parts[1]:
            raise ValueError(f"not a behaviour: {line}")
        switches = tuple(one.strip() for one in parts[2].split(";") if one.strip())
        found.append(Behaviour(parts[0], parts[1], switches))
    return found


def faults(behaviours: Iterable[Behaviour]) -> Iterator[str]:
    """Switches that are named but not there, and those that are there but not named."""
    switches = {switch for behaviour in behaviours for switch in behaviour.switches}
    named = {switch.lower() for switch in switches if re.fullmatch("[A-Z_]+", switch)}
    there = Settings.model_fields.keys() - NO_UNCERTAINTY
    quirks = {switch.partition(" ")[2] for switch in switches if switch.startswith("quirk ")}
    for what, listed, real in (
        ("setting", named, there),
        ("quirk", quirks, set(Quirks.__struct_fields__)),
    ):
        yield from (f"{what} {name} does not exist" for name in sorted(listed - real))
        yield from (f"{what} {name} has no behaviour" for name in sorted(real - listed))


def behaviour_table(behaviours: Iterable[Behaviour]) -> str:
    """The table of behaviours."""
    head = ["| behaviour | certainty | changed by |", "|---|---|---|"]
    return "\n".join([*head, *(behaviour.row for behaviour in behaviours)])


def answer_table(answers: Iterable[Answer]) -> str:
    """The table of methods: how sure their answers are, and which fields differ in that."""
    rows = ["| method | its answer is known from | known otherwise |", "|---|---|---|"]
    for method, variants in groupby(answers, lambda answer: answer.method):
        usual, *others = variants
        notes = [f"`{name}`: {certainty}" for name, certainty in _differing(usual)]
        notes += [f"{other.variant}: {other.certainty}" for other in others]
        rows.append(f"| `{method}` | {usual.certainty} | {'; '.join(notes)} |")
    return "\n".join(rows)


def _differing(answer: Answer) -> Iterator[tuple[str, str]]:
    """The outermost fields that are not as sure as their answer."""
    waiting = list(reversed(answer.fields))
    while waiting:
        field = waiting.pop()
        if field.certainty != answer.certainty:
            yield field.name, field.certainty
        else:
            waiting += reversed(field.fields)


def quirk_table() -> str:
    """The quirks, with what each is when nothing is switched."""
    rows = ["| quirk | usual value |", "|---|---|"]
    usual = msgspec.structs.asdict(Quirks())
    rows += [
        f"| `{name}` | `{msgspec.json.encode(value).decode()}` |" for name, value in usual.items()
    ]
    return "\n".join(rows)


def filled(page: str) -> str:
    """The page with its generated parts replaced. Raises ValueError for wrong switches."""
    behaviours = read_behaviours(BEHAVIOURS.read_text())
    if wrong := list(faults(behaviours)):
        raise ValueError("; ".join(wrong))
    parts = {
        "behaviours": behaviour_table(behaviours),
        "answers": answer_table(load().values()),
        "quirks": quirk_table(),
    }
    for name, table in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        head, _, rest = page.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            raise ValueError(f"the page has no place for {name}")
        page = f"{head}{begin}{table}\n{end}{tail}"
    return page


def main(arguments: list[str]) -> int:
    """Write the tables, or check them; returns the exit code."""
    parser = argparse.ArgumentParser(description="the tables of sandbox/README.md")
    parser.add_argument("--check", action="store_true", help="fail when they are stale")
    asked = parser.parse_args(arguments)
    page = PAGE.read_text()
    wanted = filled(page)
    if asked.check and page != wanted:
        sys.stdout.write("sandbox/README.md is stale: type `make docs`\n")
        return 1
    if not asked.check:
        PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
