"""Orders: the list, one order's details, and where it goes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from aliexpress.client import Client, require_at_most
from aliexpress.operation import AccessToken, Operation
from aliexpress.order_parts import (
    Discount,
    Refund,
    VariantAttribute,
    read_discounts,
    read_refund,
    read_variant,
)
from aliexpress.wire import Fields, Money, Unreadable, encode, int_or_text, to_pacific

ORDER_LIST = Operation("aliexpress.solution.order.get")
ORDER_INFO = Operation("aliexpress.solution.order.info.get")
ORDER_RECEIPT = Operation("aliexpress.solution.order.receiptinfo.get")

MAX_ORDER_PAGE = 50
MAX_ORDER_STATUSES = 20

FINISHED = "FINISH"  # left out of an order list unless asked for
SHIPPABLE_STATUSES = frozenset(
    {
        "WAIT_SELLER_SEND_GOODS",
        "SELLER_PART_SEND_GOODS",
        "IN_ISSUE",
        "IN_CANCEL",
        "IN_FROZEN",
    }
)


class OrderLine(msgspec.Struct, frozen=True):
    """A line of a listed order. It knows no shipping cost and no address."""

    line_id: str
    product_id: str | None
    sku_code: str | None
    name: str | None
    quantity: int | None
    unit: str | None
    unit_price: Money | None
    total: Money | None
    status: str | None
    show_status: str | None
    issue_status: str | None
    fund_status: str | None
    sender: str | None
    carrier: str | None
    preparation_days: int | None
    delivery_time: str | None
    image_url: str | None
    memo: str | None


class Order(msgspec.Struct, frozen=True):
    """A listed order. Times UTC; `raw` is the row as JSON text.

    `status` is AliExpress's own word; `timeout_left` runs backwards and is negative when late.
    """

    order_id: str
    status: str
    created_at: datetime | None
    paid_at: datetime | None
    sent_at: datetime | None
    modified_at: datetime | None
    total: Money | None
    escrow_fee: Money | None
    loan_amount: Money | None
    business_type: str | None
    fund_status: str | None
    frozen_status: str | None
    issue_status: str | None
    logistics_status: str | None
    payment_type: str | None
    end_reason: str | None
    timeout_left: timedelta | None
    buyer_login: str | None
    buyer_name: str | None
    lines: tuple[OrderLine, ...]
    raw: str

    def __repr__(self) -> str:
        """Without the buyer's data."""
        return f"Order({self.order_id}, {self.status})"


class UnreadableOrder(msgspec.Struct, frozen=True):
    """A row that could not be read as an order; its neighbours are unharmed."""

    reason: str
    raw: str

    def __repr__(self) -> str:
        """Without the buyer's data."""
        return f"UnreadableOrder({self.reason})"


class OrderPage(msgspec.Struct, frozen=True):
    """A page of the order list."""

    orders: tuple[Order, ...]
    unreadable: tuple[UnreadableOrder, ...]
    page: int
    page_size: int
    total_pages: int | None
    total_count: int | None

    @property
    def has_more(self) -> bool:
        """Whether a further page is to be read."""
        if self.total_pages is not None:
            return self.page < self.total_pages
        return len(self.orders) + len(self.unreadable) >= self.page_size


class OrderDetailLine(msgspec.Struct, frozen=True):
    """A line of an order's details."""

    line_id: str
    product_id: str | None
    sku_code: str | None
    name: str | None
    quantity: int | None
    price: Money | None
    initial_amount: Money | None
    discount: Money | None
    discounts: tuple[Discount, ...]
    status: str | None
    sender: str | None
    carrier: str | None
    refund: Refund | None
    preparation_days: int | None
    image_url: str | None
    variant: tuple[VariantAttribute, ...]


class Parcel(msgspec.Struct, frozen=True):
    """A parcel AliExpress knows of."""

    tracking_number: str
    service_name: str | None
    sent_at: datetime | None
    receive_status: str | None


class OrderDetails(msgspec.Struct, frozen=True):
    """An order in full. Times UTC; `raw` is the answer as JSON text.

    `deadline_at` is when the present state times out, such as unsent goods; `oaid` is what a masked
    address is decrypted by (`addresses.decrypt_address`).
    """

    order_id: str
    status: str
    created_at: datetime | None
    modified_at: datetime | None
    paid_at: datetime | None
    ended_at: datetime | None
    deadline_at: datetime | None
    total: Money | None
    initial_total: Money | None
    shipping: Money | None
    discount: Money | None
    settlement_total: Money | None
    buyer_login: str | None
    buyer_name: str | None
    memo: str | None
    refund: Refund | None
    issue_status: str | None
    frozen_status: str | None
    fund_status: str | None
    end_reason: str | None
    pickup_type: str | None
    pickup_code: str | None
    tax_number: str | None
    lines: tuple[OrderDetailLine, ...]
    parcels: tuple[Parcel, ...]
    raw: str
    oaid: str | None = None

    def __repr__(self) -> str:
        """Without the buyer's data."""
        return f"OrderDetails({self.order_id}, {self.status})"


class Receipt(msgspec.Struct, frozen=True):
    """Whom and where an order goes to; `country` is an ISO code as AliExpress writes it.

    A masked one has stars in it and names the `oaid` that decrypts it.
    """

    name: str | None
    country: str | None
    country_name: str | None
    province: str | None
    city: str | None
    address: str | None
    address2: str | None
    detail_address: str | None
    zip_code: str | None
    phone_country: str | None
    phone_area: str | None
    phone_number: str | None
    mobile: str | None
    localized_address: str | None
    raw: str
    oaid: str | None = None

    @property
    def is_masked(self) -> bool:
        """Whether stars stand for parts of it."""
        shown = (self.name, self.detail_address, self.address, self.address2, self.mobile)
        return any("*" in part for part in (*shown, self.phone_number) if part)

    def __repr__(self) -> str:
        """Without the buyer's data."""
        return f"Receipt(country={self.country!r})"


async def list_orders(
    client: Client,
    token: AccessToken,
    *,
    modified_from: datetime | None = None,
    modified_to: datetime | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    statuses: Sequence[str] = (),
    page: int = 1,
    page_size: int = MAX_ORDER_PAGE,
) -> OrderPage:
    """A page of the seller's orders. Without `statuses` the answer leaves out FINISH.

    Bounds are sent in US Pacific time to the second, whose repeated hour in November makes a window
    ambiguous: overlap windows by at least two hours. Pages shift while orders change.
    Source: aliexpress.solution.order.get. Limits: 50 orders a page, 20 statuses. Errors:
    `CallerFault`, `BadAnswer`.
    """
    require_at_most(ORDER_LIST, page_size, MAX_ORDER_PAGE, "orders a page")
    query: dict[str, object] = {"current_page": page, "page_size": page_size}
    bounds = {
        "modified_date_start": modified_from,
        "modified_date_end": modified_to,
        "create_date_start": created_from,
        "create_date_end": created_to,
    }
    query |= {name: to_pacific(moment) for name, moment in bounds.items() if moment is not None}
    if statuses:
        require_at_most(ORDER_LIST, len(statuses), MAX_ORDER_STATUSES, "statuses")
        query["order_status_list"] = list(statuses)
    return await client.call(
        ORDER_LIST, {"param0": encode(query)}, token, lambda answer: _page(answer, page, page_size)
    )


async def load_order(client: Client, token: AccessToken, order_id: str) -> OrderDetails:
    """An order in full, with money, parcels, refunds and issues.

    Source: aliexpress.solution.order.info.get. Errors: `CallerFault` (unknown or another seller's
    order), `BadAnswer`.
    """
    query = encode({"order_id": int_or_text(order_id)})
    return await client.call(
        ORDER_INFO, {"param1": query}, token, lambda answer: _details(answer, order_id)
    )


async def load_receipt(client: Client, token: AccessToken, order_id: str) -> Receipt:
    """Whom and where an order goes to: a buyer's personal data.

    Source: aliexpress.solution.order.receiptinfo.get. Errors: `CallerFault` (unknown order).
    """
    query = encode({"order_id": int_or_text(order_id)})
    return await client.call(ORDER_RECEIPT, {"param1": query}, token, _receipt)


def _page(answer: Fields, page: int, page_size: int) -> OrderPage:
    result = answer.result()
    result.refuse_unless_successful("target_list", "total_count", "current_page")
    orders, unreadable = [], []
    for row in result.objects("target_list", "order_dto"):
        try:
            orders.append(_order(row))
        except Unreadable as problem:
            unreadable.append(UnreadableOrder(str(problem), row.raw_json()))
    total_count = result.find_integer("total_count")
    if not (orders or unreadable) and page == 1 and total_count != 0:
        _require_express_emptiness(result, total_count)
    return OrderPage(
        orders=tuple(orders),
        unreadable=tuple(unreadable),
        page=page,
        page_size=page_size,
        total_pages=result.find_integer("total_page"),
        total_count=total_count,
    )


def _require_express_emptiness(result: Fields, total_count: int | None) -> None:
    """An answer without orders must say so: what was lost on the way is not "no orders"."""
    if total_count is not None:
        raise Unreadable(result.path, f"{total_count} orders are counted, none is listed")
    result.require_any("target_list", "success")


def _order(row: Fields) -> Order:
    left = row.find_integer("timeout_left_time")
    return Order(
        order_id=row.id("order_id"),
        status=row.text("order_status"),
        created_at=row.find_time("gmt_create"),
        paid_at=row.find_time("gmt_pay_time"),
        sent_at=row.find_time("gmt_send_goods_time"),
        modified_at=row.find_time("gmt_update"),
        total=row.find_money("pay_amount"),
        escrow_fee=row.find_money("escrow_fee"),
        loan_amount=row.find_money("loan_amount"),
        business_type=row.find_text("biz_type"),
        fund_status=row.find_text("fund_status"),
        frozen_status=row.find_text("frozen_status"),
        issue_status=row.find_text("issue_status"),
        logistics_status=row.find_text("logistics_status"),
        payment_type=row.find_text("payment_type"),
        end_reason=row.find_text("end_reason"),
        timeout_left=_milliseconds(left),
        buyer_login=row.find_text("buyer_login_id"),
        buyer_name=row.find_text("buyer_signer_fullname"),
        lines=tuple(row.read_all("product_list", "order_product_dto", _line)),
        raw=row.raw_json(),
    )


def _milliseconds(number: int | None) -> timedelta | None:
    try:
        return None if number is None else timedelta(milliseconds=number)
    except OverflowError:
        return None


def _line(row: Fields) -> OrderLine:
    return OrderLine(
        line_id=row.id("child_id"),
        product_id=row.find_id("product_id"),
        sku_code=row.find_text("sku_code"),
        name=row.find_text("product_name"),
        quantity=row.find_integer("product_count"),
        unit=row.find_text("product_unit"),
        unit_price=row.find_money("product_unit_price"),
        total=row.find_money("total_product_amount"),
        status=row.find_text("son_order_status"),
        show_status=row.find_text("show_status"),
        issue_status=row.find_text("issue_status"),
        fund_status=row.find_text("fund_status"),
        sender=row.find_text("send_goods_operator"),
        carrier=row.find_text("logistics_type", "logistics_service_name"),
        preparation_days=row.find_integer("goods_prepare_time"),
        delivery_time=row.find_text("delivery_time"),
        image_url=row.find_text("product_img_url"),
        memo=row.find_text("memo"),
    )


def _details(answer: Fields, order_id: str) -> OrderDetails:
    result = answer.result()
    result.refuse_unless_successful("data", "id")
    row = result.find_fields("data") or result
    answered = row.id("id", "order_id")
    if answered != order_id:
        raise Unreadable(f"{row.path}.id", f"order {order_id} was asked for, not {answered}")
    buyer = row.find_fields("buyer_info") or Fields({})
    discount = row.find_fields("order_discount_info") or Fields({})
    issue = row.find_fields("issue_info") or Fields({})
    return OrderDetails(
        order_id=answered,
        status=row.text("order_status"),
        created_at=row.find_time("gmt_create"),
        modified_at=row.find_time("gmt_modified"),
        paid_at=row.find_time("gmt_pay_success"),
        ended_at=row.find_time("gmt_trade_end"),
        deadline_at=row.find_time("over_time_left"),
        total=row.find_money("order_amount"),
        initial_total=row.find_money("init_oder_amount", "init_order_amount"),
        shipping=row.find_money("logistics_amount"),
        discount=row.find_money("order_discount_info")
        or discount.find_money("discount_amount", "order_discount_amount"),
        settlement_total=row.find_money("pay_amount_by_settlement_cur") or _settled(row),
        buyer_login=row.find_text("buyerloginid") or buyer.find_text("login_id"),
        buyer_name=row.find_text("buyer_signer_fullname") or _full_name(buyer),
        memo=row.find_text("memo"),
        refund=read_refund(row),
        issue_status=row.find_text("issue_status") or issue.find_text("issue_status"),
        frozen_status=row.find_text("frozen_status"),
        fund_status=row.find_text("fund_status"),
        end_reason=row.find_text("order_end_reason", "end_reason"),
        pickup_type=row.find_text("offline_pickup_type"),
        pickup_code=row.find_text("offline_pickup_point_code"),
        tax_number=row.find_text("cpf_number"),
        lines=tuple(
            row.read_all("child_order_list", "global_aeop_tp_child_order_dto", _detail_line)
        ),
        parcels=tuple(
            row.read_all("logistic_info_list", "global_aeop_tp_logistic_info_dto", _parcel)
        ),
        raw=row.raw_json(),
        oaid=row.find_text("oaid"),
    )


def _settled(row: Fields) -> Money | None:
    amount, currency = (
        row.find_amount("pay_amount_by_settlement_cur"),
        row.find_text("settlement_currency"),
    )
    return Money(amount, currency) if amount is not None and currency is not None else None


def _full_name(buyer: Fields) -> str | None:
    names = [buyer.find_text("first_name"), buyer.find_text("last_name")]
    return " ".join(name for name in names if name) or None


def _detail_line(row: Fields) -> OrderDetailLine:
    return OrderDetailLine(
        line_id=row.id("child_order_id", "id"),
        product_id=row.find_id("product_id"),
        sku_code=row.find_text("sku_code"),
        name=row.find_text("product_name"),
        quantity=row.find_integer("product_count"),
        price=row.find_money("product_price"),
        initial_amount=row.find_money("init_order_amt"),
        discount=row.find_money("child_order_discount_info"),
        discounts=read_discounts(row),
        status=row.find_text("order_status"),
        sender=row.find_text("send_goods_operator"),
        carrier=row.find_text("logistics_type"),
        refund=read_refund(row),
        preparation_days=row.find_integer("goods_prepare_time"),
        image_url=row.find_text("product_img_url", "snapshot_small_photo_path"),
        variant=read_variant(row),
    )


def _parcel(row: Fields) -> Parcel:
    return Parcel(
        tracking_number=row.text("logistics_no"),
        service_name=row.find_text("logistics_type_code", "logistics_service_name"),
        sent_at=row.find_time("gmt_send"),
        receive_status=row.find_text("receive_status"),
    )


def _receipt(answer: Fields) -> Receipt:
    result = answer.result()
    expected = ("contact_person", "country", "city", "detail_address", "address", "zip")
    result.refuse_unless_successful(*expected)
    result.require_any(*expected)
    return Receipt(
        name=result.find_text("contact_person"),
        country=result.find_text("country"),
        country_name=result.find_text("country_name"),
        province=result.find_text("province"),
        city=result.find_text("city"),
        address=result.find_text("address"),
        address2=result.find_text("address2"),
        detail_address=result.find_text("detail_address"),
        zip_code=result.find_text("zip"),
        phone_country=result.find_text("phone_country"),
        phone_area=result.find_text("phone_area"),
        phone_number=result.find_text("phone_number"),
        mobile=result.find_text("mobile_no"),
        localized_address=result.find_text("localized_address"),
        raw=result.raw_json(),
        oaid=result.find_text("oaid"),
    )
