"""API clients: who may call the channel, their short-lived tokens and the keys that prove them.

The only store of `api_client`.
"""
