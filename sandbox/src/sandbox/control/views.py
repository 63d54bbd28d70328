"""Products and orders as the control API shows them."""

from typing import Any

from sandbox.orders.order import Order
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
            }
            for line in order.lines
        ],
        "shipments": [
            {
                "carrier": parcel.service_name,
                "tracking_number": parcel.logistics_no,
                "send_type": parcel.send_type,
            }
            for parcel in order.parcels
        ],
    }
