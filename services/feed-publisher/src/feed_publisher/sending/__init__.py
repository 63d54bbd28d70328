"""Applies a plan: intent, call, outcome; jobs are followed, lost answers settled by reading.
The store of `remote_call` and `shop_product`."""
