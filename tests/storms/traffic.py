"""Seeded catalogue traffic: rising versions of products, doubled, reordered, poisoned."""

import random
from dataclasses import dataclass, field

from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import Headers, encode

MERCHANT = "storm"
CATALOGUE = "main"
FAMILY_SIZE = 4
DUPLICATE_SHARE = 0.05
DELETE_SHARE = 0.1
POISON_SHARE = 0.005
REORDERED_WITHIN = 60


@dataclass(frozen=True)
class Sent:
    """A record to publish; `event` is None for poison."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    event: CatalogUpdated | None


@dataclass
class Traffic:
    """What is sent, and what must be there when all is quiet."""

    records: list[Sent]
    newest: dict[str, CatalogUpdated] = field(default_factory=dict)
    poison: int = 0


def family_of(product: int) -> int:
    """The number of the product that is the parent of this one's family."""
    return product - product % FAMILY_SIZE


def product_event(product: int, version: int, chance: random.Random) -> CatalogUpdated:
    """A version of a product. The first of each family is its parent, and is never deleted."""
    parent = family_of(product)
    is_parent = product == parent
    is_delete = not is_parent and chance.random() < DELETE_SHARE
    return CatalogUpdated(
        merchant_id=MERCHANT,
        catalogue_id=CATALOGUE,
        product_id=f"P{product}",
        action="delete" if is_delete else "upsert",
        version=version,
        parent_id=None if is_parent else f"P{parent}",
        fields={}
        if is_delete
        else {
            "title": f"Notebook {parent} version {version}",
            "sku": "" if is_parent else f"SKU-{product}",
            "colour": ["Red", "Blue", "White"][product % FAMILY_SIZE - 1],
            "price": f"{version % 80 + 10}.50",
            "stock": version % 30 + 1,
        },
    )


def make_traffic(seed: int, events: int) -> Traffic:
    """`events` records in all, the same for the same seed."""
    chance = random.Random(seed)
    products = max(FAMILY_SIZE, events // 10 // FAMILY_SIZE * FAMILY_SIZE)
    versions = [0] * products
    traffic = Traffic([])
    while len(traffic.records) < events:
        if chance.random() < POISON_SHARE:
            traffic.records.append(_poison(traffic.poison, chance))
            traffic.poison += 1
            continue
        product = chance.randrange(products)
        versions[product] += 1
        event = product_event(product, versions[product], chance)
        traffic.newest[event.product_id] = event
        traffic.records.append(_sent(event))
        if chance.random() < DUPLICATE_SHARE:
            traffic.records.append(_sent(event))
    del traffic.records[events:]
    traffic.newest = {r.event.product_id: r.event for r in traffic.records if r.event}
    traffic.poison = sum(record.event is None for record in traffic.records)
    for start in range(0, events, REORDERED_WITHIN):
        window = traffic.records[start : start + REORDERED_WITHIN]
        chance.shuffle(window)
        traffic.records[start : start + REORDERED_WITHIN] = window
    return traffic


def _sent(event: CatalogUpdated) -> Sent:
    record = encode(event, source="/storm")
    return Sent(record.key, record.value, record.headers, event)


def _poison(number: int, chance: random.Random) -> Sent:
    key = f"{MERCHANT}/{CATALOGUE}/poison-{number}".encode()
    kind = [("ce_type", b"channel.catalog.updated.v1"), ("ce_source", b"/storm")]
    values = [b"{", b"[]", b'{"merchant_id":1}', b"\xff", b"null", b'"text"', b"", b"{}"]
    # The number makes each poison record its own: the ledger tells them apart.
    return Sent(key, chance.choice(values) + b" " * number, kind, None)
