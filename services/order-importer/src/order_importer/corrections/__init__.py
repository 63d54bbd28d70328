"""Correcting the tracking number or the carrier of a parcel, at AliExpress too (M8.4).

The only store of `tracking_correction`.
"""
