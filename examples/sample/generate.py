"""Writes the sample catalogue: `python -m examples.sample.generate [FOLDER]`, from the root.

`products.jsonl` has one `catalog.updated` data object a line, `expected.json` says what the channel
must make of the spoilt ones. The same code writes the same bytes, so both files are committed.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from examples.sample.assortment import RANGES, Model, Range
from examples.sample.faults import FAMILY_OF_TWO, FAULTS, Fault, Row

FOLDER = Path(__file__).parent
MERCHANT = "lumo"
CATALOGUE = "sample"
PICTURES = "pictures"
"""The shop's system knows its pictures by path; feed.yaml says on which server they are."""
PICTURES_EACH = 5
FAMILIES_PER_RANGE = 6
MOVED_CHILD = "BLS-02-3"
MOVED_FROM = "BLS-01"


def main(folder: Path) -> None:
    """Write both files."""
    products = list(_products())
    faulty, expected = _faulty_products()
    lines = [_line(row) for row in (*products, *faulty)]
    (folder / "products.jsonl").write_text("".join(lines), encoding="utf-8")
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


def _line(row: Row) -> str:
    data = {"merchant_id": MERCHANT, "catalogue_id": CATALOGUE, "action": "upsert"} | row
    return json.dumps(data, ensure_ascii=False) + "\n"


def _products() -> Iterator[Row]:
    chance = Random(2026)
    for kind in RANGES:
        for number, model in enumerate(kind.models, start=1):
            code = f"{kind.code}-{number:02}"
            cents = kind.price_cents + 100 * chance.randrange(20)
            if number <= FAMILIES_PER_RANGE:
                yield from _family(kind, model, code, cents, chance)
            else:
                yield _simple(kind, model, code, cents, chance)


def _family(kind: Range, model: Model, code: str, cents: int, chance: Random) -> Iterator[Row]:
    yield {"product_id": code, "version": 1, "fields": _content(kind, model, code)}
    for number, variation in enumerate(_variations(kind), start=1):
        child: Row = {
            "product_id": f"{code}-{number}",
            "version": 1,
            "parent_id": code,
            "fields": variation | _offer(f"{code}-{number}", cents, chance),
        }
        if child["product_id"] == MOVED_CHILD:
            yield child | {"parent_id": MOVED_FROM}
            child["version"] = 2
        yield child


def _simple(kind: Range, model: Model, code: str, cents: int, chance: Random) -> Row:
    fields = _content(kind, model, code) | _variations(kind)[0] | _offer(code, cents, chance)
    return {"product_id": code, "version": 1, "fields": fields}


def _variations(kind: Range) -> list[dict[str, str]]:
    sizes: list[dict[str, str]] = [{"size": size} for size in kind.sizes] or [{}]
    every = [{"color": colour} | size for colour in kind.colours for size in sizes]
    return every[:4]


def _content(kind: Range, model: Model, code: str) -> dict[str, Any]:
    """The fields a parent, or a simple product, has for its listing."""
    return {
        "title": f"Lumo {model.title}",
        "title_es": f"{model.title_es} Lumo",
        "description": (
            f"<p>{model.title}, made of {model.material.lower()} to last, and easy to care for.</p>"
            f"<p>Weight {kind.weight_grams} g. Two years of warranty; returns within 30 days.</p>"
        ),
        "description_es": (
            f"<p>{model.title_es}.</p><p>Peso {kind.weight_grams} g."
            " Dos años de garantía; devoluciones en 30 días.</p>"
        ),
        "category": kind.category,
        "brand": "Lumo",
        "material": model.material,
        "images": [
            f"{PICTURES}/{code.lower()}-{number}.jpg" for number in range(1, PICTURES_EACH + 1)
        ],
        "weight_kg": f"{kind.weight_grams / 1000:.2f}",
        "status": "active",
    } | dict(kind.fields)


def _offer(sku: str, cents: int, chance: Random) -> dict[str, Any]:
    """The fields that sell: a third is on sale, a price for Spain a little higher."""
    is_on_sale = chance.randrange(3) == 0
    return {
        "sku": sku,
        "price": _money(cents),
        "sale_price": _money(cents * 4 // 5) if is_on_sale else "",
        "price_es": _money(cents + 150),
        "stock": 5 + chance.randrange(60),
    }


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _faulty_products() -> tuple[list[Row], list[dict[str, Any]]]:
    chance = Random(7)
    rows: list[Row] = []
    expected: list[dict[str, Any]] = []
    for number, fault in enumerate(FAULTS, start=1):
        code = f"ODD-{number:02}"
        spoilt = fault.spoil(_sound_rows(fault, code, chance))
        rows += spoilt
        expected.append(
            {
                "family": code,
                "fault": fault.name,
                "outcome": fault.outcome,
                "rule": fault.rule,
                "field": fault.field,
                "products": [row["product_id"] for row in spoilt],
            }
        )
    return rows, expected


def _sound_rows(fault: Fault, code: str, chance: Random) -> list[Row]:
    kind = next(each for each in RANGES if each.code == fault.range_code)
    model = kind.models[-1]
    cents = kind.price_cents + 100 * chance.randrange(20)
    if not fault.is_family:
        return [_simple(kind, model, code, cents, chance)]
    return list(_family(kind, model, code, cents, chance))[:FAMILY_OF_TWO]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
