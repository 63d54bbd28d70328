"""Feeds: how is this feed? Its six steps, figures, history, preview, and what was sent."""
