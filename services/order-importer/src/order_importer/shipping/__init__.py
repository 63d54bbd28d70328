"""Shipping an order: asked for over REST, sent to AliExpress once, settled by reading (M8.4).

The only store of `shipment`.
"""
