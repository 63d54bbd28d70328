"""Fetching orders: every order of a shop once, every change of one once (M8.1, M8.3).

The only store of `unreadable_order`.
"""
