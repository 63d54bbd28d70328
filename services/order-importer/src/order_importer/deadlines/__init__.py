"""Orders in time (M8.5): what is due is published at each threshold, and measured.

The only store of `deadline_notice`.
"""
