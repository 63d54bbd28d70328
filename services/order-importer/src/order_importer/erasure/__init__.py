"""Erasing buyers' data: a set time after an order's end, and on request (M8.6).

Amounts, lines and parcels stay. Where buyers' data are, and for how long: `docs/privacy.md`.
"""
