"""What the demo makes of a user's own documents."""

from pathlib import Path

import pytest

from channel_demo.sources import load_own


@pytest.mark.parametrize(
    ("lines", "file_fields"),
    [
        ("", {}),
        ("id_field: code\nparent_field: of\n", {"id_field": "code", "parent_field": "of"}),
        ("parent_field: 2026\n", {"parent_field": "2026"}),
        ("id_field:\n", {"id_field": ""}),
    ],
    ids=["none", "both", "a number", "forgotten"],
)
def test_a_feed_document_names_the_columns_of_its_catalogues_files(
    tmp_path: Path, lines: str, file_fields: dict[str, str]
) -> None:
    document = tmp_path / "feed.yaml"
    document.write_text(f"shop: main\ncatalogue: mine\n{lines}")
    sources = load_own(tmp_path / "products.csv", document)
    assert sources.file_fields == file_fields
    assert sources.configuration == {"shop": "main", "catalogue": "mine"}
