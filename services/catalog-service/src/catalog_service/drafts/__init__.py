"""Configurations tried on the whole feed before they are saved: nothing is emitted.
The store of `feed_draft` and `feed_draft_family`."""
