"""Products and orders as the control API shows them."""

from typing import Any

from msgspec.structs import asdict

from sandbox.orders.order import Order
from sandbox.orders.views import frozen_status, fund_status, issue_status
from sandbox.products.shops import Product


def product_view(product: Product) -> dict[str, Any]:
    """A product as the control API shows it."""
    return {
        "product_id": str(product.id),
        "status": product.status,
        "title": product.title,
        "category_id": str(product.category_id),
        "locale": product.locale,
        "image_url_list": product.images,
        "modified_at": product.modified_at.isoformat(),
        "skus": [
            {
                "sku_code": sku.code,
                "price": sku.price,
                "discount_price": sku.discount_price,
                "inventory": sku.inventory,
                "sku_attributes": sku.attributes,
            }
            for sku in product.skus.values()
        ],
    }


def order_view(order: Order) -> dict[str, Any]:
    """An order as the control API shows it."""
    return {
        "order_id": str(order.id),
        "order_number": order.number,
        "seller_id": order.seller_id,
        "status": order.status,
        "end_reason": order.end_reason,
        "pay_amount": f"{order.pay_amount:.2f}",
        "currency": order.currency,
        "shipping_amount": order.shipping_amount,
        "discount": f"{order.discount:.2f}",
        "settled": {"amount": f"{order.settled[0]:.2f}", "currency": order.settled[1]},
        "refunded": f"{order.refunded_amount:.2f}",
        "fund_status": fund_status(order),
        "frozen_status": frozen_status(order),
        "issue_status": issue_status(order),
        "paid_at": order.paid_at.isoformat() if order.paid_at else None,
        "due_at": order.due_at.isoformat() if order.due_at else None,
        "buyer": {**asdict(order.buyer), "tax_number": order.buyer.tax_number},
        "pickup": order.pickup,
        "passport": order.passport,
        "created_at": order.created_at.isoformat(),
        "modified_at": order.modified_at.isoformat(),
        "lines": [
            {
                "sku_code": line.sku_code,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "product_id": str(line.product_id),
                "line_id": str(line.child_id),
                "status": line.status or order.status,
                "refunded": line.refunded,
                "refund_reason": line.refund_reason,
                "is_cancelled": line.is_cancelled,
                "attributes": line.attributes,
                "image": line.image,
                "discounts": line.discounts,
            }
            for line in order.lines
        ],
        "shipments": [
            {
                "carrier": parcel.service_name,
                "tracking_number": parcel.logistics_no,
                "send_type": parcel.send_type,
                "sent_at": parcel.sent_at.isoformat(),
            }
            for parcel in order.parcels
        ],
    }
