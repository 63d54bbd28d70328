"""Shops: how each is connected, its sealed token, its expiry steps, and `shop.state` of it.

The only store of `shop`.
"""
