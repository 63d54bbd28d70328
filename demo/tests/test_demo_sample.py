"""The sample catalogue is what the documentation says of it."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from channel_demo.sources import (
    SAMPLE,
    SAMPLE_EVENTS,
    expected_outcomes,
    load_sample,
    read_events,
    shuffled,
)
from common.contracts.catalog import CatalogUpdated
from stack.settings import CHECKOUT


@pytest.fixture(name="events", scope="module")
def events_of_the_sample() -> list[CatalogUpdated]:
    return read_events(SAMPLE_EVENTS)


def test_the_committed_sample_is_what_its_generator_writes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.sample.generate", str(tmp_path)]
    subprocess.run(command, cwd=CHECKOUT, check=True)
    for name in ("products.jsonl", "expected.json"):
        assert (tmp_path / name).read_bytes() == (SAMPLE / name).read_bytes()


def test_it_is_as_large_and_varied_as_promised(events: list[CatalogUpdated]) -> None:
    newest = {event.product_id: event for event in events}
    assert len(newest) >= 200
    children = Counter(event.parent_id for event in newest.values() if event.parent_id)
    assert sum(count >= 3 for count in children.values()) >= 40
    sound = [event.fields for event in newest.values() if not event.product_id.startswith("ODD")]
    assert len({fields["category"] for fields in sound if "category" in fields}) == 8
    assert any(fields.get("sale_price") for fields in sound)
    assert all(fields["title_es"] for fields in sound if "title" in fields)
    rejected = [item for item in expected_outcomes() if item["outcome"] == "rejected"]
    assert len({item["fault"] for item in rejected}) >= 15


def test_children_come_before_parents_and_one_moves_family(events: list[CatalogUpdated]) -> None:
    order = shuffled(events)
    assert order == shuffled(events)
    assert sorted(map(repr, order)) == sorted(map(repr, events))
    first_parent = next(i for i, event in enumerate(order) if event.parent_id is None)
    assert all(event.parent_id is None for event in order[first_parent:])
    moved = [event for event in order if event.product_id == "BLS-02-3"]
    assert {event.parent_id for event in moved} == {"BLS-01", "BLS-02"}
    assert max(moved, key=lambda event: event.version or 0).parent_id == "BLS-02"


def test_its_pictures_are_looked_for_where_the_sandbox_is() -> None:
    configuration = json.dumps(load_sample("http://127.0.0.1:9999").configuration)
    assert "http://127.0.0.1:9999/pictures/" in configuration
    assert ":8080" not in configuration
