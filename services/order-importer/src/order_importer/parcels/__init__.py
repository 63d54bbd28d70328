"""The parcels of an order as one list, the channel's and the seller centre's, with their numbers.

Reads only: shipments, corrections and parcels of the seller centre are written by their own slices.
"""
