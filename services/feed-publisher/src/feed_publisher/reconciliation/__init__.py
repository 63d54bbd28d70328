"""Feeds whose families are to be compared with their listings, and how far that is.
The store of `reconciliation`."""
