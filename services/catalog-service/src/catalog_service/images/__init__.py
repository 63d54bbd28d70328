"""Picture addresses are fetched before a product names them (M3.5), each verdict kept.
The store of `image_check`."""
