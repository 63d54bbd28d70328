"""Every change of an order, in a feed that other systems follow by a cursor.

The only store of `order_change` and `order_feed`.
"""
