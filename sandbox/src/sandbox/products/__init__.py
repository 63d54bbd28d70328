"""Products: posting, updating, batch calls, listing, deletion."""
