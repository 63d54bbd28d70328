"""What happens to orders: placed, moved by the clock or by hand, shipped.

Every effect is written into the ledger here, at the moment it is due.
"""

import heapq
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from sandbox.catalogue import Catalogue
from sandbox.context import Context
from sandbox.errors import Refusal
from sandbox.orders import lifecycle
from sandbox.orders.buyers import draw_buyer
from sandbox.orders.order import Discount, Line, Order, Parcel, Passport, Pickup, Settlement
from sandbox.orders.repository import OrderRepository
from sandbox.products.shops import ON_SALE, Product, Shops, Sku
from sandbox.sellers import SELLERS, Carrier
from sandbox.wire import json_text

SHIPPED_ALREADY = "该交易订单已填写发货通知，无需重复操作。"
NOT_SHIPPABLE = "该交易订单缺少履约信息，请联系客服处理。"
BAD_TRACKING = "该货运跟踪号未通过物流风控审核，请更换货运跟踪号后重试。"
INTERNAL = "系统异常，请稍候重试"
NOT_YOURS = "您填写的交易订单号有误或不属于当前账号，请修改后重试。"
SHIPPING_CODE = "-999"

Wanted = tuple[Product, Sku, int]


class NothingToOrder(Exception):
    """No live offer with stock answers the request."""


class NotPossible(Exception):
    """The order is not in a state for this."""


class OrderService:
    """The verbs on orders; time is the sandbox's clock."""

    def __init__(
        self, context: Context, repository: OrderRepository, shops: Shops, catalogue: Catalogue
    ) -> None:
        self.repository = repository
        self._shops = shops
        self._catalogue = catalogue
        self._settings = context.settings
        self._ledger = context.ledger
        self._now = context.now
        self._next_id = context.next_id
        self._due = [(order.due_at, order.id) for order in repository.all() if order.due_at]
        heapq.heapify(self._due)

    def place(
        self,
        seller_id: str,
        seed: int,
        count: int,
        *,
        lines: Sequence[tuple[str, int]] = (),
        target: str | None = None,
        journey: str = "plain",
        first: int = 1,
        at: datetime | None = None,
    ) -> list[Order]:
        """Let buyers order: `lines` as (SKU code, quantity), else what the seed draws.

        Their numbers go from `first`; they are placed now, or `at` a moment gone by. Raises
        `NothingToOrder`.
        """
        now = at or self._now()
        codes = [] if lines else sorted(self._shops.of(seller_id).by_sku)
        orders = []
        for index in range(first, first + count):
            draw = Random(f"{seed}:{index}")  # noqa: S311 - reproducible, not secret
            wanted = self._named(seller_id, lines) if lines else self._drawn(seller_id, codes, draw)
            chosen = draw.choice(lifecycle.JOURNEYS) if journey == "mixed" else journey
            order = self._open(
                seller_id, f"S{seed}-{index:05d}", draw, wanted=wanted, journey=chosen, now=now
            )
            orders.append(order)
            for status in lifecycle.path_to(target) if target else ():
                self._enter(order, status, now)
        return orders

    def move(self, order: Order, status: str, end_reason: str = "") -> None:
        """Put an order into a state by hand."""
        self._enter(order, status, self._now(), end_reason)

    def advance(self) -> None:
        """Let everything happen that is due by now, each at its own moment."""
        now = self._now()
        while self._due and self._due[0][0] <= now:
            moment, identity = heapq.heappop(self._due)
            order = self.repository.get(identity)
            if order is None or order.due_at != moment:
                continue
            step = self._next_step(order)
            if step is not None:
                if step.ends_journey:
                    order.journey = "plain"
                self._enter(order, step.status, moment, step.end_reason)

    def cancel_lines(self, order: Order, lines: Sequence[Line], reason: str) -> None:
        """Take lines out of an order as a buyer does; what was paid for them goes back.

        The order ends with its last line. Raises `NotPossible`.
        """
        _require_open(order)
        if any(line.is_cancelled for line in lines):
            raise NotPossible("a line was cancelled before")
        now = self._now()
        if order.is_stock_taken and not order.parcels:
            self._return_stock(order.seller_id, lines)
        for line in lines:
            line.status = lifecycle.FINISHED
            if order.paid_at is not None:
                _give_back(line, line.price_paid - Decimal(line.refunded), reason, now)
            self._record("order.line.cancel", order, sku_code=line.sku_code, reason=reason)
        if all(line.is_cancelled for line in order.lines):
            self._enter(order, lifecycle.FINISHED, now, reason)
        else:
            self.repository.of(order.seller_id).touch(order, now)

    def refund(self, order: Order, line: Line, amount: Decimal, reason: str) -> None:
        """Give a part of a line's price back. Raises `NotPossible`."""
        left = line.price_paid - Decimal(line.refunded)
        if order.paid_at is None or order.is_refunded or not 0 < amount <= left:
            raise NotPossible(f"of this line {left} can be refunded, once it is paid")
        now = self._now()
        _give_back(line, amount, reason, now)
        self.repository.of(order.seller_id).touch(order, now)
        self._record("order.refund", order, sku_code=line.sku_code, amount=f"{amount:.2f}")

    def change_address(self, order: Order, changes: dict[str, str]) -> None:
        """Give an order another address, as its buyer may. Raises `NotPossible`."""
        _require_open(order)
        order.buyer = msgspec.structs.replace(order.buyer, **changes)
        self.repository.of(order.seller_id).touch(order, self._now())
        self._record("order.address", order, fields=sorted(changes))

    def discount(self, order: Order, line: Line, discount: Discount) -> None:
        """Take a promotion's amount off a line before it is paid. Raises `NotPossible`."""
        if order.paid_at is not None or not 0 < Decimal(discount.amount) <= line.price_paid:
            raise NotPossible(f"up to {line.price_paid} can be taken off, before it is paid")
        line.discounts = [*line.discounts, discount]
        self.repository.of(order.seller_id).touch(order, self._now())
        self._record(
            "order.discount",
            order,
            sku_code=line.sku_code,
            amount=discount.amount,
            owner=discount.owner,
        )

    def choose_delivery(
        self,
        order: Order,
        *,
        pickup: Pickup | None = None,
        passport: Passport | None = None,
        settlement: Settlement | None = None,
    ) -> None:
        """Set how an order is delivered and settled; what is not given stays.

        Raises `NotPossible`.
        """
        _require_open(order)
        order.pickup = pickup or order.pickup
        order.passport = passport or order.passport
        order.settlement = settlement or order.settlement
        self.repository.of(order.seller_id).touch(order, self._now())
        self._record("order.delivery", order)

    def _record(
        self, operation: str, order: Order, *, sku_code: str | None = None, **detail: Any
    ) -> None:
        self._ledger.record(
            operation,
            order.seller_id,
            sku_code=sku_code,
            order_id=order.id,
            order_number=order.number,
            **detail,
        )

    def ship(
        self, seller_id: str, order_id: int, parcel: Parcel, *, operation: str = "order.ship"
    ) -> None:
        """Declare a parcel; `operation` is what the ledger calls it.

        Raises `Refusal` with the documented Chinese message.
        """
        detail = _detail(parcel)
        try:
            order = self._require_shippable(seller_id, order_id)
            _check_tracking(seller_id, parcel)
        except Refusal as refusal:
            self._refuse(operation, seller_id, order_id, refusal, detail)
            raise
        now = parcel.sent_at
        order.parcels.append(parcel)
        order.sent_at = order.sent_at or now
        order.is_all_sent = parcel.send_type == "all"
        self._record(operation, order, **detail)
        if order.is_all_sent and order.status in (
            lifecycle.TO_SEND,
            lifecycle.PART_SENT,
            lifecycle.CANCELLING,
        ):
            self._enter(order, lifecycle.SENT, now)
        elif order.status == lifecycle.TO_SEND:
            self._enter(order, lifecycle.PART_SENT, now)
        else:
            self.repository.of(seller_id).touch(order, now)

    def withdraw(self, order: Order, number: str) -> None:
        """Take a parcel back; the order's state stays. Raises `NotPossible`."""
        kept = [parcel for parcel in order.parcels if parcel.logistics_no != number]
        if len(kept) == len(order.parcels):
            raise NotPossible(f"the order has no parcel {number}")
        order.parcels = kept
        self.repository.of(order.seller_id).touch(order, self._now())
        self._record("order.parcel.withdraw", order, tracking_number=number)

    def change_tracking(
        self, seller_id: str, order_id: int, old: tuple[str, str], new: Parcel
    ) -> None:
        """Replace carrier and number of a parcel. Raises `Refusal`."""
        detail = _detail(new)
        try:
            order = self._require(seller_id, order_id)
            place = _place_of(order, old)
            _check_tracking(seller_id, new)
        except Refusal as refusal:
            self._refuse("order.reship", seller_id, order_id, refusal, detail)
            raise
        order.parcels[place] = new
        self.repository.of(seller_id).touch(order, self._now())
        self._record("order.reship", order, **detail)

    def _require(self, seller_id: str, order_id: int) -> Order:
        order = self.repository.find(seller_id, order_id)
        if order is None:
            raise Refusal(SHIPPING_CODE, NOT_YOURS)
        return order

    def _require_shippable(self, seller_id: str, order_id: int) -> Order:
        order = self._require(seller_id, order_id)
        if order.is_all_sent:
            raise Refusal(SHIPPING_CODE, SHIPPED_ALREADY)
        if order.status not in lifecycle.SHIPPABLE:
            raise Refusal(SHIPPING_CODE, NOT_SHIPPABLE)
        return order

    def _refuse(
        self,
        operation: str,
        seller_id: str,
        order_id: int,
        refusal: Refusal,
        detail: dict[str, Any],
    ) -> None:
        refused = (refusal.code, refusal.message)
        self._ledger.record(operation, seller_id, order_id=order_id, refused=refused, **detail)

    def _named(self, seller_id: str, lines: Sequence[tuple[str, int]]) -> list[Wanted]:
        shop = self._shops.of(seller_id)
        wanted = []
        for code, quantity in lines:
            live = [p for p in shop.with_sku(code) if p.status == ON_SALE]
            if not live:
                raise NothingToOrder(f"no live offer has the SKU code {code!r}")
            wanted.append((live[0], live[0].skus[code], quantity))
        return wanted

    def _drawn(self, seller_id: str, codes: list[str], draw: Random) -> list[Wanted]:
        """One to three SKUs; drawn by SKU code, so ids and times do not matter."""
        shop = self._shops.of(seller_id)
        wanted: dict[str, Wanted] = {}
        lines = draw.randint(1, 3)
        for _ in range(60):
            if len(wanted) == lines or not codes:
                break
            code, quantity = draw.choice(codes), draw.randint(1, 2)
            product = shop.with_sku(code)[0]
            sku = product.skus[code]
            if product.status == ON_SALE and sku.inventory >= quantity:
                wanted.setdefault(code, (product, sku, quantity))
        if not wanted:
            raise NothingToOrder("no live offer has stock")
        return list(wanted.values())

    def _open(
        self,
        seller_id: str,
        number: str,
        draw: Random,
        *,
        wanted: list[Wanted],
        journey: str,
        now: datetime,
    ) -> Order:
        identity = self._next_id("order")
        first = wanted[0][0]
        order = Order(
            id=identity,
            number=number,
            seller_id=seller_id,
            buyer=draw_buyer(draw),
            lines=[self._line(*one) for one in wanted],
            currency=SELLERS[seller_id].currency,
            shipping_amount=f"{draw.choice((0, 199, 499, 999)) / 100:.2f}",
            strategy=str(first.content.get("inventory_deduction_strategy")),
            service_name="CAINIAO_STANDARD",
            created_at=now,
            modified_at=now,
            journey=journey,
        )
        self.repository.add(order)
        self._ledger.record(
            "order.place",
            seller_id,
            order_id=identity,
            at=now,
            order_number=number,
            lines=[{"sku_code": line.sku_code, "quantity": line.quantity} for line in order.lines],
        )
        if order.strategy == "place_order_withhold":
            self._take_stock(order)
        self._plan_next(order, now)
        return order

    def _line(self, product: Product, sku: Sku, quantity: int) -> Line:
        return Line(
            child_id=self._next_id("order"),
            product_id=product.id,
            sku_code=sku.code,
            title=product.title,
            image=(product.images or [""])[0],
            quantity=quantity,
            unit_price=f"{sku.selling_price:.2f}",
            attributes=json_text({"sku": chosen_attributes(sku, self._catalogue)}),
            ship_days=int(product.content.get("shipping_preparation_time") or 7),
            category_id=product.category_id,
        )

    def _enter(self, order: Order, status: str, moment: datetime, end_reason: str = "") -> None:
        """Put an order into a state, with all that comes with it."""
        if status == lifecycle.FROZEN:
            order.returns_to = order.status
        if order.paid_at is None and status not in lifecycle.UNPAID and not end_reason:
            order.paid_at = moment
            self._take_stock(order)
        if status == lifecycle.DISPUTE:
            order.has_issue, order.issue_at = True, moment
        if status == lifecycle.SENT and not order.is_all_sent:
            self._send_for_seller(order, moment)
        if status == lifecycle.FINISHED:
            self._end(order, moment, end_reason or lifecycle.CONFIRMED)
        order.status = status
        self.repository.of(order.seller_id).touch(order, moment)
        self._ledger.record(
            "order.status",
            order.seller_id,
            order_id=order.id,
            at=moment,
            order_number=order.number,
            status=status,
        )
        self._plan_next(order, moment)

    def _end(self, order: Order, moment: datetime, reason: str) -> None:
        order.ended_at, order.end_reason = moment, reason
        if reason not in lifecycle.CONFIRMATIONS:
            order.is_refunded = order.paid_at is not None
            if order.is_stock_taken and not order.parcels:
                self._return_stock(order.seller_id, order.lines)
                order.is_stock_taken = False

    def _send_for_seller(self, order: Order, moment: datetime) -> None:
        """A parcel for an order that the control API moved past shipping."""
        number = f"LA{order.id % 10**9:09d}CN"
        order.parcels.append(Parcel("EMS", number, "all", "", moment))
        order.sent_at, order.is_all_sent = moment, True

    def _take_stock(self, order: Order) -> None:
        if not order.is_stock_taken:
            order.is_stock_taken = True
            for line in order.lines:
                self._change_stock(order.seller_id, line, -line.quantity)

    def _return_stock(self, seller_id: str, lines: Iterable[Line]) -> None:
        for line in lines:
            if not line.is_cancelled:
                self._change_stock(seller_id, line, line.quantity)

    def _change_stock(self, seller_id: str, line: Line, change: int) -> None:
        product = self._shops.find(seller_id, line.product_id)
        sku = product.skus.get(line.sku_code) if product else None
        if sku is not None:
            sku.inventory = max(sku.inventory + change, 0)

    def _next_step(self, order: Order) -> lifecycle.Step | None:
        return lifecycle.next_step(
            order.status, order.journey, order.ship_days, self._settings, order.returns_to
        )

    def _plan_next(self, order: Order, moment: datetime) -> None:
        step = self._next_step(order)
        order.due_at = moment + step.after if step else None
        if order.due_at:
            heapq.heappush(self._due, (order.due_at, order.id))


def _require_open(order: Order) -> None:
    if order.status in (lifecycle.FINISHED, lifecycle.ARCHIVED):
        raise NotPossible("the order has ended")


def _give_back(line: Line, amount: Decimal, reason: str, moment: datetime) -> None:
    line.refunded = f"{Decimal(line.refunded) + amount:.2f}"
    line.refund_reason, line.refunded_at = reason, moment


def chosen_attributes(sku: Sku, catalogue: Catalogue) -> list[dict[str, Any]]:
    """The values that make a SKU, as an order shows them."""
    return [
        {
            "pId": catalogue.attributes[name].id,
            "pName": name,
            "pValueId": int(value["value"]),
            "pValue": catalogue.attributes[name].value_named(str(value["value"])),
            "selfDefineValue": value.get("alias") or "",
            "skuImg": value.get("sku_image_url") or "",
            "order": place,
        }
        for place, (name, value) in enumerate(sku.attributes.items(), 1)
        if name in catalogue.attributes and str(value.get("value")).isdecimal()
    ]


def _detail(parcel: Parcel) -> dict[str, Any]:
    return {
        "carrier": parcel.service_name,
        "tracking_number": parcel.logistics_no,
        "send_type": parcel.send_type,
    }


def _place_of(order: Order, old: tuple[str, str]) -> int:
    """Where a parcel that may be changed stands."""
    if order.status in lifecycle.ENDED:
        raise Refusal(SHIPPING_CODE, NOT_SHIPPABLE)
    for place, parcel in enumerate(order.parcels):
        if (parcel.service_name, parcel.logistics_no) == old:
            return place
    raise Refusal(SHIPPING_CODE, NOT_SHIPPABLE)


def _check_tracking(seller_id: str, parcel: Parcel) -> None:
    carrier = find_carrier(seller_id, parcel.service_name)
    if (
        carrier is None
        or (carrier.pattern and not re.fullmatch(carrier.pattern, parcel.logistics_no))
        or (carrier.needs_website and not parcel.tracking_website)
    ):
        raise Refusal(SHIPPING_CODE, BAD_TRACKING)


def find_carrier(seller_id: str, service_name: str) -> Carrier | None:
    """A carrier of the seller's list; `other` may be written either way."""
    wanted = "Other" if service_name == "other" else service_name
    carriers = SELLERS[seller_id].carriers
    return next((one for one in carriers if one.service_name == wanted), None)
