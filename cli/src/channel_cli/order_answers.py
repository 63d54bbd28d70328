"""What order-importer answers, as far as the command line shows it or decides by it."""

from datetime import datetime

from channel_cli.answers import Answer


class OrderImport(Answer, frozen=True, kw_only=True):
    """One fetching of a shop's orders."""

    import_id: int
    state: str
    orders_seen: int = 0
    orders_received: int = 0
    orders_updated: int = 0
    problem: str | None = None


class OrderAuditAsked(Answer, frozen=True, kw_only=True):
    """The audit that will be made."""

    audit_id: int


class OrderAudit(Answer, frozen=True, kw_only=True):
    """All orders of a time compared with AliExpress's list; no differences: one to one."""

    audit_id: int
    state: str
    compared: int | None = None
    pending: int | None = None
    differences: int | None = None
    problem: str | None = None


class OrderDifference(Answer, frozen=True, kw_only=True):
    """What is not the same of an order here and at AliExpress."""

    order_id: str
    kind: str
    ours: str | None = None
    theirs: str | None = None
    remedy: str | None = None


class Audited(Answer, frozen=True, kw_only=True):
    """An audit and all it found."""

    audit: OrderAudit
    found: list[OrderDifference]


class OrderImportAsked(Answer, frozen=True, kw_only=True):
    """The fetching that will run."""

    import_id: int


class Money(Answer, frozen=True, kw_only=True):
    """An exact amount."""

    amount: str
    currency: str


class Order(Answer, frozen=True, kw_only=True):
    """An order as the channel has it, in short."""

    order_id: str
    shop_id: str
    status: str
    marketplace_status: str
    placed_at: datetime
    total: Money
    ship_before: datetime | None = None
    due_at: datetime | None = None


class OrderChange(Answer, frozen=True, kw_only=True):
    """A change of an order, and the order as it is now."""

    kind: str
    revision: int
    changed_at: datetime
    order: Order


class OrderChanges(Answer, frozen=True, kw_only=True):
    """A part of the changes feed, and where it goes on."""

    items: list[OrderChange]
    next_cursor: str
    has_more: bool


class Shipment(Answer, frozen=True, kw_only=True):
    """A parcel of an order; a refused one says why."""

    shipment_id: str
    order_id: str = ""
    state: str
    carrier: str
    tracking_number: str
    explanation: str | None = None
    remedy: str | None = None


class Correction(Answer, frozen=True, kw_only=True):
    """Another tracking number for a parcel; a refused one says why."""

    correction_id: str
    shipment_id: str
    state: str
    former_number: str
    carrier: str
    tracking_number: str
    explanation: str | None = None
    remedy: str | None = None


class Corrections(Answer, frozen=True, kw_only=True):
    """The corrections of a parcel."""

    items: list[Correction]


class RowProblem(Answer, frozen=True, kw_only=True):
    """Why a row of a file was refused."""

    title: str
    remedy: str
    field: str | None = None
    rule: str | None = None


class ShippedRow(Answer, frozen=True, kw_only=True):
    """What became of a row: `accepted`, `already_there` or `refused`."""

    line: int
    outcome: str
    order_id: str | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    shipment_id: str | None = None
    state: str | None = None
    problem: RowProblem | None = None


class ShippedFile(Answer, frozen=True, kw_only=True):
    """What became of a file of parcels, row by row."""

    dry_run: bool
    accepted: int
    already_there: int
    refused: int
    items: list[ShippedRow]


class Erasure(Answer, frozen=True, kw_only=True):
    """When the buyer's data of an order were erased, and until when Kafka may hold copies."""

    order_id: str
    erased_at: datetime
    kafka_until: datetime
