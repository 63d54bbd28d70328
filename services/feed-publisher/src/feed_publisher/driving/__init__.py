"""A run's way from being asked for to its end: scheduled, previewed, confirmed, and driven by
whichever replica takes the next turn."""
