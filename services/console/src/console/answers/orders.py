"""Answers of order-importer."""

from datetime import datetime

from console.answers import Answer


class Money(Answer):
    """An amount, a decimal text, and its currency."""

    amount: str
    currency: str


class Variant(Answer):
    """An attribute that tells a SKU from its sisters."""

    name: str
    value: str | None
    custom_value: str | None


class Line(Answer):
    """A line of an order."""

    line_id: str
    sku_code: str
    title: str
    quantity: int
    unit_price: Money
    total: Money
    variant: list[Variant]
    image_url: str | None


class Address(Answer):
    """Where an order goes to."""

    contact_name: str | None
    country: str | None
    province: str | None
    city: str | None
    postal_code: str | None
    street: str | None
    street_2: str | None
    phone: str | None
    is_masked: bool
    is_outdated: bool


class Parcel(Answer):
    """A parcel of an order, ours or the seller centre's; with `more_follow` further parcels of its
    lines are to come."""

    shipment_id: str
    carrier: str
    tracking_number: str
    line_ids: list[str]
    state: str
    shipped_at: datetime | None
    origin: str
    gone_at: datetime | None
    more_follow: bool
    former_numbers: list[str]


class Order(Answer):
    """An order as AliExpress last told it."""

    order_id: str
    shop_id: str
    status: str
    marketplace_status: str
    placed_at: datetime
    modified_at: datetime
    paid_at: datetime | None
    due_at: datetime | None
    lines: list[Line]
    total: Money
    shipping_cost: Money | None
    discount: Money | None
    fee: Money | None
    shipping_choice: str | None
    address: Address | None
    buyer: str | None
    memo: str | None
    end_reason: str | None
    issue_status: str | None
    frozen_status: str | None
    erased_at: datetime | None
    parcels: list[Parcel]


class Shipment(Answer):
    """A request to ship, and what became of it; `is_further`: of lines that were in a parcel."""

    shipment_id: str
    order_id: str
    state: str
    carrier: str
    tracking_number: str
    requested_at: datetime
    settled_at: datetime | None
    problem_message: str | None
    explanation: str | None
    remedy: str | None
    is_further: bool


class Shipments(Answer):
    """All requests to ship an order."""

    items: list[Shipment]


class Correction(Answer):
    """A correction of a parcel's number, and what became of it."""

    correction_id: str
    state: str
    former_number: str
    carrier: str
    tracking_number: str
    requested_at: datetime
    explanation: str | None
    remedy: str | None


class Corrections(Answer):
    """All corrections of a parcel."""

    items: list[Correction]


class Carrier(Answer):
    """A carrier that AliExpress takes for the shop."""

    service_name: str
    display_name: str | None
    tracking_pattern: str | None


class Carriers(Answer):
    """The shop's carriers."""

    items: list[Carrier]


class RowProblem(Answer):
    """Why a row of a file was refused."""

    title: str
    field: str | None
    rule: str
    remedy: str


class ShippedRow(Answer):
    """What became of a row of a file."""

    line: int
    outcome: str
    order_id: str | None
    tracking_number: str | None
    problem: RowProblem | None = None


class ShippedFile(Answer):
    """What became of a file of parcels."""

    dry_run: bool
    accepted: int
    already_there: int
    refused: int
    items: list[ShippedRow]


class Preparation(Answer):
    """In how many days an order is shipped; `is_default` where the shop says nothing else."""

    days: int
    is_default: bool


class OrderImport(Answer):
    """A fetch of a shop's orders."""

    import_id: int
    cause: str
    state: str
    requested_at: datetime
    orders_seen: int
    orders_received: int
    orders_updated: int
    orders_unreadable: int
    ended_at: datetime | None
    problem: str | None
    explanation: str | None
    remedy: str | None


class OrderImports(Answer):
    """How a shop's orders are fetched."""

    covered_until: datetime | None
    next_due_at: datetime | None
    is_paused: bool
    pause_reason: str | None
    items: list[OrderImport]


class Asked(Answer):
    """A fetch was asked for."""

    import_id: int
