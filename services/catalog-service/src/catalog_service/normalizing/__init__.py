"""Dirty families are evaluated for each feed and emitted as `product.normalized`.
The store of `normalized_product` and `republish_request`."""
