"""Catalogues and their source products: the newest state of each wins, whichever way it came.
The store of `catalogue` and `source_product`."""
