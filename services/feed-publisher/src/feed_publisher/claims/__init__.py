"""Who a SKU code belongs to: one feed and family per shop (M1.7)."""
