"""The bed of order-importer, for every test of this member."""

from orders_bed import bed, site

__all__ = ["bed", "site"]
