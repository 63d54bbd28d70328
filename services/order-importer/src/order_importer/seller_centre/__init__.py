"""Parcels that were made in AliExpress's seller centre: which they are, and their rows.

The only store of `marketplace_parcel`.
"""
