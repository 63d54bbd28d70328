"""Connecting a shop, or renewing its token, by OAuth in the merchant's browser (M1.2, M1.4).

The only store of `connect_attempt`.
"""
