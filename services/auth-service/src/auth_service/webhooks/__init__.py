"""Webhooks: other systems are told of troubles, signed by the Standard Webhooks specification.

The store of `webhook_endpoint`, `webhook_secret` and `webhook_delivery`.
"""
