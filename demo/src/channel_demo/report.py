"""What came of it, for people and machines, and what it must add up to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import RenderableType

from channel_cli.output import table_of

REJECTIONS_SHOWN = 40


class Rejected(msgspec.Struct, frozen=True):
    """One AliExpress product that is not online, by its first reason."""

    product: str
    sku: str | None
    rule: str
    message: str
    remedy: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome, in AliExpress products: a family counts once."""

    source_products: int
    families: int
    online: int
    rejected: list[Rejected]
    excluded: int
    offers_updated: int
    orders_at_marketplace: int
    orders_imported: int
    orders_shipped: int
    dead_letters: int
    seconds: float


def find_faults(report: Report, *, offers_changed: int | None) -> list[str]:
    """What does not add up; empty when all is well. `offers_changed` of None is not known."""
    settled = report.online + len(report.rejected) + report.excluded
    checks = {
        "nothing is online": report.online > 0,
        f"{report.families} products, but online + rejected + excluded = {settled}": (
            settled == report.families
        ),
        f"{report.orders_at_marketplace} orders at the marketplace,"
        f" {report.orders_imported} imported": (
            report.orders_at_marketplace == report.orders_imported
        ),
        "no order was shipped": report.orders_shipped > 0 or report.orders_at_marketplace == 0,
        f"{report.dead_letters} dead letters nobody asked for": report.dead_letters == 0,
        f"{offers_changed} offers changed, {report.offers_updated} sent": (
            offers_changed in {None, report.offers_updated}
        ),
    }
    unexplained = [
        f"{item.product} is not online without a reason"
        for item in report.rejected
        if not item.rule
    ]
    return [fault for fault, is_well in checks.items() if not is_well] + unexplained


def write_report(report: Report, path: Path) -> None:
    """The report as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")


def tables_of(report: Report) -> Sequence[RenderableType]:
    """The report for people: the counts, then why what was rejected was."""
    counts: dict[str, Any] = {
        "source products": report.source_products,
        "AliExpress products": report.families,
        "created and online": report.online,
        "rejected": len(report.rejected),
        "excluded": report.excluded,
        "offers updated": report.offers_updated,
        "orders at AliExpress": report.orders_at_marketplace,
        "orders imported": report.orders_imported,
        "orders shipped": report.orders_shipped,
        "dead letters": report.dead_letters,
        "seconds": f"{report.seconds:.0f}",
    }
    tables = [table_of(("what", "how many"), counts.items(), title="What came of it")]
    if report.rejected:
        shown = report.rejected[:REJECTIONS_SHOWN]
        title = f"Rejected ({len(shown)} of {len(report.rejected)} shown)"
        columns = ("product", "rule", "why", "what to do")
        rows = ((item.product, item.rule, item.message, item.remedy) for item in shown)
        tables.append(table_of(columns, rows, title=title))
    return tables
