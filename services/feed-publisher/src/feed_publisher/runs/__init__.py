"""Runs of a feed: asked for, planned, confirmed, driven to their end by any replica."""
