"""Audits: all orders of 90 days compared with AliExpress's list, every month and on request.

The only store of `order_audit` and `order_audit_difference`.
"""
