"""Whom troubles are told to: subscriptions, mails with their digests, the list and its read marks.

The store of `alert_subscription`, `notification` and `trouble_read`.
"""
