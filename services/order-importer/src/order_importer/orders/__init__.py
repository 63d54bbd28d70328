"""The order itself, shared by importing and shipping: its row, its events, its REST views.

The only store of `marketplace_order`.
"""
