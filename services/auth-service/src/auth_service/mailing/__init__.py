"""Mails: queued in the transaction of what they tell of, sent by a job, in the reader's language.

The store of `mail`.
"""
