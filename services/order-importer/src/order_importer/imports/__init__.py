"""Imports of a shop's orders, as rows: due, running, ended; and the schedule that asks for them.

The only store of `order_import`.
"""
