"""Shops as auth-service's `shop.state` has them, and the way to call AliExpress for one.

The only store of `shop`.
"""
