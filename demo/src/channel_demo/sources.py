"""What is sold: the sample that ships with the repository, as events, or the user's own file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from channel_cli.commands.catalogues import take_file_fields
from channel_cli.commands.feed_files import load_configuration
from common.contracts.catalog import CatalogUpdated
from stack.settings import CHECKOUT

SAMPLE = CHECKOUT / "examples" / "sample"
SAMPLE_EVENTS = SAMPLE / "products.jsonl"
SAMPLE_SANDBOX = "http://127.0.0.1:8080"
"""Where the sample's feed looks for pictures; the sandbox may listen elsewhere."""


@dataclass(frozen=True)
class Sources:
    """A feed's configuration, and the products: events in arrival order, or a file, read by the
    columns in `file_fields`."""

    configuration: dict[str, Any]
    catalogue: str
    feed: str
    events: Sequence[CatalogUpdated] = ()
    file: Path | None = None
    file_fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """What the feed sells in."""
        return str(self.configuration.get("currency", "USD"))


def load_sample(sandbox_url: str) -> Sources:
    """The sample, children before parents and otherwise shuffled, the same way each time."""
    text = json.dumps(load_configuration(SAMPLE / "feed.yaml"))
    configuration = json.loads(text.replace(SAMPLE_SANDBOX, sandbox_url))
    return Sources(configuration, "sample", "sample", shuffled(read_events(SAMPLE_EVENTS)))


def load_own(file: Path, feed_file: Path) -> Sources:
    """The user's own catalogue and configuration."""
    configuration, file_fields = take_file_fields(load_configuration(feed_file))
    name = file.stem.lower().replace(" ", "-")
    return Sources(
        configuration,
        str(configuration.get("catalogue") or name),
        str(configuration.get("feed") or name),
        file=file,
        file_fields=file_fields,
    )


def read_events(file: Path) -> list[CatalogUpdated]:
    """A file of `catalog.updated` data, a line each."""
    return msgspec.json.Decoder(CatalogUpdated).decode_lines(file.read_bytes())


def shuffled(events: Sequence[CatalogUpdated]) -> list[CatalogUpdated]:
    """As a careless system sends them: children first, versions in no order."""
    mixed = Random(9).sample(events, k=len(events))  # noqa: S311 - the same each time on purpose
    return sorted(mixed, key=lambda event: event.parent_id is None)


def expected_outcomes() -> list[dict[str, Any]]:
    """What the channel must make of the sample's deliberate faults."""
    found: list[dict[str, Any]] = json.loads((SAMPLE / "expected.json").read_text())
    return found
