"""Drafts of small catalogues, and what they would sell for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from catalog_service.describing.describe import DescribedRow, Description, describe
from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.matching import Row
from catalog_service.feeds.stored import compile_form
from catalog_service.files.readers.recognise import Options
from catalog_service.normalizing.offers import build_offers
from catalog_service.proposals.draft import OpenPoint, Setting
from catalog_service.proposals.propose import Proposal, propose
from catalog_service.proposals.read import read_file

SETTING = Setting(shop="main", catalogue="products", source="products.csv", shop_currency="EUR")


@dataclass(frozen=True)
class Drafted:
    """A proposal, its configuration in use, and the rows it was made from."""

    proposal: Proposal
    loaded: dict[str, Any]
    feed: CompiledFeed
    rows: list[Row]

    @property
    def text(self) -> str:
        """The configuration as it is shown, its long lines of comment joined."""
        return " ".join(self.proposal.configuration.replace("#", " ").split())

    def column(self, attribute: str) -> list[object]:
        """What the attribute is in each row."""
        match = self.feed.general.attributes.get(attribute)
        return [None if match is None else match.quantity(row) for row in self.rows]

    def open(self, field: str) -> list[OpenPoint]:
        """The open points of a field."""
        place = f"attributes.{field}"
        return [point for point in self.proposal.open_points if point.field == place]


def in_use(loaded: dict[str, Any]) -> CompiledFeed:
    of_feed = {k: v for k, v in loaded.items() if k not in {"id_field", "parent_field"}}
    return compile_form("m", "f", 0, FeedConfiguration.model_validate(of_feed))


def drafted(description: Description) -> Drafted:
    proposal = propose(description, SETTING)
    loaded = yaml.safe_load(proposal.configuration)
    rows = [
        Row(str(number), row.parent_id, row.fields) for number, row in enumerate(description.kept)
    ]
    return Drafted(proposal, loaded, in_use(loaded), rows)


def draft(tmp_path: Path, header: str, *rows: str, name: str = "products.csv") -> Drafted:
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return drafted(read_file(path, Options()).description)


def draft_rows(*rows: dict[str, Any]) -> Drafted:
    return drafted(describe([DescribedRow(row) for row in rows], "jsonl"))


AT = datetime(2026, 6, 1, tzinfo=UTC)
"""When the drafts are tried."""


def sold_for(found: Drafted, *, at: datetime = AT) -> list[str]:
    """The lowest price each row is sold for then; nothing where it has none."""
    codes = {row.product_id: row.product_id for row in found.rows}
    side = build_offers(found.feed, found.feed.general, found.rows, codes, at=at)
    lowest = {offer.sku_code: Decimal(offer.discount_price or offer.price) for offer in side.offers}
    prices = {code: f"{price.normalize():f}" for code, price in lowest.items()}
    return [prices.get(row.product_id, "") for row in found.rows]


def offered(found: Drafted) -> list[tuple[str, str | None]]:
    """Price and discounted price of each row that is sold."""
    codes = {row.product_id: row.product_id for row in found.rows}
    side = build_offers(found.feed, found.feed.general, found.rows, codes, at=AT)
    return [(offer.price, offer.discount_price) for offer in side.offers]


def with_offered(found: Drafted, mark: str) -> Drafted:
    """The draft with the commented discount that has the mark in use."""
    lines = [
        line.replace("# discount_price", "discount_price") if mark in line else line
        for line in found.proposal.configuration.splitlines()
    ]
    loaded = yaml.safe_load("\n".join(lines))
    return Drafted(found.proposal, loaded, in_use(loaded), found.rows)
