"""A SKU code belongs to one feed and family per shop (M1.7); others wait for it.
The store of `sku_claim` and `sku_waiter`."""
